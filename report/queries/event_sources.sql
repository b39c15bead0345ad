-- One row is an event, a source with its campaign, and a currency, of the last 14 days.
select
    event_id,
    utm_source,
    utm_campaign,
    currency,
    sum(tickets_sold) as tickets,
    sum(sales.revenue) as revenue
from fact_qtickets_sales_utm_daily as sales
where
    sales_date > {today:Date} - 14
    and sales_date <= {today:Date}
group by
    event_id,
    utm_source,
    utm_campaign,
    currency
