{{ config(materialized='view') }}

with

runs as (

    select * from {{ ref('fact_qtickets_runs') }}

),

final as (

    select
        run_id,
        resource,
        mode,
        status,
        started_at,
        finished_at,
        -- a clock that was set back while it ran: no time at all
        if(finished_at is null, null, greatest(dateDiff('millisecond', started_at, finished_at), 0) / 1000)
            as seconds,
        rows_seen,
        rows_new,
        rows_changed,
        rows_deleted,
        requests,
        retries,
        error
    from runs

)

select * from final
