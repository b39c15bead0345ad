-- Read whole and joined on event_id; a few hundred rows.
{{ config(order_by='event_id') }}

with

events as (

    select * from {{ ref('stg_qtickets_api__events') }}
    where is_readable

),

shows as (

    select
        event_id,
        count() as shows,
        min(starts_at) as first_show_at,
        max(starts_at) as last_show_at,
        max(ends_at) as last_show_ends_at
    from {{ ref('stg_qtickets_api__shows') }}
    where not is_deleted
    group by event_id

),

-- Deleted long ago, or not there yet: tickets point at it, so it has a row, and no join drops a sale.
unknown_events as (

    select distinct event_id
    from {{ ref('int_tickets') }}
    where event_id not in (select event_id from events)

),

final as (

    select
        events.event_id as event_id,
        if(events.event_name = '', 'unknown', events.event_name) as event_name,
        events.city as city,
        events.city_timezone as city_timezone,
        events.place_name as place_name,
        if(events.currency = '', 'unknown', events.currency)::LowCardinality(String) as currency,
        true as is_known,
        events.is_active as is_active,
        events.is_deleted as is_deleted,
        shows.shows::UInt32 as shows,
        shows.first_show_at as first_show_at,
        shows.last_show_at as last_show_at,
        events.created_at as created_at,
        events.updated_at as updated_at,
        events.deleted_at as deleted_at,
        shows.last_show_ends_at as last_show_ends_at
    from events
    left join shows on events.event_id = shows.event_id

    union all

    select
        event_id,
        'unknown' as event_name,
        'unknown'::LowCardinality(String) as city,
        'unknown'::LowCardinality(String) as city_timezone,
        'unknown' as place_name,
        'unknown'::LowCardinality(String) as currency,
        false as is_known,
        false as is_active,
        false as is_deleted,
        0::UInt32 as shows,
        null as first_show_at,
        null as last_show_at,
        null as created_at,
        null as updated_at,
        null as deleted_at,
        null as last_show_ends_at
    from unknown_events

)

select * from final
