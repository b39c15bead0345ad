-- One row is a show to come that will sell out, or that falls behind, as the forecast has it; the nearest first.
with

shows as (

    select * from v_show_forecast

),

final as (

    select
        show_id,
        event_name,
        starts_at,
        tickets_sold,
        forecast_tickets::Nullable(Int64) as tickets_expected,
        tickets_total,
        will_sell_out
    from shows
    where
        starts_at >= fromUnixTimestamp64Milli({now:Int64}, 'UTC')
        and (ifNull(will_sell_out, false) or verdict = 'behind')

)

select * from final
order by
    ifNull(will_sell_out, false) desc,
    starts_at,
    show_id
