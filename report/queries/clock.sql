-- One "now" for the whole page: what is sold while it is drawn must not move a day.
select
    toString(now({zone:String})) as built_at,
    toString(toDate(now({zone:String}))) as today
