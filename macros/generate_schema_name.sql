{#- dbt's own rule, but a database whose name would need quotes is refused, before anything is asked of ClickHouse:
    dbt-clickhouse writes the name into some of its queries as it stands. The extractor refuses the same names. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]{0,62}', target.schema) -%}
        {{ exceptions.raise_compiler_error('CLICKHOUSE_DATABASE: only letters, digits and _ are allowed, and no digit first.') }}
    {%- endif -%}
    {{ dbt.default__generate_schema_name(custom_schema_name, node) }}
{%- endmacro %}
