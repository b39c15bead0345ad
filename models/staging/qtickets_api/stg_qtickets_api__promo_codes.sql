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

    select
        promo_code_id,
        payload,
        _deleted,
        _ver
    from {{ source('qtickets_api', 'stg_qtickets_api_promo_codes_raw') }}

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
                discount_id UInt64,
                max_uses_count UInt64,
                is_active Nullable(String),
                active_from Nullable(String),
                active_to Nullable(String),
                created_at Nullable(String),
                updated_at Nullable(String),
                deleted_at Nullable(String)
            )'
        ) as json
    from landed

),

final as (

    select
        -- ids
        promo_code_id,
        json.discount_id as discount_id,

        -- strings
        {{ tidy_name('json.code') }} as promo_code,

        -- numerics
        json.max_uses_count as max_uses,

        -- state
        (ifNull(json.id, '') = toString(promo_code_id))::Bool as is_readable,
        (ifNull(json.is_active, '') in ('1', 'true'))::Bool as is_active,
        (_deleted = 1)::Bool as is_gone,
        (is_gone or ifNull(json.deleted_at, '') != '')::Bool as is_deleted,

        -- times
        {{ json_instant('json.active_from') }} as active_from,
        {{ json_instant('json.active_to') }} as active_to,
        {{ json_instant('json.created_at') }} as created_at,
        {{ json_instant('json.updated_at') }} as updated_at,
        {{ json_instant('json.deleted_at') }} as deleted_at,

        _ver
    from parsed

)

select * from final
