-- Read by day and by event. Rebuilt whole from the small table of parsed snapshots: what is known of a show (its event, its
-- end) may change.
{{ config(order_by=['inventory_date', 'event_id', 'city']) }}

with

snapshots as (

    select
        show_id,
        event_id,
        snapshot_date,
        toNullable(snapshot_at) as snapshot_at,
        tickets_total,
        tickets_left
    from {{ ref('stg_qtickets_api__snapshots') }}
    order by snapshot_at desc
    limit 1 by
        show_id,
        snapshot_date

),

-- Until when a show that nobody has looked at again counts: to its end, unless it was taken off sale.
shows as (

    select
        show_id,
        event_id,
        if(is_active and not is_deleted, least({{ report_date('ends_at') }}, {{ report_today() }}), null) as sold_until
    from {{ ref('stg_qtickets_api__shows') }}

),

events as (

    select
        event_id,
        city
    from {{ ref('dim_events') }}

),

-- The extractor looks at shows to come only, so a show was to come from its first snapshot to its last, at least.
spans as (

    select
        snapshots.show_id as show_id,
        if(any(shows.event_id) != 0, any(shows.event_id), argMax(snapshots.event_id, snapshots.snapshot_date)) as event_id,
        min(snapshots.snapshot_date) as first_date,
        max(snapshots.snapshot_date) as newest_date,
        greatest(newest_date, ifNull(any(shows.sold_until), newest_date)) as last_date
    from snapshots
    left join shows on snapshots.show_id = shows.show_id
    group by show_id

),

days as (

    select
        show_id,
        event_id,
        first_date + day_number as inventory_date
    from spans
    array join range((last_date - first_date + 1)::UInt32) as day_number

),

-- Seats that stand still are landed once in 24 hours and a bit, so a day can be without a snapshot and nothing be wrong: the
-- one of the day before holds. After two days without, nobody knows.
carried as (

    select
        show_id,
        snapshot_date + days_old as inventory_date,
        snapshot_at,
        tickets_total,
        tickets_left
    from snapshots
    array join [0, 1] as days_old
    order by days_old
    limit 1 by
        show_id,
        inventory_date

),

shows_by_day as (

    select
        days.show_id as show_id,
        days.event_id as event_id,
        days.inventory_date as inventory_date,
        carried.snapshot_at as snapshot_at,
        carried.tickets_total as tickets_total,
        carried.tickets_left as tickets_left,
        tickets_total - tickets_left as tickets_taken
    from days
    left join carried
        on days.show_id = carried.show_id
        and days.inventory_date = carried.inventory_date

),

-- By show, and only then summed: a show that ends takes its tickets out of the sum, and that is no refund.
changes as (

    select
        inventory_date,
        event_id,
        snapshot_at,
        tickets_total,
        tickets_left,
        tickets_taken - lagInFrame(tickets_taken) over (
            partition by show_id
            order by inventory_date
            rows between 1 preceding and current row
        ) as taken_since
    from shows_by_day

),

by_event as (

    select
        inventory_date,
        event_id,
        -- one unknown makes the sum unknown
        if(count() = count(tickets_total), sum(tickets_total), null) as sum_total,
        if(count() = count(tickets_left), sum(tickets_left), null) as sum_left,
        if(count() = count(taken_since), sum(taken_since), null) as sum_taken_since,
        count() as shows_on_sale,
        countIf(isNull(tickets_total) or isNull(tickets_left)) as shows_unknown,
        min(snapshot_at) as oldest_snapshot_at
    from changes
    group by
        inventory_date,
        event_id

),

final as (

    select
        by_event.inventory_date as inventory_date,
        by_event.event_id as event_id,
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,
        by_event.sum_total::Nullable(UInt64) as tickets_total,
        by_event.sum_left::Nullable(UInt64) as tickets_left,
        by_event.sum_taken_since::Nullable(Int64) as taken_since_day_before,
        by_event.shows_on_sale::UInt32 as shows,
        by_event.shows_unknown::UInt32 as shows_unknown,
        by_event.oldest_snapshot_at as snapshot_at
    from by_event
    left join events on by_event.event_id = events.event_id

)

select * from final
