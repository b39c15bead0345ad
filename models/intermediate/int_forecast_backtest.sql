-- The forecast of each finished show, made over again as it would have been made before it: from the sales seen by then and
-- from shows that had ended by then. A table: computed once, for v_forecast_accuracy.
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
    array join [28, 14, 7, 3, 1]::Array(Int32) as days_before
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
    where days_before_show in (28, 14, 7, 3, 1)

),

-- Each window has all that happened by the end of the day, of the same event, of the same city, of all.
taught as (

    select
        show_id,
        days_before,
        is_question,
        count(growth) over of_event as shows_of_event,
        quantileExactInclusive(0.5)(growth) over of_event as growth_of_event,
        if(city = 'unknown', 0, count(growth) over of_city) as shows_of_city,
        quantileExactInclusive(0.5)(growth) over of_city as growth_of_city,
        count(growth) over of_all as shows_of_all,
        quantileExactInclusive(0.5)(growth) over of_all as growth_of_all
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
        multiIf(basis = 'event', shows_of_event, basis = 'city', shows_of_city, basis = 'all', shows_of_all, 0) as basis_shows,
        multiIf(basis = 'event', growth_of_event, basis = 'city', growth_of_city, basis = 'all', growth_of_all, null) as growth
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
        moments.show_id as show_id,
        moments.event_id as event_id,
        moments.days_before as days_before,
        moments.known_date as known_date,
        moments.tickets_known as tickets_known,
        moments.tickets_week_before as tickets_week_before,
        moments.tickets_at_end as tickets_at_end,
        dateDiff('day', moments.known_date, moments.end_date) as days_left,
        halls.tickets_total as hall
    from moments
    asof left join halls
        on moments.show_id = halls.show_id
        and moments.known_date >= halls.seen_on

),

final as (

    select
        asked.show_id as show_id,
        asked.event_id as event_id,
        asked.days_before as days_before,
        asked.known_date as known_date,
        asked.tickets_known as tickets_known,
        assumeNotNull(chosen.basis) as basis,
        chosen.basis_shows as basis_shows,
        {{ possible_tickets('asked.tickets_known * chosen.growth', 'asked.tickets_known', 'asked.hall') }} as forecast_tickets,
        {{ possible_tickets(
            'asked.tickets_known + (toInt64(asked.tickets_known) - toInt64(asked.tickets_week_before)) / 7 * asked.days_left',
            'asked.tickets_known',
            'asked.hall',
        ) }} as pace_tickets,
        asked.tickets_at_end as final_tickets
    from asked
    inner join chosen on asked.show_id = chosen.show_id and asked.days_before = chosen.days_before
    -- there was no forecast where nothing had been sold or too little was known, and of nothing no error can be told
    where
        asked.tickets_known > 0
        and asked.tickets_at_end > 0
        and chosen.basis is not null

)

select * from final
