-- One row is a resource: how fresh and how complete it is. Late, and so red, is what `--healthcheck` calls unhealthy.
select
    resource,
    last_proven_at as proven_at,
    last_run_at as run_at,
    api_total,
    rows_landed,
    is_fresh,
    ifNull(minutes_since_proven >= 60 * 6, true) as is_late,
    is_complete,
    last_status,
    last_error
from v_data_quality
order by resource
