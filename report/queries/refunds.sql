-- One row is an event and a currency: what was sold within 14 days and has been refunded since.
select
    event_id,
    event_name,
    city,
    currency,
    tickets_sold + tickets_refunded as tickets_ever_sold,
    tickets_refunded,
    refunded_amount,
    if(tickets_ever_sold > 0, tickets_refunded / tickets_ever_sold, null) as share_refunded
from v_sales_14d
where
    tickets_refunded > 0
    or refunded_amount > 0
order by
    tickets_refunded desc,
    refunded_amount desc,
    event_id,
    currency
