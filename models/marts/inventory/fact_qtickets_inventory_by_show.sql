-- One small row a show on sale; what an event has left is summed from these. The newest version of each order by a setting,
-- since unit tests cannot read `final` from a subquery.
{{
    config(
        order_by=['event_id', 'show_id'],
        query_settings={'final': 1},
    )
}}

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

-- A season ticket is sold once, on its own show, and holds a seat in each of its parts' shows.
season_parts as (

    select
        part_show_id,
        sum(part_quantity) as tickets_in_season
    from {{ ref('stg_qtickets_api__orders') }}
    array join
        part_ticket_ids as part_ticket_id,
        part_show_ids as part_show_id,
        part_quantities as part_quantity,
        part_is_valid as is_valid
    where
        is_valid
        and part_show_id in (select show_id from shows_to_come)
        and part_ticket_id in (select ticket_id from {{ ref('int_sold_tickets') }} where not is_refunded)
    group by part_show_id

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
        snapshots.tickets_paid::Nullable(UInt64) as tickets_paid_in_hall,
        season_parts.tickets_in_season::UInt64 as tickets_in_season
    from shows_to_come
    inner join events on shows_to_come.event_id = events.event_id
    left join snapshots on shows_to_come.show_id = snapshots.show_id
    left join sales on shows_to_come.show_id = sales.show_id
    left join season_parts on shows_to_come.show_id = season_parts.part_show_id

)

select * from final
