{#- The expression is true of every row; null counts as a failure. Returns the rows of which it is not. -#}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where not ifNull({{ expression }}, false)

{% endtest %}
