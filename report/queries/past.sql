-- One row is an event with at least five finished shows: how many tickets they had sold so many days before, the
-- median and the middle half of them. A show that had sold nothing yet counts as 0.
with

curve as (

    select
        event_id,
        show_id,
        days_before_show,
        sum(tickets_seen_then) as tickets
    from fact_qtickets_sales_curve
    where
        is_finished
        and days_before_show >= 0
    group by
        event_id,
        show_id,
        days_before_show

),

days as (

    select
        event_id,
        show_id,
        arrayJoin(range(29))::Int32 as days_before_show
    from curve
    group by
        event_id,
        show_id

),

quartiles as (

    select
        days.event_id as event_id,
        days.days_before_show as days_before_show,
        count() as shows,
        quantilesExactInclusive(0.25, 0.5, 0.75)(curve.tickets) as tickets
    from days
    left join curve on days.show_id = curve.show_id and days.days_before_show = curve.days_before_show
    group by
        event_id,
        days_before_show
    having shows >= 5
    order by
        event_id,
        days_before_show desc

)

select
    event_id,
    any(quartiles.shows) as shows,
    groupArray(days_before_show) as days,
    groupArray(tickets[1]) as low,
    groupArray(tickets[2]) as middle,
    groupArray(tickets[3]) as high
from quartiles
group by event_id
