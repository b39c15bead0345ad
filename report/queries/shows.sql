-- One row is a show still to come: what is sold and left of it, and what is expected.
with

sold as (

    select
        show_id,
        sum(tickets_sold) as tickets
    from fact_qtickets_sales_by_show_daily
    group by show_id

)

select
    hall.show_id as show_id,
    hall.event_id as event_id,
    hall.starts_at as starts_at,
    shows.local_start as local_start,
    dateDiff('day', {today:Date}, toDate(hall.starts_at, {zone:String})) as days_before_show,
    hall.tickets_total as tickets_total,
    hall.tickets_left as tickets_left,
    sold.tickets as tickets_sold,
    forecast.forecast_tickets as forecast_tickets,
    forecast.forecast_low as forecast_low,
    forecast.forecast_high as forecast_high,
    forecast.basis as basis,
    forecast.basis_shows as basis_shows,
    forecast.expected_tickets_now as expected_tickets_now,
    forecast.verdict as verdict,
    forecast.will_sell_out as will_sell_out,
    forecast.typical_error as typical_error
from fact_qtickets_inventory_by_show as hall
left join dim_shows as shows on hall.show_id = shows.show_id
left join sold on hall.show_id = sold.show_id
left join v_show_forecast as forecast on hall.show_id = forecast.show_id
order by
    hall.starts_at,
    hall.show_id
