-- The run log for readers. A table under the name of a view, since their role sees nothing raw. Rebuilt whole; some rows a run.
{{ config(materialized='table', order_by=['started_at', 'resource']) }}

with

runs as (

    select
        *,
        indexOf(['incremental', 'full', 'range', 'part'], mode) as rank
    from {{ ref('stg_qtickets_api__job_runs') }}

),

-- The first version wrote several rows a run and resource; one of them spoke for all.
final as (

    select
        run_id,
        resource,
        argMin(runs.mode, runs.rank) as mode,
        argMin(runs.status, runs.rank) as status,
        min(runs.started_at) as started_at,
        if(countIf(runs.finished_at is null) > 0, null, max(runs.finished_at)) as finished_at,
        -- a clock that was set back while it ran: no time at all
        if(isNull(finished_at), null, greatest(dateDiff('millisecond', started_at, finished_at), 0) / 1000) as seconds,
        sum(runs.rows_seen) as rows_seen,
        sum(runs.rows_new) as rows_new,
        sum(runs.rows_changed) as rows_changed,
        sum(runs.rows_deleted) as rows_deleted,
        sum(runs.requests) as requests,
        sum(runs.retries) as retries,
        max(runs.error) as error
    from runs
    group by
        run_id,
        resource

)

select * from final
