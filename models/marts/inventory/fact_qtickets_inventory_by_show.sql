-- One small row a show to come; what an event has left is summed from these.
{{ config(order_by=['event_id', 'show_id']) }}

with

-- A show that was over, hidden or deleted when this was built has nothing left to sell.
shows_to_come as (

    select * from {{ ref('stg_qtickets_api__shows') }}
    where
        is_active
        and not is_deleted
        and ends_at > {{ report_instant() }}

),

snapshots as (

    select
        * except (snapshot_at),
        toNullable(snapshot_at) as snapshot_at
    from {{ ref('stg_qtickets_api__inventory') }}

),

sales as (

    select
        show_id,
        sum(quantity) as tickets_sold
    from {{ ref('int_sold_tickets') }}
    where
        not is_refunded
        and show_id in (select show_id from shows_to_come)
    group by show_id

),

events as (

    select * from {{ ref('dim_events') }}

),

-- A show without a snapshot gets nulls: its columns can hold one.
final as (

    select
        shows_to_come.show_id as show_id,
        shows_to_come.event_id as event_id,
        events.city as city,
        -- Date ends in 2149
        if(shows_to_come.starts_at < '2149-06-01', {{ report_date('shows_to_come.starts_at') }}, null) as show_date,
        shows_to_come.starts_at as starts_at,
        snapshots.tickets_total::Nullable(UInt64) as tickets_total,
        snapshots.tickets_left::Nullable(UInt64) as tickets_left,
        snapshots.snapshot_at as snapshot_at,
        events.event_name as event_name,
        shows_to_come.ends_at as ends_at,
        sales.tickets_sold::UInt64 as tickets_sold,
        snapshots.tickets_paid::Nullable(UInt64) as tickets_paid_in_hall
    from shows_to_come
    inner join events on shows_to_come.event_id = events.event_id
    left join snapshots on shows_to_come.show_id = snapshots.show_id
    left join sales on shows_to_come.show_id = sales.show_id

)

select * from final
