-- The fact under the name, and with the order of columns, that dashboards know.
{{ config(materialized='view') }}

select
    sales_date,
    event_id,
    event_name,
    city,
    currency,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_content,
    utm_term,
    tickets_sold,
    tickets_refunded,
    gross_revenue,
    refunded_amount,
    revenue,
    orders,
    tickets_free,
    {{ average_price('gross_revenue', 'tickets_sold + tickets_refunded - tickets_free') }} as average_price
from {{ ref('fact_qtickets_sales_utm_daily') }}
