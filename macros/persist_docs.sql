{#- The adapter asks the table for its columns before it comments them, a statement more a model and build. Here each column that
    is described is there: contracts and tests see to it. -#}
{% macro clickhouse__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do comments.append('modify comment ' ~ clickhouse_escape_comment(model.description)) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() -%}
        {%- for name, column in model.columns.items() if column.description -%}
            {%- do comments.append('comment column `' ~ name ~ '` ' ~ clickhouse_escape_comment(column.description)) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}
        {%- do run_query(one_alter_relation(relation, comments | join(', '))) -%}
    {%- endif -%}
{%- endmacro %}
