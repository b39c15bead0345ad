{{ config(materialized='view') }}

with

sales as (

    select * from {{ ref('fact_qtickets_sales_daily') }}
    where
        sales_date > {{ report_today() }} - 14
        and sales_date <= {{ report_today() }}

),

final as (

    select
        event_id,
        any(event_name) as event_name,
        city,
        currency,
        sum(sales.tickets_sold) as tickets_sold,
        sum(sales.tickets_refunded) as tickets_refunded,
        sum(sales.gross_revenue)::Decimal(18, 2) as gross_revenue,
        sum(sales.refunded_amount)::Decimal(18, 2) as refunded_amount,
        sum(sales.revenue)::Decimal(18, 2) as revenue,
        sum(sales.orders) as orders,
        sum(sales.tickets_free) as tickets_free,
        {{ average_price('gross_revenue', 'tickets_sold + tickets_refunded - tickets_free') }} as average_price
    from sales
    group by
        event_id,
        city,
        currency

)

select * from final
