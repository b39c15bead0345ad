-- One row is a weekday (1 is Monday) and an hour in which something was sold, in the last 28 whole days.
select
    toDayOfWeek(sales_date) as weekday,
    sales_hour as hour,
    sum(tickets_sold) as tickets
from fact_qtickets_sales_hourly
where
    sales_date >= {today:Date} - 28
    and sales_date < {today:Date}
group by
    weekday,
    hour
