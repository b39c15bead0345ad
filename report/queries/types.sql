-- One row is an event, a ticket type, a tariff, a price and a currency, of the last 14 days.
select
    event_id,
    ticket_type,
    ticket_type_name,
    tariff,
    price,
    currency,
    sum(tickets_sold) as tickets,
    sum(tickets_sold + tickets_refunded - tickets_free) as tickets_paid,
    sum(sales.gross_revenue) as gross_revenue,
    sum(sales.revenue) as revenue
from fact_qtickets_sales_by_type_daily as sales
where
    sales_date > {today:Date} - 14
    and sales_date <= {today:Date}
group by
    event_id,
    ticket_type,
    ticket_type_name,
    tariff,
    price,
    currency
