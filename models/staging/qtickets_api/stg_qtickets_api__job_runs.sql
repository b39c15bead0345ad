-- Newest version only: as a setting, since unit tests cannot read `final` from a subquery.
{{ config(query_settings={'final': 1}) }}

with

landed as (

    select * from {{ source('qtickets_api', 'meta_job_runs') }}

),

final as (

    select
        run_id,
        resource,

        -- state; `proven` and `unproven` are what the first version of the run log said
        {{ run_mode() }} as mode,
        transform(status, ['proven', 'unproven'], ['verified', 'unverified'], status) as status,
        ifNull({{ is_verified_run() }}, false)::Bool as is_verified,
        error,

        -- numerics; the first version did not tell new rows and deleted ones from others
        api_total,
        requests,
        retries,
        rows_seen,
        arraySum(array(0::UInt64, COLUMNS('^rows_new$'))) as rows_new,
        rows_changed,
        arraySum(array(0::UInt64, COLUMNS('^rows_deleted$'))) as rows_deleted,

        -- times
        started_at,
        finished_at
    from landed

)

select * from final
