-- One row is a day and a currency of the last 14 days in which money came in or was paid back.
select
    cash_date as day,
    currency,
    sum(gross_revenue) as paid,
    sum(refunded_amount) as paid_back,
    sum(cash.net_cash) as net_cash
from v_cash_daily as cash
where
    cash_date > {today:Date} - 14
    and cash_date <= {today:Date}
group by
    day,
    currency
order by
    day desc,
    currency
