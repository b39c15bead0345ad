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

-- Each of the five has its row, also while no show can be judged yet.
final as (

    select
        horizon::UInt16 as days_before,
        countIf(errors.days_before = horizon) as shows,
        round(quantileExactInclusiveOrNullIf(0.5)(errors.error, errors.days_before = horizon), 1) as median_error,
        round(quantileExactInclusiveOrNullIf(0.5)(errors.error_pace, errors.days_before = horizon), 1)
            as median_error_pace,
        ifNull(shows >= {{ least_shows() }} and median_error < median_error_pace, false)::Bool as is_better_than_pace
    from (select arrayJoin([28, 14, 7, 3, 1]) as horizon) as horizons
    left join errors on horizons.horizon = errors.days_before
    group by horizon

)

select * from final
