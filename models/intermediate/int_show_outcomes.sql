-- What finished shows teach: on each day before the show, how many tickets were seen sold, and by how much that grew
-- until the end. Tickets of all currencies together.
with

curve as (

    select * from {{ ref('fact_qtickets_sales_curve') }}
    where is_finished

),

shows as (

    select * from {{ ref('dim_shows') }}

),

by_day as (

    select
        show_id,
        days_before_show,
        sum(tickets_seen_then) as tickets
    from curve
    group by
        show_id,
        days_before_show

),

ends as (

    select
        show_id,
        argMin(tickets, days_before_show) as final_tickets
    from by_day
    group by show_id

),

final as (

    select
        by_day.show_id as show_id,
        shows.event_id as event_id,
        shows.city as city,
        assumeNotNull(shows.show_date) as show_date,
        assumeNotNull({{ show_day('shows.ends_at') }}) as end_date,
        by_day.days_before_show as days_before_show,
        by_day.tickets as tickets,
        ends.final_tickets as final_tickets,
        -- of nothing nothing can be told
        if(by_day.tickets > 0, ends.final_tickets / by_day.tickets, null) as growth
    from by_day
    inner join ends on by_day.show_id = ends.show_id
    inner join shows on by_day.show_id = shows.show_id

)

select * from final
