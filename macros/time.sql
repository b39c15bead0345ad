{#- The calendar of the reports. All are macros so that a unit test can say what "now" is. -#}

{% macro report_date(instant) -%}
    toDate(toTimeZone({{ instant }}, '{{ var("report_timezone") }}'))
{%- endmacro %}


{% macro report_today() -%}
    {{ report_date(current_instant()) }}
{%- endmacro %}


{% macro current_instant() -%}
    now('UTC')
{%- endmacro %}


{#- dbt-clickhouse says now(), which is in the zone of the server; dbt takes it for UTC, and
    `dbt source freshness` was hours off. -#}
{% macro clickhouse__current_timestamp() -%}
    now('UTC')
{%- endmacro %}
