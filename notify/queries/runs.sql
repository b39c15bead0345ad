-- One row is one of a resource's 50 newest rows of the run log, newest first. All columns, since version 1 of the log
-- says in `lane` what version 2 says in `mode`. What is said to come from the future is not believed.
select *
from meta_job_runs final
where started_at < fromUnixTimestamp64Milli({latest:Int64}, 'UTC')
order by
    resource,
    started_at desc
limit 50 by resource
