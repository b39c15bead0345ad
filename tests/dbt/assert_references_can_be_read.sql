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
