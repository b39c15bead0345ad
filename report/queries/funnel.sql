-- One row: the orders made within 14 days, and those of them that were paid.
select
    sum(orders_made) as made,
    sum(orders_paid) as paid
from fact_qtickets_orders_daily
where
    order_date > {today:Date} - 14
    and order_date <= {today:Date}
