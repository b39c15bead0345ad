-- Guards the money: nothing is negative (more paid back than was paid?), revenue is what is left of gross, and each
-- row has a day, a city and a currency. One odd refund is no
-- reason to keep all other numbers from dashboards.
{{ blocks_nothing() }}

select
    sales_date,
    event_id,
    city,
    currency,
    gross_revenue,
    refunded_amount,
    revenue
from {{ ref('fact_qtickets_sales_daily') }}
where
    gross_revenue < 0
    or refunded_amount < 0
    or revenue < 0
    or revenue != gross_revenue - refunded_amount
    or sales_date < '2000-01-01'
    or sales_date > {{ report_date(current_instant()) }} + 1
    or city = ''
    or currency = ''
