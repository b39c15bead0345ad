-- Guards completeness: what the API said its total was, in the newest proven run, against what is there and not marked
-- deleted. Missing rows fail the build beyond a tolerance (orders are sold and deleted while a run reads), and warn
-- below it. Rows too many, beyond those made since that run began, only warn: what the API deleted is marked
-- within a day. Runs last: the rows that are there are still right.
-- depends_on: {{ ref('v_sales_latest') }}
-- depends_on: {{ ref('v_sales_14d') }}
{{
    config(
        fail_calc='toUInt64(max(greatest(missing, least(surplus, 1), 0)))',
        warn_if='> 0',
        error_if='> ' ~ var('completeness_tolerance'),
    )
}}

with

told as (

    select
        resource,
        argMax(api_total, finished_at) as newest_total,
        argMax(started_at, finished_at) as newest_started_at
    from {{ source('qtickets_api', 'meta_job_runs') }}
    where
        status = 'proven'
        and api_total is not null
        and lane in ('changes', 'all')
    group by resource

),

there as (

    select
        'orders' as resource,
        order_id as id,
        is_gone as is_deleted,
        created_at
    from {{ ref('stg_qtickets_api__orders') }} as orders final

    {% for resource, key in [
        ('events', 'event_id'),
        ('discounts', 'discount_id'),
        ('promo_codes', 'promo_code_id'),
    ] %}
    union all

    select
        '{{ resource }}',
        {{ key }},
        argMax(_deleted, _ver) = 1,
        null
    from {{ source('qtickets_api', 'stg_qtickets_api_' ~ resource ~ '_raw') }}
    group by {{ key }}

    {% endfor %}
),

counted as (

    select
        told.resource as resource,
        told.newest_started_at as run_started_at,
        assumeNotNull(told.newest_total)::Int64 as api_total,
        countIf(there.id != 0 and not there.is_deleted)::Int64 as rows_there,
        countIf(there.id != 0 and not there.is_deleted and there.created_at >= told.newest_started_at)::Int64 as made_since
    from told
    left join there on told.resource = there.resource
    group by
        resource,
        run_started_at,
        api_total

)

select
    resource,
    run_started_at,
    api_total,
    rows_there,
    made_since,
    api_total - rows_there as missing,
    rows_there - made_since - api_total as surplus
from counted
where
    missing > 0
    or surplus > 0
