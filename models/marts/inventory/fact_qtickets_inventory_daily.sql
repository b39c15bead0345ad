-- Read by day and by event. Rebuilt whole from the small table of parsed snapshots: what is known of a show (its event, its
-- end) may change.
{{ config(order_by=['inventory_date', 'event_id', 'city']) }}

with

snapshots as (

    select
        * except (snapshot_at),
        toNullable(snapshot_at) as snapshot_at
    from {{ ref('stg_qtickets_api__snapshots') }}
    order by snapshot_at desc
    limit 1 by show_id, snapshot_date

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

    select * from {{ ref('dim_events') }}

),

-- The extractor looks at shows to come only, so a show was to come from its first snapshot to its last, at least.
spans as (

    select
        snapshots.show_id as show_id,
        if(any(shows.event_id) != 0, any(shows.event_id), argMax(snapshots.event_id, snapshots.snapshot_date))
            as event_id,
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
    limit 1 by show_id, inventory_date

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
        on
            days.show_id = carried.show_id
            and days.inventory_date = carried.inventory_date

),

-- By show, and only then summed: a show that ends takes its tickets out of the sum, and that is no refund.
changes as (

    select
        *,
        tickets_taken - lagInFrame(tickets_taken) over (
            partition by show_id
            order by inventory_date
            rows between 1 preceding and current row
        ) as taken_since
    from shows_by_day

),

final as (

    select
        changes.inventory_date as inventory_date,
        changes.event_id as event_id,
        if(any(events.city) = '', 'unknown', any(events.city))::LowCardinality(String) as city,
        -- one unknown makes the sum unknown
        if(count() = count(changes.tickets_total), sum(changes.tickets_total), null)::Nullable(UInt64) as tickets_total,
        if(count() = count(changes.tickets_left), sum(changes.tickets_left), null)::Nullable(UInt64) as tickets_left,
        if(count() = count(taken_since), sum(taken_since), null)::Nullable(Int64) as taken_since_day_before,
        count()::UInt32 as shows,
        countIf(isNull(changes.tickets_total) or isNull(changes.tickets_left))::UInt32 as shows_unknown,
        min(changes.snapshot_at) as snapshot_at,
        if(any(events.event_name) = '', 'unknown', any(events.event_name)) as event_name
    from changes
    left join events on changes.event_id = events.event_id
    group by
        changes.inventory_date,
        changes.event_id

)

select * from final
