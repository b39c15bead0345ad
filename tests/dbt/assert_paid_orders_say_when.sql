-- Guards the day of a sale: an order that was paid and does not say when is counted on the day it was made, or on
-- 1970-01-01 when that is missing too. Only warns: the sale is in the totals.
{{ blocks_nothing() }}
{{ config(severity='warn') }}

select
    order_id,
    created_at,
    arraySum((x, y) -> x * y, ticket_prices, ticket_quantities) as gross
from {{ ref('stg_qtickets_api__orders') }} as orders final
where
    is_paid
    and paid_at is null
    and not is_tombstone
    and deleted_at is null
