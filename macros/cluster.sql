{#- What CLICKHOUSE_CLUSTER changes beside the profile: two macros of dbt-clickhouse 1.10, under their own names.
    Without a cluster both say what the adapter's say. -#}

{#- Every table and seed is replicated. No path: the server's default has the table's UUID in it. -#}
{% macro engine_clause() %}
  engine = {{ 'Replicated' if target.cluster }}{{ config.get('engine', default='MergeTree()') }}
{%- endmacro %}


{#- Before a swap every replica has to hold the new table, which the adapter calls old_relation; it waits for the other
    one, and a replica that is behind would show its readers half a table. -#}
{% macro exchange_tables_atomic(old_relation, target_relation, obj_types='TABLES') %}
  {%- if target.cluster %}
    {%- call statement('exchange_table_sync_replica') -%}
      SYSTEM SYNC REPLICA {{ on_cluster_clause(old_relation) }} {{ old_relation }}
    {%- endcall %}
  {%- endif %}
  {%- call statement('exchange_tables_atomic') -%}
    EXCHANGE {{ obj_types }} {{ old_relation }} AND {{ target_relation }} {{ on_cluster_clause(target_relation) }}
  {%- endcall %}
{% endmacro %}
