-- Guards the day of a sale: an order that was paid and does not say when is counted on the day it was made, or on
-- 1970-01-01 when that is missing too. Only warns: the sale is in the totals.
{{ blocks_nothing() }}
{{ config(severity='warn') }}

select
    order_id,
    order_created_at,
    sum(gross_amount) as gross
from {{ ref('int_sold_tickets') }}
where paid_at is null
group by
    order_id,
    order_created_at
