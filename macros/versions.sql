{#- Which versions of orders were parsed before. A macro so that a unit test can say so: given as `input: this`, the
    test could not run where the model was never built, and a first `dbt build` would stop at it. -#}
{% macro versions_read_before(relation) -%}
    select order_id, _ver from {{ relation }}
{%- endmacro %}


{#- The table of snapshots that were parsed before; nothing before the first build, and null in a column that it does not
    have yet. Unit tests override it. -#}
{% macro snapshots_read_before(relation) -%}
    {%- if execute and load_relation(relation) is not none -%}
        {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
        {%- if 'tickets_paid' in names -%}
            {{ relation }}
        {%- else -%}
            (select *, null::Nullable(Int64) as tickets_paid from {{ relation }})
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
