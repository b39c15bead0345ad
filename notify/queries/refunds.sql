-- One row is a currency in which something was paid back yesterday.
select
    currency,
    sum(tickets_refunded) as tickets,
    sum(refunded_amount) as amount
from fact_qtickets_refunds_daily
where refund_date = {yesterday:Date}
group by currency
having
    tickets > 0
    or amount > 0
order by
    amount desc,
    currency
