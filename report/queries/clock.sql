-- One "now" for the whole page: what is sold while it is drawn must not move a day.
select
    now64(3, 'UTC') as now,
    toDate(now({zone:String})) as today
