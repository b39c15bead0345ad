-- Guards sums over an event: amounts of two currencies cannot be added up. Runs last: one odd event
-- is no reason to keep all others from dashboards.
-- depends_on: {{ ref('v_sales_latest') }}
-- depends_on: {{ ref('v_sales_14d') }}

select
    event_id,
    groupUniqArray(currency) as currencies,
    sum(revenue) as revenue
from {{ ref('fact_qtickets_sales_daily') }}
where event_id != 0
group by event_id
having length(currencies) > 1
