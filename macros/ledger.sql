{#- When a resource was last compared with the API, completely. A row that says proven stays proven, so
    older versions of it do no harm. Null before the first such run. -#}
{% macro newest_proof(resource) -%}
    select maxOrNull(finished_at)
    from `{{ target.schema }}`.meta_job_runs
    where
        resource = '{{ resource }}'
        and status = 'proven'
{%- endmacro %}
