-- Guards against discounts and promo codes that are no JSON, or another's. Sales with such a one stay, under the name
-- `unknown`. Runs last, as the test of orders does.
-- depends_on: {{ ref('v_qtickets_sales_promo') }}

select
    'discount' as what,
    discount_id as id,
    _ver
from {{ ref('stg_qtickets_api__discounts') }}
where not is_readable

union all

select
    'promo code',
    promo_code_id,
    _ver
from {{ ref('stg_qtickets_api__promo_codes') }}
where not is_readable
