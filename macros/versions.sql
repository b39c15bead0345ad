{#- Which versions of orders were parsed before. A macro so that a unit test can say so: given as `input: this`, the
    test could not run where the model was never built, and a first `dbt build` would stop at it. -#}
{% macro versions_read_before(relation) -%}
    select order_id, _ver from {{ relation }}
{%- endmacro %}


{#- The table of snapshots that were parsed before; nothing before the first build, and null or no rows in columns that it
    does not have yet. Unit tests override it. -#}
{% macro snapshots_read_before(relation) -%}
    {%- if execute and load_relation(relation) is not none -%}
        {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
        {%- set later = {
            'tickets_paid': 'null::Nullable(Int64)',
            'zones': '[]::Array(String)',
            'zone_prices': '[]::Array(Nullable(Decimal(18, 2)))',
            'zone_currencies': '[]::Array(String)',
            'zone_totals': '[]::Array(Nullable(Int64))',
            'zone_lefts': '[]::Array(Nullable(Int64))',
        } -%}
        (
            select *
            {%- for name, nothing in later.items() if name not in names %}, {{ nothing }} as {{ name }}{% endfor %}
            from {{ relation }}
        )
    {%- endif -%}
{%- endmacro %}
