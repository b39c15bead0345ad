select
    sales.sales_date as sales_date,
    sales.event_id as event_id,
    events.event_name as event_name,
    sales.city as city,
    sales.currency as currency,
    sales.orders as orders,
    sales.tickets_sold as tickets_sold,
    sales.tickets_free as tickets_free,
    sales.tickets_refunded as tickets_refunded,
    sales.gross_revenue as gross_revenue,
    sales.refunded_amount as refunded_amount,
    sales.revenue as revenue
from fact_qtickets_sales_daily as sales
left join dim_events as events on sales.event_id = events.event_id
order by
    sales_date desc,
    event_id,
    currency
