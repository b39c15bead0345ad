-- One small row an event, read beside the sales of the same event.
{{ config(order_by=['event_id', 'city']) }}

with

shows as (

    select * from {{ ref('fact_qtickets_inventory_by_show') }}

),

final as (

    select
        event_id,
        city,
        -- one unknown makes the sum unknown
        if(count() = count(shows.tickets_total), sum(shows.tickets_total), null)::Nullable(UInt64) as tickets_total,
        if(count() = count(shows.tickets_left), sum(shows.tickets_left), null)::Nullable(UInt64) as tickets_left,
        count()::UInt32 as shows_to_come,
        countIf(isNull(shows.tickets_total) or isNull(shows.tickets_left))::UInt32 as shows_unknown,
        min(shows.snapshot_at) as snapshot_at,
        any(shows.event_name) as event_name
    from shows
    group by
        event_id,
        city

)

select * from final
