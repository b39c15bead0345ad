-- One row is a show to come that will sell out, or that falls behind, as the forecast has it; the nearest first. The
-- digest asks this only where v_show_forecast is.
with

shows as (

    select
        show_id,
        event_name,
        starts_at,
        tickets_sold,
        forecast,
        verdict
    from v_show_forecast
    where starts_at >= fromUnixTimestamp64Milli({now:Int64}, 'UTC')

),

halls as (

    select
        show_id,
        tickets_total
    from fact_qtickets_inventory_by_show

),

final as (

    select
        shows.show_id as show_id,
        shows.event_name as event_name,
        shows.starts_at as starts_at,
        shows.tickets_sold as tickets_sold,
        round(shows.forecast)::Nullable(Int64) as tickets_expected,
        halls.tickets_total as tickets_total,
        ifNull(halls.tickets_total > 0 and shows.forecast >= halls.tickets_total, false) as will_sell_out
    from shows
    left join halls on shows.show_id = halls.show_id
    where
        will_sell_out
        or shows.verdict = 'behind'

)

select * from final
order by
    will_sell_out desc,
    starts_at,
    show_id
