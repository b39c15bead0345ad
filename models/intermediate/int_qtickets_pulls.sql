-- A view: whoever asks gets the ledger as it is at that moment.

with

runs as (

    select
        resource,
        status,
        is_proven,
        error,
        api_total as total,
        started_at,
        finished_at
    from {{ ref('stg_qtickets_api__job_runs') }}
    where is_closing

),

final as (

    select
        resource,
        min(started_at) as first_run_at,
        max(started_at) as last_run_at,
        argMax(status, started_at) as last_status,
        argMax(error, started_at) as last_error,
        maxOrNullIf(finished_at, is_proven) as last_proven_at,
        argMaxOrNullIf(started_at, finished_at, is_proven and total is not null) as counted_since,
        argMaxOrNullIf(total, finished_at, is_proven and total is not null) as api_total
    from runs
    group by resource

)

select * from final
