-- One row is a day, an event, its city and a currency of the last 14 days; a day that sold nothing has no row.
select
    sales_date as day,
    event_id,
    city,
    currency,
    tickets_sold,
    revenue
from fact_qtickets_sales_daily
where
    sales_date > {today:Date} - 14
    and sales_date <= {today:Date}
