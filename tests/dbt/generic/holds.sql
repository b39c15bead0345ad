{#- The condition is true of every row; null counts as a failure. Returns the rows of which it is not. -#}
{% test holds(model, condition) %}

select *
from {{ model }}
where not ifNull({{ condition }}, false)

{% endtest %}
