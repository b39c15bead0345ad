-- One row is the state of the data behind the digest: up to when everything was compared with QTickets, and up to when
-- orders were. Null where a resource never was.
select
    if(countIf(isNull(last_proven_at)) = 0, min(last_proven_at), null) as verified_at,
    maxIf(last_proven_at, resource = 'orders') as orders_verified_at,
    countIf(not is_complete) = 0 as is_complete
from v_data_quality
