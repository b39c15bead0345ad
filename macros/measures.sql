{#- The measures of sales, summed from int_sold_tickets: of the daily fact, and of each fact that divides the same sales. -#}
{% macro sales_measures() -%}
    sumIf(quantity, not is_refunded) as tickets_sold,
    sumIf(quantity, is_refunded) as tickets_refunded,
    sum(gross_amount)::Decimal(18, 2) as gross_revenue,
    sum(paid_back_amount)::Decimal(18, 2) as refunded_amount,
    (sum(gross_amount) - sum(paid_back_amount))::Decimal(18, 2) as revenue
{%- endmacro %}


{#- Beside them; apart, since public marts got these later, and their columns keep their order. -#}
{% macro order_measures() -%}
    uniqExact(order_id) as orders,
    sumIf(quantity, not is_refunded and gross_amount = 0) as tickets_free
{%- endmacro %}


{#- All of them, in the order that new facts have. -#}
{% macro sales_measures_and_orders() -%}
    uniqExact(order_id) as orders,
    sumIf(quantity, not is_refunded) as tickets_sold,
    sumIf(quantity, not is_refunded and gross_amount = 0) as tickets_free,
    sumIf(quantity, is_refunded) as tickets_refunded,
    sum(gross_amount)::Decimal(18, 2) as gross_revenue,
    sum(paid_back_amount)::Decimal(18, 2) as refunded_amount,
    (sum(gross_amount) - sum(paid_back_amount))::Decimal(18, 2) as revenue
{%- endmacro %}
