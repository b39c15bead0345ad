-- One "now" for the whole page: what is sold while it is drawn must not move a day. "Today" is the marts' (`var
-- report_today`), so that a database of the past can be looked at.
select
    now64(3, 'UTC') as now,
    coalesce(anyOrNull(report_today), toDate(now({zone:String}))) as today
from v_data_quality
