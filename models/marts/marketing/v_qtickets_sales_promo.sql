-- The fact under the name, and with the order of columns, that dashboards know.
{{ config(materialized='view') }}

select
    sales_date,
    event_id,
    event_name,
    city,
    currency,
    promo_code_id,
    promo_code,
    discount_id,
    discount_name,
    tickets_sold,
    tickets_refunded,
    gross_revenue,
    refunded_amount,
    revenue,
    gross_discount,
    discount_cost,
    orders,
    tickets_free,
    {{ average_price('gross_revenue', 'tickets_sold + tickets_refunded - tickets_free') }} as average_price
from {{ ref('fact_qtickets_sales_promo_daily') }}
