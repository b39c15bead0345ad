-- Dashboards ask for days first, then for an event or a city. Rebuilt whole and swapped in one step: a refund
-- reaches back months, and a day that lost its last sale must lose its row.
{{ config(order_by=['sales_date', 'event_id', 'city', 'currency']) }}

with

sales as (

    select
        sales_date,
        event_id,
        currency,
        is_refunded,
        quantity,
        gross_amount,
        paid_back_amount
    from {{ ref('int_sold_tickets') }}

),

daily as (

    select
        sales_date,
        event_id,
        currency,
        sumIf(quantity, not is_refunded) as tickets_sold,
        sumIf(quantity, is_refunded) as tickets_refunded,
        sum(gross_amount) as gross_revenue,
        sum(paid_back_amount) as refunded_amount
    from sales
    group by
        sales_date,
        event_id,
        currency

),

events as (

    select
        event_id,
        city
    from {{ ref('dim_events') }}

),

final as (

    select
        daily.sales_date as sales_date,
        daily.event_id as event_id,
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,
        daily.currency::LowCardinality(String) as currency,
        daily.tickets_sold as tickets_sold,
        daily.tickets_refunded as tickets_refunded,
        daily.gross_revenue::Decimal(18, 2) as gross_revenue,
        daily.refunded_amount::Decimal(18, 2) as refunded_amount,
        (daily.gross_revenue - daily.refunded_amount)::Decimal(18, 2) as revenue
    from daily
    left join events on daily.event_id = events.event_id

)

select * from final
