-- One row is an event with at least five finished shows: how many tickets they had sold so many days before, the
-- median and the middle half of them.
with

days as (

    select
        event_id,
        days_before_show,
        uniqExact(show_id) as shows_of_day,
        quantilesExactInclusive(0.25, 0.5, 0.75)(tickets_so_far) as quartiles
    from fact_qtickets_sales_curve
    where
        is_finished
        and days_before_show between 0 and 28
    group by
        event_id,
        days_before_show
    having shows_of_day >= 5
    order by
        event_id,
        days_before_show desc

)

select
    event_id,
    max(shows_of_day) as shows,
    groupArray(days_before_show) as days,
    groupArray(quartiles[1]) as low,
    groupArray(quartiles[2]) as middle,
    groupArray(quartiles[3]) as high
from days
group by event_id
