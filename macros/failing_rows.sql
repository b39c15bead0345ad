{#- dbt says how many rows a test found, not which, and in the log of cron one wants to see which. cron runs
    `dbt --quiet`, which drops log() and not print(): so what only warns is not shown there every half hour, and may stay.
    `store_failures` would show them as well, in a table for each test: a schema more, rights to make it, and statements in every
    build, for rows that nobody looks at while all is well. A hook at the end of the run takes dbt a second, found or not. -#}
{% materialization test, adapter='clickhouse' -%}
    {%- set made = materialization_test_default() -%}
    {%- set found = load_result('main').table.rows[0] -%}
    {%- if found['should_warn'] or found['should_error'] -%}
        {%- set lines = failing_rows(model.name, sql) -%}
        {%- set fails = found['should_error'] and config.get('severity') | lower == 'error' -%}
        {%- do print(lines) if fails else log(lines, info=true) -%}
    {%- endif -%}
    {{ return(made) }}
{%- endmaterialization %}


{% macro failing_rows(name, sql) -%}
    {%- set at_most = 20 -%}
    {%- set rows = run_query('select * from (\n' ~ sql ~ '\n) limit ' ~ at_most) -%}
    {%- set lines = [name ~ ' found, ' ~ at_most ~ ' rows at most:'] -%}
    {%- for row in rows.rows -%}
        {%- set cells = [] -%}
        {%- for column in rows.column_names -%}
            {%- do cells.append(column ~ ' = ' ~ row[column]) -%}
        {%- endfor -%}
        {%- do lines.append('    ' ~ cells | join(', ')) -%}
    {%- endfor -%}
    {{ return(lines | join('\n')) }}
{%- endmacro %}
