-- One row is a show still to come: tickets sold by so many days before it, in its last four weeks, as was seen then.
with

days as (

    select
        show_id,
        days_before_show,
        sum(tickets_seen_then) as tickets
    from fact_qtickets_sales_curve
    where
        not is_finished
        and days_before_show between 0 and 28
    group by
        show_id,
        days_before_show
    order by
        show_id,
        days_before_show desc

)

select
    show_id,
    groupArray(days_before_show) as days,
    groupArray(days.tickets) as tickets
from days
group by show_id
