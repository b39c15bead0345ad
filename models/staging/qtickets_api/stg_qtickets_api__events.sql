-- A table, although small: whatever lands while a build runs, every model of that build sees the same
-- events and shows.
{{
    config(
        materialized='table',
        order_by='event_id',
        query_settings={'final': 1},
    )
}}

with

-- Newest version only: `query_settings` above, since unit tests cannot read `final` from a subquery.
landed as (

    select
        event_id,
        payload,
        _deleted,
        _ver
    from {{ source('qtickets_api', 'stg_qtickets_api_events_raw') }}

),

parsed as (

    select
        event_id,
        _deleted,
        _ver,
        JSONExtract(
            payload,
            'Tuple(
                id Nullable(String),
                name String,
                is_active Nullable(String),
                currency_id String,
                place_name String,
                city Tuple(name String, timezone String),
                created_at Nullable(String),
                updated_at Nullable(String),
                deleted_at Nullable(String),
                shows Array(Tuple(
                    id UInt64,
                    is_active Nullable(String),
                    start_date Nullable(String),
                    finish_date Nullable(String),
                    deleted_at Nullable(String)
                ))
            )'
        ) as json,
        ifNull(json.id, '') = toString(event_id) as is_readable,
        lowerUTF8({{ tidy_name('json.city.name') }}) as city_spelling
    from landed

),

city_names as (

    select
        lowerUTF8({{ tidy_name('spelling') }}) as city_spelling,
        any(city) as city
    from {{ ref('city_names') }}
    group by city_spelling

),

final as (

    select
        -- ids
        parsed.event_id as event_id,

        -- strings
        {{ tidy_name('json.name') }} as event_name,
        multiIf(
            parsed.city_spelling = '', 'unknown',
            city_names.city != '', city_names.city,
            {{ tidy_name('json.city.name') }}
        )::LowCardinality(String) as city,
        json.city.timezone::LowCardinality(String) as city_timezone,
        {{ tidy_name('json.place_name') }} as place_name,
        json.currency_id::LowCardinality(String) as currency,

        -- state
        parsed.is_readable::Bool as is_readable,
        (ifNull(json.is_active, '') in ('1', 'true'))::Bool as is_active,
        (parsed._deleted = 1)::Bool as is_gone,
        (is_gone or ifNull(json.deleted_at, '') != '')::Bool as is_deleted,

        -- times
        {{ json_instant('json.created_at') }} as created_at,
        {{ json_instant('json.updated_at') }} as updated_at,
        {{ json_instant('json.deleted_at') }} as deleted_at,

        -- shows, in parallel arrays
        json.shows.id as show_ids,
        arrayMap(x -> ifNull(x, '') in ('1', 'true'), json.shows.is_active) as show_is_active,
        arrayMap(x -> {{ json_instant('x') }}, json.shows.start_date) as show_starts_at,
        arrayMap(x -> {{ json_instant('x') }}, json.shows.finish_date) as show_finishes_at,
        arrayMap(x -> ifNull(x, '') != '', json.shows.deleted_at) as show_is_deleted,

        parsed._ver as _ver
    from parsed
    left join city_names on parsed.city_spelling = city_names.city_spelling

)

select * from final
