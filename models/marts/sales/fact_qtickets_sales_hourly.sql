-- When people buy: the daily fact, divided by the hour of the day. Rebuilt whole, as that one is.
{{ config(order_by=['sales_date', 'sales_hour', 'event_id', 'city', 'currency']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

hourly as (

    select
        sales_date,
        toHour(toTimeZone(sold_at, '{{ var("report_timezone") }}')) as sales_hour,
        event_id,
        any(event_name) as event_name,
        city,
        currency,
        uniqExact(order_id) as orders,
        sumIf(quantity, not is_refunded) as tickets_sold,
        sumIf(quantity, not is_refunded and gross_amount = 0) as tickets_free,
        sumIf(quantity, is_refunded) as tickets_refunded,
        sum(gross_amount) as sum_gross,
        sum(paid_back_amount) as sum_paid_back
    from sales
    group by
        sales_date,
        sales_hour,
        event_id,
        city,
        currency

),

final as (

    select
        sales_date,
        sales_hour,
        event_id,
        event_name,
        city,
        currency::LowCardinality(String) as currency,
        orders,
        tickets_sold,
        tickets_free,
        tickets_refunded,
        sum_gross::Decimal(18, 2) as gross_revenue,
        sum_paid_back::Decimal(18, 2) as refunded_amount,
        (sum_gross - sum_paid_back)::Decimal(18, 2) as revenue
    from hourly

)

select * from final
