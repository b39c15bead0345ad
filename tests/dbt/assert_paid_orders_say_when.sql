-- Guards the day of a sale: an order that was paid and does not say when is counted on the day it was made, or on
-- 1970-01-01 when that is missing too. Only warns: the sale is in the totals.
-- depends_on: {{ ref('v_sales_latest') }}
-- depends_on: {{ ref('v_sales_14d') }}
{{ config(severity='warn') }}

select
    order_id,
    order_created_at,
    sum(price * quantity) as gross
from {{ ref('stg_qtickets_api__tickets') }}
where
    is_payed
    and payed_at is null
    and order_deleted_at is null
    and not is_order_gone
    and ticket_deleted_at is null
group by
    order_id,
    order_created_at
