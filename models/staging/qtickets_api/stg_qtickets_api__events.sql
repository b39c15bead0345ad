-- A table, although small: whatever lands while a build runs, every model of that build sees the same
-- events and shows.
{{
    config(
        materialized='table',
        order_by='event_id',
        query_settings={'final': 1},
    )
}}
{% set show_times = ['sale_start_date', 'sale_finish_date', 'open_date', 'start_date', 'finish_date', 'deleted_at'] %}

with

-- Newest version only: `query_settings` above, since unit tests cannot read `final` from a subquery.
landed as (

    select * from {{ source('qtickets_api', 'stg_qtickets_api_events_raw') }}

),

city_names as (

    select
        lowerUTF8({{ tidy_name('spelling') }}) as city_spelling,
        any(city) as city
    from {{ ref('city_names') }}
    group by city_spelling

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
                external_id Nullable(String),
                name String,
                is_active Nullable(String),
                currency_id Nullable(String),
                place_name String,
                place_coordinates Nullable(String),
                city Tuple(name String, timezone String),
                payments Array(Tuple(
                    id Nullable(String),
                    name Nullable(String),
                    handler Nullable(String)
                )),
                created_at Nullable(String),
                updated_at Nullable(String),
                deleted_at Nullable(String),
                shows Array(Tuple(
                    id Nullable(String),
                    is_active Nullable(String),
                    scheme_id Nullable(String),
                    min_price Tuple(default_price Nullable(String)),
                    max_price Tuple(default_price Nullable(String)),
                    prices Array(Tuple(default_price Nullable(String))),
                    sale_start_date Nullable(String),
                    sale_finish_date Nullable(String),
                    open_date Nullable(String),
                    start_date Nullable(String),
                    finish_date Nullable(String),
                    deleted_at Nullable(String)
                ))
            )'
        ) as json,
        ifNull(json.id, '') = toString(event_id) as is_readable,
        {{ redacted_keys('payload') }} as redacted_keys,
        lowerUTF8({{ tidy_name('json.city.name') }}) as city_spelling,
        {{ json_word('json.currency_id') }} as read_currency,
        {{ json_instant('json.deleted_at') }} as deleted_at,
        arrayMap(x -> {{ json_id('x') }}, json.shows.id) as read_show_ids,
        {%- for field in show_times %}
        arrayMap(x -> {{ json_instant('x') }}, json.shows.{{ field }}) as shows_{{ field }},
        {%- endfor %}
        arrayMap(x -> {{ json_flag('x') }}, json.shows.is_active) as shows_is_active
    from landed

),

final as (

    select
        -- ids
        parsed.event_id as event_id,
        ifNull(json.external_id, '') as external_id,

        -- strings
        {{ tidy_name('json.name') }} as event_name,
        multiIf(
            parsed.city_spelling = '', 'unknown',
            city_names.city != '', city_names.city,
            {{ tidy_name('json.city.name') }}
        )::LowCardinality(String) as city,
        json.city.timezone::LowCardinality(String) as city_timezone,
        {{ tidy_name('json.place_name') }} as place_name,
        ifNull(json.place_coordinates, '') as place_coordinates,
        ifNull(read_currency, '')::LowCardinality(String) as currency,

        -- state
        parsed.is_readable::Bool as is_readable,
        ifNull({{ json_flag('json.is_active') }}, false)::Bool as is_active,
        (parsed._deleted = 1)::Bool as is_tombstone,
        (is_tombstone or parsed.deleted_at is not null)::Bool as is_deleted,

        -- times
        {{ json_instant('json.created_at') }} as created_at,
        {{ json_instant('json.updated_at') }} as updated_at,
        parsed.deleted_at as deleted_at,

        -- shows, in parallel arrays; the price from and to is told, or that of the prices
        arrayMap(x -> ifNull(x, 0), read_show_ids) as show_ids,
        arrayMap(x -> ifNull(x, ''), json.shows.scheme_id) as show_scheme_ids,
        arrayMap(x -> ifNull(x, false)::Bool, shows_is_active) as show_is_active,
        arrayMap(x -> isNotNull(x)::Bool, shows_deleted_at) as show_is_deleted,
        {%- for side in ['min', 'max'] %}
        arrayMap(
            (told, prices) -> coalesce(
                {{ json_money('told') }},
                arrayReduce('{{ side }}', arrayMap(x -> {{ json_money('x') }}, prices))
            ),
            json.shows.{{ side }}_price.default_price,
            json.shows.prices.default_price
        ) as show_prices_{{ 'from' if side == 'min' else 'to' }},
        {%- endfor %}
        shows_sale_start_date as show_sale_starts_at,
        shows_sale_finish_date as show_sale_ends_at,
        shows_open_date as show_opens_at,
        shows_start_date as show_starts_at,
        shows_finish_date as show_finishes_at,

        -- ways of paying, in parallel arrays
        arrayMap(x -> ifNull(x, ''), json.payments.id) as payment_ids,
        arrayMap(x -> ifNull(x, ''), json.payments.name) as payment_names,
        arrayMap(x -> ifNull(x, ''), json.payments.handler) as payment_handlers,

        -- what could not be read
        {%- set checks = [
            ('payload', 'not is_readable'),
            ('is_active', is_unreadable('json.is_active', json_flag('json.is_active'))),
            ('currency_id', is_unreadable('json.currency_id', 'read_currency')),
            ('created_at', is_unreadable('json.created_at', 'created_at')),
            ('updated_at', is_unreadable('json.updated_at', 'updated_at')),
            ('deleted_at', is_unreadable('json.deleted_at', 'deleted_at')),
            ('shows.id', 'arrayExists(x -> ifNull(x, 0) = 0, read_show_ids)'),
        ] %}
        {%- for field in ['is_active'] + show_times %}
            {%- do checks.append((
                'shows.' ~ field,
                'arrayExists((x, y) -> ' ~ is_unreadable('x', 'y') ~ ', json.shows.' ~ field ~ ', shows_' ~ field ~ ')',
            )) %}
        {%- endfor %}
        {%- for field, values in [
            ('shows.min_price.default_price', 'json.shows.min_price.default_price'),
            ('shows.max_price.default_price', 'json.shows.max_price.default_price'),
            ('shows.prices.default_price', 'arrayFlatten(json.shows.prices.default_price)'),
        ] %}
        {%- set condition = is_unreadable('x', json_money('x')) %}
        {%- do checks.append((field, 'arrayExists(x -> ' ~ condition ~ ', ' ~ values ~ ')')) %}
        {%- endfor %}
        {{ unreadable_fields(checks, 'redacted_keys', ['age', 'place_address']) }} as unreadable_fields,

        parsed._ver as _ver
    from parsed
    left join city_names on parsed.city_spelling = city_names.city_spelling

)

select * from final
