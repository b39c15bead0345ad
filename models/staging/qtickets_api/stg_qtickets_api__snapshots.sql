-- The newest picture of each show and Moscow day, each parsed once: a picture is thousands of seats, and history must not
-- be paid for in every build. Appends; the engine keeps the newest of a day.
-- The raw pictures expire (EXTRACT_INVENTORY_DAYS) and what was counted of them stays, so `--full-refresh` parses again
-- what is there and keeps the rest.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        unique_key=['show_id', 'snapshot_date'],
        on_schema_change='fail',
        engine='ReplacingMergeTree(snapshot_at)',
        order_by=['show_id', 'snapshot_date'],
    )
}}

{%- set read_before = snapshots_read_before(this) %}

with

landed as (

    select
        *,
        {{ report_date('snapshot_ts') }} as snapshot_date
    from {{ source('qtickets_api', 'stg_qtickets_api_inventory_raw') }}

),

-- As with orders: what is landed against what was read, without a clock and without a payload.
versions as (

    select
        show_id,
        snapshot_date,
        (snapshot_ts, _ver) as landed_version,
        toDateTime64(0, 3, 'UTC') as read_ts
    from landed
    {% if read_before and is_incremental() %}
    union all

    select
        show_id,
        snapshot_date,
        (toDateTime64(0, 3, 'UTC'), 0::UInt64),
        snapshot_at
    from {{ read_before }} as read
    {% endif %}
),

new_versions as (

    select
        show_id,
        snapshot_date,
        max(landed_version) as newest
    from versions
    group by
        show_id,
        snapshot_date
    having newest.1 > max(read_ts)

),

-- A batch that was sent twice is there twice until merged. Not sorted: that would hold all of the payloads in memory.
new_snapshots as (

    select * from landed
    where (show_id, snapshot_ts, _ver) in (select show_id, newest.1, newest.2 from new_versions)
    limit 1 by show_id, snapshot_ts

),

-- Two shapes: seats by id, or zones that hold seats. Empty is [] (PHP).
seats as (

    select
        show_id,
        event_id,
        snapshot_date,
        snapshot_ts,
        JSONType(payload) in ('Object', 'Array') as is_json,
        arrayJoin(
            arrayConcat(
                [('', '')],
                arrayFlatten(
                    arrayMap(
                        entry -> if(
                            JSONHas(entry.2, 'seats'),
                            arrayMap(x -> (entry.1, x.2), JSONExtractKeysAndValuesRaw(entry.2, 'seats')),
                            [('', entry.2)]
                        ),
                        JSONExtractKeysAndValuesRaw(payload)
                    )
                )
            )
        ) as zone_and_seat,
        zone_and_seat.2 as seat,
        JSONExtract(
            seat,
            'Tuple(
                zone_id Nullable(String),
                price Nullable(String),
                currency_id Nullable(String),
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
    from new_snapshots

),

typed as (

    select
        show_id,
        event_id,
        snapshot_date,
        snapshot_ts,
        is_json,
        is_seat,
        if(ifNull(json.zone_id, '') = '', zone_and_seat.1, ifNull(json.zone_id, '')) as zone,
        {{ json_money('json.price') }} as price,
        ifNull({{ json_word('json.currency_id') }}, '') as currency,
        {{ json_flag('json.admission') }} as is_admission,
        {{ json_flag('json.disabled') }} as is_disabled,
        {{ json_flag('json.available') }} as is_available,
        isNull(json.max_quantity) and isNull(json.free_quantity) as has_no_quantities,
        toInt64OrNull(json.max_quantity) as max_quantity,
        toInt64OrNull(json.free_quantity) as free_quantity,
        toInt64OrNull(json.payed_quantity) as paid_quantity,
        ifNull(toInt64OrNull(json.ordered_quantity), 0) + ifNull(paid_quantity, 0) as taken
    from seats

),

-- Null is "nobody knows" or "no limit". It is contagious from here on: a sum that leaves something out is wrong.
counted as (

    select
        *,
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

by_zone as (

    select
        show_id,
        any(event_id) as of_event,
        snapshot_date,
        snapshot_ts,
        zone,
        price,
        currency,
        any(is_json) as is_read,
        countIf(is_seat) as seats,
        if(countIf(isNull(total)) = 0, sum(total), null) as zone_total,
        if(countIf(isNull(left_over)) = 0, sum(left_over), null) as zone_left,
        if(countIf(isNull(paid_quantity)) = 0, sum(paid_quantity), null) as zone_paid
    from counted
    -- what is no seat says only whether there is a picture at all
    group by
        show_id,
        snapshot_date,
        snapshot_ts,
        is_seat,
        zone,
        price,
        currency

),

final as (

    select
        show_id,
        any(of_event) as event_id,
        snapshot_date,
        snapshot_ts as snapshot_at,
        any(is_read)::Bool as is_readable,
        sum(seats) as entries,
        {%- for column in ['total', 'left', 'paid'] %}
        if(
            is_readable and countIf(seats > 0 and isNull(zone_{{ column }})) = 0,
            sumIf(ifNull(zone_{{ column }}, 0), seats > 0),
            null
        ) as tickets_{{ column }},
        {%- endfor %}

        -- zones and prices, in parallel arrays
        {%- set parts = 'arraySort(groupArrayIf((zone, price, currency, zone_total, zone_left), seats > 0))' %}
        tupleElement({{ parts }}, 1) as zones,
        tupleElement({{ parts }}, 2) as zone_prices,
        tupleElement({{ parts }}, 3) as zone_currencies,
        tupleElement({{ parts }}, 4) as zone_totals,
        tupleElement({{ parts }}, 5) as zone_lefts
    from by_zone
    group by
        show_id,
        snapshot_date,
        snapshot_ts
    {% if read_before and not is_incremental() %}
    union all

    select
        show_id,
        event_id,
        snapshot_date,
        snapshot_at,
        is_readable,
        entries,
        tickets_total,
        tickets_left,
        tickets_paid,
        zones,
        zone_prices,
        zone_currencies,
        zone_totals,
        zone_lefts
    from {{ read_before }} as kept
    where (show_id, snapshot_at) not in (select show_id, snapshot_ts from landed)
    {% endif %}
)

select * from final
