-- Dashboards ask for days first, then for an event or a city. Rebuilt whole and swapped in one step: a refund
-- reaches back months, and a day that lost its last sale must lose its row.
{{ config(order_by=['sales_date', 'event_id', 'city', 'currency']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

final as (

    select
        sales_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        {{ sales_measures() }},
        any(event_name)::String as event_name,
        {{ order_measures() }}
    from sales
    group by
        sales_date,
        event_id,
        city,
        currency

)

select * from final
