-- The forecast of each finished show, made over again as it would have been made before it: from the sales seen by
-- then and from shows that had ended by then. A table: computed once, for v_forecast_accuracy.
{{ config(materialized='table', order_by=['days_before', 'show_id']) }}

with

outcomes as (

    select * from {{ ref('int_show_outcomes') }}

),

snapshots as (

    select * from {{ ref('stg_qtickets_api__snapshots') }}

),

-- As on the day after `known_date`: all of that day is known.
moments as (

    select
        show_id,
        any(event_id) as event_id,
        any(city) as city,
        days_before,
        any(show_date) - days_before as known_date,
        any(end_date) as end_date,
        any(final_tickets) as tickets_at_end,
        sumIf(tickets, days_before_show = days_before) as tickets_known,
        sumIf(tickets, days_before_show = days_before + 7) as tickets_week_before
    from outcomes
    array join {{ forecast_horizons() }}::Array(Int32) as days_before
    where days_before_show in (days_before, days_before + 7)
    group by
        show_id,
        days_before

),

-- What each show asks on its day, among what shows that were over taught by that day, in order of time.
happened as (

    select
        show_id,
        event_id,
        city,
        days_before,
        known_date as happened_on,
        true as is_question,
        null::Nullable(Float64) as growth
    from moments

    union all

    select
        show_id,
        event_id,
        city,
        days_before_show,
        end_date,
        false,
        growth
    from outcomes
    where days_before_show in {{ forecast_horizons() }}

),

-- Each window has all that happened by the end of the day, of the same event, of the same city, of all.
taught as (

    select
        show_id,
        days_before,
        is_question,
        count(growth) over of_event as shows_of_event,
        {{ median('growth') }} over of_event as growth_of_event,
        if(city = 'unknown', 0, count(growth) over of_city) as shows_of_city,
        {{ median('growth') }} over of_city as growth_of_city,
        count(growth) over of_all as shows_of_all,
        {{ median('growth') }} over of_all as growth_of_all
    from happened
    window
        of_event as (
            partition by days_before, event_id
            order by (happened_on, is_question)
            rows between unbounded preceding and current row
        ),
        of_city as (
            partition by days_before, city
            order by (happened_on, is_question)
            rows between unbounded preceding and current row
        ),
        of_all as (
            partition by days_before
            order by (happened_on, is_question)
            rows between unbounded preceding and current row
        )

),

chosen as (

    select
        show_id,
        days_before,
        multiIf(
            shows_of_event >= {{ least_shows() }}, 'event',
            shows_of_city >= {{ least_shows() }}, 'city',
            shows_of_all >= {{ least_shows() }}, 'all',
            null
        ) as basis,
        multiIf(basis = 'event', shows_of_event, basis = 'city', shows_of_city, shows_of_all) as basis_shows,
        multiIf(basis = 'event', growth_of_event, basis = 'city', growth_of_city, growth_of_all) as growth
    from taught
    where is_question

),

halls as (

    select
        show_id,
        toDate32(snapshot_date) as seen_on,
        tickets_total::Nullable(UInt64) as tickets_total
    from snapshots

),

asked as (

    select
        moments.*,
        halls.tickets_total as hall
    from moments
    asof left join halls
        on
            moments.show_id = halls.show_id
            and moments.known_date >= halls.seen_on
    -- there is no forecast where nothing was sold, and of nothing no error can be told
    where
        moments.tickets_known > 0
        and moments.tickets_at_end > 0

),

expected as (

    select
        *,
        tickets_known * growth as by_growth,
        (toInt64(tickets_known) - toInt64(tickets_week_before)) / 7 as sold_a_day,
        tickets_known + sold_a_day * dateDiff('day', known_date, end_date) as by_pace
    from asked
    inner join chosen using (show_id, days_before)
    where basis is not null

),

final as (

    select
        show_id,
        event_id,
        days_before,
        known_date,
        tickets_known,
        assumeNotNull(basis) as basis,
        basis_shows,
        {{ possible_tickets('by_growth', 'tickets_known', 'hall') }} as forecast_tickets,
        {{ possible_tickets('by_pace', 'tickets_known', 'hall') }} as pace_tickets,
        tickets_at_end as final_tickets
    from expected

)

select * from final
