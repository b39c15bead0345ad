-- Names events sold in several currencies, whose sums over all rows mean nothing. Only warns: currency is in the grain.
{{ blocks_nothing() }}
{{ config(severity='warn') }}

select
    event_id,
    groupUniqArray(currency) as currencies,
    sum(revenue) as revenue
from {{ ref('fact_qtickets_sales_daily') }}
where event_id != 0
group by event_id
having length(currencies) > 1
