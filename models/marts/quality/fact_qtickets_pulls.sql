-- One small row a resource, as of this build: what the other marts were made of. `final` as a setting, for the
-- newest version of each order.
{{
    config(
        order_by='resource',
        query_settings={'final': 1},
    )
}}

with

pulls as (

    select
        resource,
        {{ summary_of_runs() }}
    from {{ ref('stg_qtickets_api__job_runs') }} as runs
    where mode in ('incremental', 'full')
    group by resource

),

landed as (

    select
        'orders' as resource,
        countIf(not is_tombstone) as rows_landed,
        -- made since the API was asked for its total: not in it yet, and not one too many
        countIf(not is_tombstone and created_at >= (select counted_since from pulls where resource = 'orders'))
            as rows_new,
        countIf(notEmpty(unreadable_fields)) as rows_unreadable
    from {{ ref('stg_qtickets_api__orders') }}

    {% for resource in ['events', 'discounts', 'promo_codes'] %}
    union all

    select
        '{{ resource }}',
        countIf(not is_tombstone),
        0,
        countIf(notEmpty(unreadable_fields))
    from {{ ref('stg_qtickets_api__' ~ resource) }}
    {% endfor %}

    union all

    -- shows that are over keep their last snapshot: more than the API told is how it should be
    select
        'inventory',
        count(),
        count(),
        countIf(not is_readable)
    from {{ ref('stg_qtickets_api__inventory') }}

),

final as (

    select
        pulls.resource as resource,
        pulls.first_run_at as first_run_at,
        pulls.last_run_at as last_run_at,
        pulls.last_status as last_status,
        pulls.last_error as last_error,
        pulls.last_proven_at as last_proven_at,
        pulls.api_total as api_total,
        landed.rows_landed as rows_landed,
        -- null stays null in both
        if(landed.rows_landed >= pulls.api_total, 0, pulls.api_total - landed.rows_landed)::Nullable(UInt64)
            as rows_missing,
        if(
            pulls.api_total >= landed.rows_landed - landed.rows_new,
            0,
            landed.rows_landed - landed.rows_new - pulls.api_total
        )::Nullable(UInt64) as rows_surplus,
        landed.rows_unreadable as rows_unreadable
    from pulls
    left join landed on pulls.resource = landed.resource

)

select * from final
