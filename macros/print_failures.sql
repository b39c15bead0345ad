{#- dbt says how many rows a test found, not which; whoever reads the log of cron wants to know which. cron runs
    `dbt --quiet`, which drops log() and not print(): so it is not told every half hour of what only warns, and may stay.
    `store_failures` would tell as well, in a table for each test: a schema more, rights to make it, and statements in every
    build, for rows that nobody looks at while all is well. -#}
{% macro print_failures(results) -%}
    {%- set at_most = 20 -%}
    {%- for result in results
        if execute and result.node.resource_type == 'test' and result.status in ('fail', 'warn') -%}
        {%- set rows = run_query('select * from (\n' ~ result.node.compiled_code ~ '\n) limit ' ~ at_most) -%}
        {%- set lines = [result.node.name ~ ' found, ' ~ at_most ~ ' rows at most:'] -%}
        {%- for row in rows.rows -%}
            {%- set cells = [] -%}
            {%- for name in rows.column_names -%}
                {%- do cells.append(name ~ ' = ' ~ row[name]) -%}
            {%- endfor -%}
            {%- do lines.append('    ' ~ cells | join(', ')) -%}
        {%- endfor -%}
        {%- for line in lines -%}
            {%- do print(line) if result.status == 'fail' else log(line, info=true) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
