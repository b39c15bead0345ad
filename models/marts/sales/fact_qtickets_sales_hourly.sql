-- When people buy: the daily fact, divided by the hour of the day. Rebuilt whole, as that one is.
{{ config(order_by=['sales_date', 'sales_hour', 'event_id', 'city', 'currency']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

final as (

    select
        sales_date,
        toHour(toTimeZone(sold_at, '{{ var("report_timezone") }}')) as sales_hour,
        event_id,
        any(event_name)::String as event_name,
        city,
        currency::LowCardinality(String) as currency,
        {{ sales_measures_and_orders() }}
    from sales
    group by
        sales_date,
        sales_hour,
        event_id,
        city,
        currency

)

select * from final
