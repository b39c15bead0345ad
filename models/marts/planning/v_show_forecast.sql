-- One small row a show to come. A table, although BI reads it as a view: it is of the day on which the curve was made.
{{ config(materialized='table', order_by=['event_id', 'show_id']) }}

with

shows_to_come as (

    select * from {{ ref('fact_qtickets_inventory_by_show') }}

),

shows as (

    select * from {{ ref('dim_shows') }}

),

sales as (

    select * from {{ ref('fact_qtickets_sales_by_show_daily') }}

),

curve as (

    select * from {{ ref('fact_qtickets_sales_curve') }}

),

outcomes as (

    select * from {{ ref('int_show_outcomes') }}

),

accuracy as (

    select * from {{ ref('v_forecast_accuracy') }}

),

sold as (

    select
        show_id,
        sum(tickets_sold) as tickets_sold
    from sales
    where sales_date <= {{ report_today() }}
    group by show_id

),

-- Today is not over, and a finished show's day was: what is compared is what both had sold by the end of a day.
by_yesterday as (

    select
        show_id,
        days_before_show,
        sum(tickets_seen_then) as tickets
    from curve
    group by
        show_id,
        days_before_show

),

asked as (

    select
        shows_to_come.show_id as show_id,
        shows.event_id as event_id,
        shows.event_name as event_name,
        shows.city as city,
        shows.currency as currency,
        shows.starts_at as starts_at,
        shows.local_start as local_start,
        {{ days_before_show(report_today(), 'shows.show_date') }} as days_before,
        sold.tickets_sold as tickets_sold,
        shows_to_come.tickets_total as hall,
        shows_to_come.tickets_left as tickets_left,
        by_yesterday.days_before_show as full_days_before,
        by_yesterday.tickets as tickets_yesterday
    from shows_to_come
    inner join shows on shows_to_come.show_id = shows.show_id
    left join sold on shows_to_come.show_id = sold.show_id
    left join by_yesterday
        on
            shows_to_come.show_id = by_yesterday.show_id
            and {{ days_before_show(report_today(), 'shows.show_date') }} + 1 = by_yesterday.days_before_show

),

errors as (

    select groupArray((days_before, median_error)) as known
    from accuracy
    where median_error is not null

),

-- What finished shows teach, of each event, of each city and of all, with each number of days to go.
examples as (

    select
        basis,
        if(basis = 'event', event_id, 0) as basis_event_id,
        if(basis = 'city', city, '') as basis_city,
        days_before_show,
        count() as shows,
        {{ quartiles('growth') }} as growths,
        {{ quartiles('tickets') }} as usual
    from outcomes
    array join ['event', 'city', 'all'] as basis
    where
        growth is not null
        and not (basis = 'city' and city = 'unknown')
        and days_before_show in (select full_days_before from asked)
    group by
        basis,
        basis_event_id,
        basis_city,
        days_before_show
    having shows >= {{ least_shows() }}

),

chosen as (

    select
        asked.show_id as show_id,
        examples.basis as basis,
        examples.shows as shows,
        examples.growths as growths,
        examples.usual as usual
    from asked
    inner join examples on asked.full_days_before = examples.days_before_show
    where
        asked.tickets_yesterday > 0
        and examples.basis_event_id in (0, asked.event_id)
        and examples.basis_city in ('', asked.city)
    order by indexOf(['event', 'city', 'all'], basis)
    limit 1 by show_id

),

final as (

    select
        asked.show_id as show_id,
        asked.event_id as event_id,
        asked.event_name as event_name,
        asked.city as city,
        asked.currency as currency,
        asked.starts_at as starts_at,
        asked.local_start as local_start,
        asked.days_before as days_before_show,
        asked.tickets_sold as tickets_sold,
        asked.hall as tickets_total,
        {%- for name, place in [('forecast_tickets', 2), ('forecast_low', 1), ('forecast_high', 3)] %}
        {%- set expected = 'asked.tickets_yesterday * chosen.growths[' ~ place ~ ']' %}
        if(
            chosen.shows > 0,
            {{ possible_tickets(expected, 'asked.tickets_sold', 'asked.hall') }},
            null
        )::Nullable(UInt64) as {{ name }},
        {%- endfor %}
        nullIf(chosen.basis, '')::LowCardinality(Nullable(String)) as basis,
        chosen.shows as basis_shows,
        -- tickets of another event are sold in another hall: only growth can be compared with those
        if(basis = 'event', round(chosen.usual[2]), null)::Nullable(UInt64) as expected_tickets_now,
        multiIf(
            ifNull(basis, '') != 'event', null,
            asked.tickets_yesterday > chosen.usual[3], 'ahead',
            asked.tickets_yesterday < chosen.usual[1], 'behind',
            'on track'
        )::LowCardinality(Nullable(String)) as verdict,
        if(asked.tickets_left = 0, true, forecast_tickets >= asked.hall)::Nullable(Bool) as will_sell_out,
        -- at about as many days before; of two that are as near, the one further from the show
        if(
            forecast_tickets is null,
            null,
            tupleElement(
                arraySort(error -> (abs(error.1 - asked.full_days_before), -error.1), errors.known)[1],
                2
            )
        )::Nullable(Float64) as typical_error
    from asked
    left join chosen on asked.show_id = chosen.show_id
    cross join errors

)

select * from final
