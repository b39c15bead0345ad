{#- Rows of a relation that may be there twice: their hash recurs. Hashes of all rows cost a quarter of what it costs to group by the
    columns themselves, so only what shares one is grouped by them. A null among the columns has no hash. -#}
{% macro may_recur(relation, columns) -%}
    ifNull(
        cityHash64({{ columns }}) in (
            select row_hash
            from (select cityHash64({{ columns }}) as row_hash from {{ relation }}) as hashed
            group by row_hash
            having count() > 1
        ),
        true
    )
{%- endmacro %}
