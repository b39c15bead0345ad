with

sold as (

    select
        show_id,
        sum(tickets_sold) as tickets
    from fact_qtickets_sales_by_show_daily
    group by show_id

)

select
    shows.show_id as show_id,
    shows.event_id as event_id,
    shows.event_name as event_name,
    shows.city as city,
    shows.place_name as place_name,
    formatDateTime(shows.starts_at, '%FT%TZ') as starts_at,
    shows.local_start as local_start,
    shows.timezone as timezone,
    shows.currency as currency,
    hall.tickets_total as tickets_total,
    hall.tickets_left as tickets_left,
    sold.tickets as tickets_sold,
    forecast.forecast_tickets as forecast_tickets,
    forecast.forecast_low as forecast_low,
    forecast.forecast_high as forecast_high,
    forecast.verdict as verdict
from fact_qtickets_inventory_by_show as hall
left join dim_shows as shows on hall.show_id = shows.show_id
left join sold on hall.show_id = sold.show_id
left join v_show_forecast as forecast on hall.show_id = forecast.show_id
order by
    hall.starts_at,
    show_id
