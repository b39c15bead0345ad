{#- No two rows share these columns: the grain of a model. Returns the combinations that recur. -#}
{% test unique_combination_of_columns(model, combination_of_columns) %}

select
    {{ combination_of_columns | join(', ') }},
    count() as how_often
from {{ model }}
group by {{ combination_of_columns | join(', ') }}
having how_often > 1

{% endtest %}
