{#- Which raw orders the tests of conservation read again. Parsing all of them is the dearest thing there is, and what is
    typed does not change: a build reads what landed lately, `dbt test` and `--full-refresh` read everything. -#}
{% macro raw_check_since() -%}
    {%- set hours = var('raw_check_hours') | int -%}
    {%- if hours == 0 or flags.FULL_REFRESH or invocation_args_dict.get('which') == 'test' -%}
        toDateTime64(0, 3, 'UTC')
    {%- else -%}
        toDateTime64({{ current_instant() }} - interval {{ hours }} hour, 3, 'UTC')
    {%- endif -%}
{%- endmacro %}


{#- Until when: the extractor may land while dbt runs, and what staging could not see yet is no fault of it. Such a row
    is checked by the next build. -#}
{% macro raw_check_until() -%}
    toDateTime64('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}', 3, 'UTC')
{%- endmacro %}
