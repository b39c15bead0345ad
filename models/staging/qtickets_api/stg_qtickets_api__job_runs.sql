-- Newest version only: as a setting, since unit tests cannot read `final` from a subquery.
{{ config(query_settings={'final': 1}) }}

with

landed as (

    select
        run_id,
        resource,
        lane,
        status,
        started_at,
        finished_at,
        api_total,
        error
    from {{ source('qtickets_api', 'meta_job_runs') }}

),

final as (

    select
        run_id,
        resource,
        lane,

        -- state
        status,
        (status = 'proven')::Bool as is_proven,
        ({{ is_closing_lane('lane') }})::Bool as is_closing,
        error,

        -- numerics
        api_total,

        -- times
        started_at,
        finished_at
    from landed

)

select * from final
