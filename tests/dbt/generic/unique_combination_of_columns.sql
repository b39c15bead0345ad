{#- No two rows share these columns: the grain of a model. Returns the combinations that recur. -#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

{%- set columns = combination_of_columns | join(', ') %}
select
    {{ columns }},
    count() as how_often
from {{ model }}
where {{ may_recur(model, columns) }}
group by {{ columns }}
having how_often > 1

{% endtest %}
