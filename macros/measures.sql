{#- The measures of sales, summed from int_sold_tickets: of the daily fact, and of each fact that divides the same sales. -#}
{% macro sales_measures() -%}
    sumIf(quantity, not is_refunded) as tickets_sold,
    sumIf(quantity, is_refunded) as tickets_refunded,
    sum(gross_amount)::Decimal(18, 2) as gross_revenue,
    sum(paid_back_amount)::Decimal(18, 2) as refunded_amount,
    (sum(gross_amount) - sum(paid_back_amount))::Decimal(18, 2) as revenue
{%- endmacro %}
