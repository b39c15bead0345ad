-- A table, as events are: every model of a build sees the same promo codes.
{{
    config(
        materialized='table',
        order_by='promo_code_id',
        query_settings={'final': 1},
    )
}}

with

-- Newest version only: `query_settings` above, since unit tests cannot read `final` from a subquery.
landed as (

    select * from {{ source('qtickets_api', 'stg_qtickets_api_promo_codes_raw') }}

),

parsed as (

    select
        promo_code_id,
        _deleted,
        _ver,
        JSONExtract(
            payload,
            'Tuple(
                id Nullable(String),
                code String,
                discount_id Nullable(String),
                max_uses_count Nullable(String),
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
        promo_code_id,
        ifNull({{ json_id('json.discount_id') }}, 0) as discount_id,

        -- strings
        {{ tidy_name('json.code') }} as promo_code,

        -- numerics
        ifNull({{ json_id('json.max_uses_count') }}, 0) as max_uses,

        -- state
        (ifNull(json.id, '') = toString(promo_code_id))::Bool as is_readable,
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
            ('discount_id', is_unreadable('json.discount_id', json_id('json.discount_id'))),
            ('max_uses_count', is_unreadable('json.max_uses_count', json_id('json.max_uses_count'))),
            ('is_active', is_unreadable('json.is_active', json_flag('json.is_active'))),
        ] %}
        {%- for field in ['active_from', 'active_to', 'created_at', 'updated_at', 'deleted_at'] %}
        {%- do checks.append((field, is_unreadable('json.' ~ field, field))) %}
        {%- endfor %}
        {{ unreadable_fields(checks, 'redacted_keys', ['type']) }} as unreadable_fields,

        _ver
    from parsed

)

select * from final
