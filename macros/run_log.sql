{#- How a run of the extractor read: rows of its first version have a lane and no mode, and a table of that version got the
    column later. COLUMNS takes whichever is there. Only `incremental` and `full` compare a resource completely. -#}
{% macro run_mode() -%}
    multiIf(
        hasAny(array(COLUMNS('^(lane|mode)$')), ['incremental', 'changes', 'all', 'snapshot']), 'incremental',
        hasAny(array(COLUMNS('^(lane|mode)$')), ['full']), 'full',
        hasAny(array(COLUMNS('^(lane|mode)$')), ['range']), 'range',
        'part'
    )
{%- endmacro %}


{#- Whether a row of the run log says that a resource was compared with the API, completely. A time from the future is not
    believed: it would be fresh for as long as a clock was wrong. -#}
{% macro is_verified_run() -%}
    status in ('verified', 'proven')
        and {{ run_mode() }} in ('incremental', 'full')
        and finished_at < {{ current_instant() }} + interval 1 hour
{%- endmacro %}


{#- When a resource was last compared with the API, completely: a query for `dbt source freshness`. A row that says
    verified stays so, and older versions of it do no harm. -#}
{% macro newest_verified_run(resource) -%}
    select maxOrNull(finished_at)
    from `{{ target.schema }}`.meta_job_runs
    where
        resource = '{{ resource }}'
        and {{ is_verified_run() }}
{%- endmacro %}


{#- The columns that say, by resource, what the run log knows of it; of stg_qtickets_api__job_runs as runs. -#}
{% macro summary_of_runs() -%}
    min(started_at) as first_run_at,
    max(started_at) as last_run_at,
    argMax(status, started_at) as last_status,
    argMax(error, started_at) as last_error,
    maxOrNullIf(finished_at, is_verified) as last_proven_at,
    argMaxOrNullIf(started_at, finished_at, is_verified and runs.api_total is not null) as counted_since,
    argMaxOrNullIf(runs.api_total, finished_at, is_verified and runs.api_total is not null) as api_total
{%- endmacro %}
