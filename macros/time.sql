{#- The calendar of the reports. All are macros so that a unit test can say what "now" is. -#}

{#- Date goes from 1970 to 2149-06-06 and wraps outside: what lies there is on the first or last day, which a test reports
    where money is concerned. -#}
{% macro report_date(instant) -%}
    {%- set day = "toDate32(toTimeZone(" ~ instant ~ ", '" ~ var("report_timezone") ~ "'))" -%}
    toDate(multiIf({{ day }} < '1970-01-01', toDate32('1970-01-01'), {{ day }} > '2149-06-06', toDate32('2149-06-06'), {{ day }}))
{%- endmacro %}


{% macro report_today() -%}
    {%- if var('report_today') -%}
        toDate('{{ var("report_today") }}')
    {%- else -%}
        {{ report_date(current_instant()) }}
    {%- endif -%}
{%- endmacro %}


{#- What counts as "now" for shows to come: with `report_today`, the beginning of that day. -#}
{% macro report_instant() -%}
    {%- if var('report_today') -%}
        toDateTime64('{{ var("report_today") }} 00:00:00', 3, '{{ var("report_timezone") }}')
    {%- else -%}
        {{ current_instant() }}
    {%- endif -%}
{%- endmacro %}


{% macro current_instant() -%}
    now('UTC')
{%- endmacro %}


{#- dbt-clickhouse says now(), which is in the zone of the server; dbt takes it for UTC, and
    `dbt source freshness` was hours off. -#}
{% macro clickhouse__current_timestamp() -%}
    now('UTC')
{%- endmacro %}
