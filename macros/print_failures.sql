{#- dbt says how many rows a test found, not which; whoever reads the log of cron wants to know which. cron runs
    `dbt --quiet`, which drops log() and not print().
    `store_failures` would tell as well, in a table for each test: a schema more, rights to make it, and statements in every
    build, for rows that nobody looks at while all is well. -#}
{% macro print_failures(results) -%}
    {%- set at_most = 20 -%}
    {%- for result in results
        if execute and result.node.resource_type == 'test' and result.status in ('fail', 'warn') -%}
        {%- set rows = run_query('select * from (\n' ~ result.node.compiled_code ~ '\n) limit ' ~ at_most) -%}
        {%- do print(result.node.name ~ ' found, ' ~ at_most ~ ' rows at most:') -%}
        {%- for row in rows.rows -%}
            {%- set cells = [] -%}
            {%- for name in rows.column_names -%}
                {%- do cells.append(name ~ ' = ' ~ row[name]) -%}
            {%- endfor -%}
            {%- do print('    ' ~ cells | join(', ')) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
