-- Guards against an extractor that stopped, or runs and proves nothing: hours since each resource was last compared with the
-- API, completely; since its first run, when that never happened. Passes on an empty ledger: nothing was
-- promised yet. Warns and fails by hours (vars), not by rows, and runs last: late numbers are still right.
-- depends_on: {{ ref('v_sales_latest') }}
-- depends_on: {{ ref('v_sales_14d') }}
{{
    config(
        fail_calc='toUInt32(max(hours))',
        warn_if='>= ' ~ var('freshness_warn_hours'),
        error_if='>= ' ~ var('freshness_error_hours'),
    )
}}

select
    resource,
    maxIf(finished_at, status = 'proven') as last_proven_at,
    argMax(status, started_at) as last_status,
    argMax(error, started_at) as last_error,
    dateDiff('hour', coalesce(last_proven_at, min(started_at)), {{ current_instant() }}) as hours
from {{ source('qtickets_api', 'meta_job_runs') }}
where resource in ('{{ var('tracked_resources') | join("', '") }}')
group by resource
having hours >= {{ var('freshness_warn_hours') }}
