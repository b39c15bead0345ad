-- One row is an event and a currency: what was sold within 14 days and has been refunded since.
select
    event_id,
    event_name,
    city,
    currency,
    tickets_sold + tickets_refunded as tickets_ever_sold,
    tickets_refunded,
    refunded_amount
from v_sales_14d
