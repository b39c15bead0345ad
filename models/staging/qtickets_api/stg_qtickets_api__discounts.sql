-- A table, as events are: every model of a build sees the same discounts.
{{
    config(
        materialized='table',
        order_by='discount_id',
        query_settings={'final': 1},
    )
}}

with

-- Newest version only: `query_settings` above, since unit tests cannot read `final` from a subquery.
landed as (

    select * from {{ source('qtickets_api', 'stg_qtickets_api_discounts_raw') }}

),

parsed as (

    select
        discount_id,
        _deleted,
        _ver,
        JSONExtract(
            payload,
            'Tuple(
                id Nullable(String),
                name String,
                type Nullable(String),
                is_active Nullable(String),
                active_from Nullable(String),
                active_to Nullable(String),
                created_at Nullable(String),
                updated_at Nullable(String),
                deleted_at Nullable(String)
            )'
        ) as json,
        {{ redacted_keys('payload') }} as redacted_keys
    from landed

),

final as (

    select
        -- ids
        discount_id,

        -- strings
        {{ tidy_name('json.name') }} as discount_name,
        ifNull({{ json_word('json.type') }}, '')::LowCardinality(String) as discount_type,

        -- state
        (ifNull(json.id, '') = toString(discount_id))::Bool as is_readable,
        ifNull({{ json_flag('json.is_active') }}, false)::Bool as is_active,
        (_deleted = 1)::Bool as is_tombstone,
        (is_tombstone or deleted_at is not null)::Bool as is_deleted,

        -- times
        {%- for field in ['active_from', 'active_to', 'created_at', 'updated_at', 'deleted_at'] %}
        {{ json_instant('json.' ~ field) }} as {{ field }},
        {%- endfor %}

        -- what could not be read
        {%- set checks = [
            ('payload', 'not is_readable'),
            ('is_active', is_unreadable('json.is_active', json_flag('json.is_active'))),
            ('type', is_unreadable('json.type', json_word('json.type'))),
        ] %}
        {%- for field in ['active_from', 'active_to', 'created_at', 'updated_at', 'deleted_at'] %}
        {%- do checks.append((field, is_unreadable('json.' ~ field, field))) %}
        {%- endfor %}
        {{ unreadable_fields(checks, 'redacted_keys', ['events', 'shows']) }} as unreadable_fields,

        _ver
    from parsed

)

select * from final
