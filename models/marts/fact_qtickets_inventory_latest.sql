-- One small row an event, read beside the sales of the same event.
{{ config(order_by=['event_id', 'city']) }}

with

shows as (

    select
        event_id,
        city,
        tickets_total as total,
        tickets_left as left_over,
        snapshot_at as taken_at
    from {{ ref('fact_qtickets_inventory_by_show') }}

),

final as (

    select
        event_id,
        city,
        -- one unknown makes the sum unknown
        if(count() = count(total), sum(total), null)::Nullable(UInt64) as tickets_total,
        if(count() = count(left_over), sum(left_over), null)::Nullable(UInt64) as tickets_left,
        count()::UInt32 as shows_to_come,
        countIf(isNull(total) or isNull(left_over))::UInt32 as shows_unknown,
        min(taken_at) as snapshot_at
    from shows
    group by
        event_id,
        city

)

select * from final
