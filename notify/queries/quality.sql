-- One row is a resource that is loaded: how fresh and how complete the marts are.
select
    resource,
    last_proven_at,
    rows_missing,
    is_complete
from v_data_quality
order by
    indexOf(['discounts', 'promo_codes', 'inventory', 'events', 'orders'], resource) desc,
    resource
