-- Guards against payloads that staging cannot make sense of: no JSON, another order's, a field that holds something
-- else than it should. Such an order counts with what could be read (nothing, when it is `payload`), the raw
-- table keeps what was landed, and a fresh fetch of the order heals it.
{{ blocks_nothing() }}

select
    order_id,
    unreadable_fields,
    _ver
from {{ ref('stg_qtickets_api__orders') }} as orders final
where notEmpty(unreadable_fields)
