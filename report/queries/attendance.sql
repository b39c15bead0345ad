-- One row is a show that is over and at which tickets were scanned: the last ten of each event, the newest first.
select
    past.show_id as show_id,
    past.event_id as event_id,
    past.starts_at as starts_at,
    shows.local_start as local_start,
    past.event_name as event_name,
    past.city as city,
    past.tickets_valid as tickets_valid,
    past.tickets_scanned as tickets_scanned,
    1 - past.no_show_share as came_share
from fact_qtickets_attendance_by_show as past
left join dim_shows as shows on past.show_id = shows.show_id
where past.no_show_share is not null
order by
    past.starts_at desc,
    show_id
limit 10 by event_id
