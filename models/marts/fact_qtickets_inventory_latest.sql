-- One small row an event, read beside the sales of the same event.
{{ config(order_by=['event_id', 'city']) }}

with

-- A show that was over, hidden or deleted when this was built has nothing left to sell.
shows_to_come as (

    select
        show_id,
        event_id
    from {{ ref('stg_qtickets_api__shows') }}
    where
        is_active
        and not is_deleted
        and ends_at > {{ current_instant() }}

),

snapshots as (

    select
        show_id,
        toNullable(snapshot_at) as snapshot_at,
        tickets_total,
        tickets_left
    from {{ ref('stg_qtickets_api__inventory') }}

),

events as (

    select
        event_id,
        city
    from {{ ref('dim_events') }}

),

-- A show without a snapshot gets nulls: all three columns can hold one.
shows as (

    select
        shows_to_come.event_id as event_id,
        snapshots.snapshot_at as snapshot_at,
        snapshots.tickets_total as tickets_total,
        snapshots.tickets_left as tickets_left
    from shows_to_come
    left join snapshots on shows_to_come.show_id = snapshots.show_id

),

by_event as (

    select
        event_id,
        -- one unknown makes the sum unknown
        if(count() = count(tickets_total), sum(tickets_total), null) as sum_total,
        if(count() = count(tickets_left), sum(tickets_left), null) as sum_left,
        count() as shows_to_come,
        countIf(isNull(tickets_total) or isNull(tickets_left)) as shows_unknown,
        min(snapshot_at) as oldest_snapshot_at
    from shows
    group by event_id

),

final as (

    select
        by_event.event_id as event_id,
        events.city as city,
        by_event.sum_total::Nullable(UInt64) as tickets_total,
        by_event.sum_left::Nullable(UInt64) as tickets_left,
        by_event.shows_to_come::UInt32 as shows_to_come,
        by_event.shows_unknown::UInt32 as shows_unknown,
        by_event.oldest_snapshot_at as snapshot_at
    from by_event
    inner join events on by_event.event_id = events.event_id

)

select * from final
