{#- The lanes whose row is written last, for all lanes of a run: only when one of them is proven has everything been
    compared. Lane `range` (`--since`, `--until`) never compares everything. -#}
{% macro is_closing_lane(lane) -%}
    {{ lane }} in ('changes', 'all', 'snapshot')
{%- endmacro %}


{#- When a resource was last compared with the API, completely. A row that says proven stays proven, so
    older versions of it do no harm. Null before the first such run. -#}
{% macro newest_proof(resource) -%}
    select maxOrNull(finished_at)
    from `{{ target.schema }}`.meta_job_runs
    where
        resource = '{{ resource }}'
        and status = 'proven'
        and {{ is_closing_lane('lane') }}
{%- endmacro %}
