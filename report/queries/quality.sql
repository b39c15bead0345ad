-- One row is a resource: how fresh and how complete it is.
select
    resource,
    formatDateTime(last_proven_at, '%F %T', {zone:String}) as proven_at,
    minutes_since_proven,
    api_total,
    rows_landed,
    is_fresh,
    is_complete,
    last_status
from v_data_quality
order by resource
