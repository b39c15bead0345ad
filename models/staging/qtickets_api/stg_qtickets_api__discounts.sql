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

    select
        discount_id,
        payload,
        _deleted,
        _ver
    from {{ source('qtickets_api', 'stg_qtickets_api_discounts_raw') }}

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
        ) as json
    from landed

),

final as (

    select
        -- ids
        discount_id,

        -- strings
        {{ tidy_name('json.name') }} as discount_name,
        ifNull(json.type, '')::LowCardinality(String) as discount_type,

        -- state
        (ifNull(json.id, '') = toString(discount_id))::Bool as is_readable,
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
