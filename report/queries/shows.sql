-- One row is a show still to come: what is left of it.
select
    event_id,
    show_id,
    formatDateTime(starts_at, '%F %T', {zone:String}) as starts_at,
    tickets_total,
    tickets_left
from fact_qtickets_inventory_by_show
order by
    event_id,
    starts_at,
    show_id
