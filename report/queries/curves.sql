-- One row is a show still to come: tickets sold up to so many days before it, in its last four weeks.
with

days as (

    select
        event_id,
        show_id,
        days_before_show,
        tickets_so_far
    from fact_qtickets_sales_curve
    where
        not is_finished
        and days_before_show between 0 and 28
    order by
        show_id,
        days_before_show desc

)

select
    show_id,
    groupArray(days_before_show) as days,
    groupArray(tickets_so_far) as tickets
from days
group by show_id
