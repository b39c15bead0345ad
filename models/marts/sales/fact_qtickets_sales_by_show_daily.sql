-- The daily fact, divided by show and rebuilt as it is. A day of which all tickets of a show were cancelled since has
-- a row.
{{ config(order_by=['sales_date', 'event_id', 'show_id', 'city', 'currency']) }}

with

tickets as (

    select * from {{ ref('int_tickets') }}
    where is_sold or is_cancelled_paid

),

shows as (

    select * from {{ ref('dim_shows') }}

),

by_show as (

    select
        sales_date,
        show_id,
        event_id,
        any(event_name) as event_name,
        city,
        currency,
        uniqExactIf(order_id, is_sold) as orders,
        sumIf(quantity, is_sold and not is_refunded) as tickets_sold,
        sumIf(quantity, is_sold and not is_refunded and gross_amount = 0) as tickets_free,
        sumIf(quantity, is_sold and is_refunded) as tickets_refunded,
        sumIf(gross_amount, is_sold) as sum_gross,
        sumIf(paid_back_amount, is_sold) as sum_paid_back,
        -- nobody says that the money of these went back
        sumIf(quantity, is_cancelled_paid and not is_refunded) as tickets_cancelled_paid,
        sumIf(gross_amount - paid_back_amount, is_cancelled_paid and not is_refunded) as sum_cancelled_paid
    from tickets
    group by
        sales_date,
        show_id,
        event_id,
        city,
        currency
    -- cancelled and paid back: nothing is left to say
    having orders > 0 or tickets_cancelled_paid > 0

),

final as (

    select
        by_show.sales_date as sales_date,
        by_show.show_id as show_id,
        by_show.event_id as event_id,
        by_show.event_name as event_name,
        by_show.city as city,
        by_show.currency::LowCardinality(String) as currency,
        {{ days_before_show('by_show.sales_date', 'shows.show_date') }} as days_before_show,
        by_show.orders as orders,
        by_show.tickets_sold as tickets_sold,
        by_show.tickets_free as tickets_free,
        by_show.tickets_refunded as tickets_refunded,
        by_show.sum_gross::Decimal(18, 2) as gross_revenue,
        by_show.sum_paid_back::Decimal(18, 2) as refunded_amount,
        (by_show.sum_gross - by_show.sum_paid_back)::Decimal(18, 2) as revenue,
        by_show.tickets_cancelled_paid as tickets_cancelled_paid,
        by_show.sum_cancelled_paid::Decimal(18, 2) as cancelled_paid_amount
    from by_show
    left join shows on by_show.show_id = shows.show_id

)

select * from final
