-- Guards against an extractor that stopped, or runs and proves nothing: hours since each resource was last compared with the
-- API, completely; since its first run, when that never happened. Passes on an empty ledger: nothing was
-- promised yet. Warns and fails by hours (vars), not by rows, and runs last: late numbers are still right.
{{ blocks_nothing() }}
{{
    config(
        fail_calc='toUInt32(max(hours))',
        warn_if='>= ' ~ var('freshness_warn_hours'),
        error_if='>= ' ~ var('freshness_error_hours'),
    )
}}

select
    resource,
    last_proven_at,
    last_status,
    last_error,
    -- a first run from the future, as a wrong clock has it, was never
    if(first_run_at > {{ current_instant() }} + interval 1 hour, toDateTime64(0, 3, 'UTC'), first_run_at) as since,
    age('hour', coalesce(last_proven_at, since), {{ current_instant() }}) as hours
from (
    select
        resource,
        {{ summary_of_runs() }}
    from {{ ref('stg_qtickets_api__job_runs') }} as runs
    where
        mode in ('incremental', 'full')
        and resource in (
            {%- for resource in var('tracked_resources') %}
            '{{ resource }}'{{ ',' if not loop.last }}
            {%- endfor %}
        )
    group by resource
)
where hours >= {{ var('freshness_warn_hours') }}
