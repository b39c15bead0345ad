-- Guards against events (with their shows), discounts, promo codes and seat snapshots that staging cannot make sense of, as
-- the test of orders does. Sales of such a one stay; what could not be read is unknown.
{{ blocks_nothing() }}

{% for what in ['event', 'discount', 'promo_code'] -%}
select
    '{{ what }}' as what,
    {{ what }}_id as id,
    unreadable_fields
from {{ ref('stg_qtickets_api__' ~ what ~ 's') }}
where notEmpty(unreadable_fields)

union all

{% endfor -%}
select
    'seats of show',
    show_id,
    ['payload']
from {{ ref('stg_qtickets_api__inventory') }}
where not is_readable

union all

-- of a seat with another kind of value in such a field it is not known what it is
select
    'seats of show',
    show_id,
    arrayFilter(
        x -> x not in ('id', 'seat_id', 'name', 'multiprice_code'), arrayDistinct({{ redacted_keys('payload') }})
    ) as fields
from {{ source('qtickets_api', 'stg_qtickets_api_inventory_raw') }}
where
    (show_id, snapshot_ts) in (select show_id, snapshot_at from {{ ref('stg_qtickets_api__inventory') }})
    and position(payload, '"[redacted]"') > 0
    and notEmpty(fields)
