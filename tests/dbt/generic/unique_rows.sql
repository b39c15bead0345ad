{#- No two rows share these columns: the grain of a model. Returns the combinations that recur. -#}
{% test unique_rows(model, columns) %}

select
    {{ columns | join(', ') }},
    count() as how_often
from {{ model }}
group by {{ columns | join(', ') }}
having how_often > 1

{% endtest %}
