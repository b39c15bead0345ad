-- Read whole and joined on show_id; some thousand rows. Whether sales are open is as of this build.
{{ config(order_by='show_id') }}

with

shows as (

    select * from {{ ref('stg_qtickets_api__shows') }}

),

tickets as (

    select * from {{ ref('int_tickets') }}

),

events as (

    select * from {{ ref('dim_events') }}

),

-- A show that its event no longer lists; of several events that orders name, the one that was named last. 0 is no
-- show, and has a row all the same, so that no join drops a sale.
unknown_shows as (

    select
        show_id,
        if(show_id = 0, 0, argMax(event_id, (order_id, ticket_id))) as event_id
    from tickets
    where show_id not in (select show_id from shows)
    group by show_id

),

all_shows as (

    select
        show_id,
        event_id,
        starts_at,
        ends_at,
        opens_at as doors_at,
        sale_starts_at,
        sale_ends_at,
        price_from,
        price_to,
        true as is_known,
        is_active,
        is_deleted
    from shows

    union all

    select
        show_id,
        event_id,
        null as starts_at,
        null as ends_at,
        null as doors_at,
        null as sale_starts_at,
        null as sale_ends_at,
        null as price_from,
        null as price_to,
        false as is_known,
        false as is_active,
        false as is_deleted
    from unknown_shows

),

final as (

    select
        all_shows.show_id as show_id,
        all_shows.event_id as event_id,
        if(events.event_name = '', 'unknown', events.event_name) as event_name,
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,
        if(events.event_name = '', 'unknown', events.place_name) as place_name,
        if(events.currency = '', 'unknown', events.currency)::LowCardinality(String) as currency,
        all_shows.starts_at as starts_at,
        all_shows.ends_at as ends_at,
        all_shows.doors_at as doors_at,
        all_shows.sale_starts_at as sale_starts_at,
        all_shows.sale_ends_at as sale_ends_at,
        {{ show_day('all_shows.starts_at') }} as show_date,
        (
            all_shows.is_active
            and events.is_active
            and not all_shows.is_deleted
            and ifNull(all_shows.ends_at > {{ report_instant() }}, false)
            and ifNull(all_shows.sale_starts_at <= {{ report_instant() }}, true)
            and ifNull(all_shows.sale_ends_at > {{ report_instant() }}, true)
        )::Bool as is_on_sale,
        all_shows.price_from::Nullable(Decimal(18, 2)) as price_from,
        all_shows.price_to::Nullable(Decimal(18, 2)) as price_to,
        -- as ClickHouse knows it: a name that it does not know would fail the query for all shows
        if(
            events.city_timezone in (select time_zone from system.time_zones),
            events.city_timezone,
            '{{ var("report_timezone") }}'
        )::LowCardinality(String) as timezone,
        formatDateTime(all_shows.starts_at, '%Y-%m-%d %H:%i', timezone) as local_start,
        all_shows.is_known::Bool as is_known,
        all_shows.is_active::Bool as is_active,
        all_shows.is_deleted::Bool as is_deleted
    from all_shows
    left join events on all_shows.event_id = events.event_id

)

select * from final
