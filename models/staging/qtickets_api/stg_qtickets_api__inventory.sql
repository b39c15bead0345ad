with

landed as (

    select
        show_id,
        event_id,
        snapshot_ts,
        payload
    from {{ source('qtickets_api', 'stg_qtickets_api_inventory_raw') }}
    order by
        snapshot_ts desc,
        _ver desc
    limit 1 by show_id

),

-- Two shapes: seats by id, or zones that hold seats. Empty is [] (PHP).
seats as (

    select
        show_id,
        event_id,
        snapshot_ts,
        JSONType(payload) in ('Object', 'Array') as is_json,
        JSONExtract(
            arrayJoin(
                arrayConcat(
                    [''],
                    arrayFlatten(
                        arrayMap(
                            entry -> if(
                                JSONHas(entry.2, 'seats'),
                                JSONExtractKeysAndValuesRaw(entry.2, 'seats').2,
                                [entry.2]
                            ),
                            JSONExtractKeysAndValuesRaw(payload)
                        )
                    )
                )
            ) as seat,
            'Tuple(
                admission Nullable(String),
                max_quantity Nullable(String),
                free_quantity Nullable(String),
                ordered_quantity Nullable(String),
                payed_quantity Nullable(String),
                available Nullable(String),
                disabled Nullable(String)
            )'
        ) as json,
        seat != '' as is_seat
    from landed

),

typed as (

    select
        show_id,
        event_id,
        snapshot_ts,
        is_json,
        is_seat,
        {{ json_flag('json.admission') }} as is_admission,
        {{ json_flag('json.disabled') }} as is_disabled,
        {{ json_flag('json.available') }} as is_available,
        isNull(json.max_quantity) and isNull(json.free_quantity) as has_no_quantities,
        toInt64OrNull(json.max_quantity) as max_quantity,
        toInt64OrNull(json.free_quantity) as free_quantity,
        ifNull(toInt64OrNull(json.ordered_quantity), 0) + ifNull(toInt64OrNull(json.payed_quantity), 0) as taken
    from seats

),

-- Null is "nobody knows" or "no limit". It is contagious from here on: a sum that leaves something out is wrong.
counted as (

    select
        show_id,
        event_id,
        snapshot_ts,
        is_json,
        is_seat,
        multiIf(
            -- not on offer: only what was sold before
            ifNull(is_disabled, false), greatest(taken, 0),
            -- a plain seat is one ticket; standing room without a number could be any number
            has_no_quantities, if(ifNull(is_admission, false), null, 1),
            -- "" and negative numbers are "no limit"
            max_quantity >= 0, max_quantity,
            null
        ) as total,
        multiIf(
            ifNull(is_disabled, false), 0,
            isNull(total), null,
            has_no_quantities or isNull(free_quantity),
            -- without numbers: a seat is free or not; of many places, only "none" is known
            multiIf(is_available = false, 0, total <= 1, if(is_available, total, null), null),
            least(greatest(free_quantity, 0), total)
        ) as left_over
    from typed

),

final as (

    select
        show_id,
        any(event_id) as event_id,
        any(snapshot_ts) as snapshot_at,
        any(is_json)::Bool as is_readable,
        countIf(is_seat) as entries,
        if(any(is_json) and countIf(is_seat and isNull(total)) = 0, sumIf(ifNull(total, 0), is_seat), null) as tickets_total,
        if(any(is_json) and countIf(is_seat and isNull(left_over)) = 0, sumIf(ifNull(left_over, 0), is_seat), null) as tickets_left
    from counted
    group by show_id

)

select * from final
