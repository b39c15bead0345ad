-- Five small rows. A table, although BI reads it as a view: it is made with the forecast that it judges.
{{ config(materialized='table', order_by='days_before') }}

with

backtest as (

    select * from {{ ref('int_forecast_backtest') }}

),

errors as (

    select
        days_before,
        100 * abs(forecast_tickets - final_tickets) / final_tickets as error,
        100 * abs(pace_tickets - final_tickets) / final_tickets as error_pace
    from backtest

),

judged as (

    select
        days_before,
        count() as shows,
        round({{ median('error') }}, 1) as median_error,
        round({{ median('error_pace') }}, 1) as median_error_pace
    from errors
    group by days_before

),

-- Each of the five has its row, also while no show can be judged yet.
final as (

    select
        horizon::UInt16 as days_before,
        judged.shows as shows,
        if(shows > 0, judged.median_error, null)::Nullable(Float64) as median_error,
        if(shows > 0, judged.median_error_pace, null)::Nullable(Float64) as median_error_pace,
        (shows >= {{ least_shows() }} and judged.median_error < judged.median_error_pace)::Bool as is_better_than_pace
    from (select arrayJoin({{ forecast_horizons() }}) as horizon) as horizons
    left join judged on horizons.horizon = judged.days_before

)

select * from final
