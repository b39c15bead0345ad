-- The daily fact, divided by where buyers came from. Dashboards ask for days first. Rebuilt whole, as that is.
{{ config(order_by=['sales_date', 'event_id', 'utm_source', 'utm_medium', 'utm_campaign']) }}

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
        if(sales.utm_source = '', '(none)', sales.utm_source)::LowCardinality(String) as utm_source,
        if(sales.utm_medium = '', '(none)', sales.utm_medium)::LowCardinality(String) as utm_medium,
        if(sales.utm_campaign = '', '(none)', sales.utm_campaign) as utm_campaign,
        if(sales.utm_content = '', '(none)', sales.utm_content) as utm_content,
        if(sales.utm_term = '', '(none)', sales.utm_term) as utm_term,
        {{ sales_measures() }},
        any(event_name)::String as event_name,
        {{ order_measures() }}
    from sales
    group by
        sales_date,
        event_id,
        city,
        currency,
        sales.utm_source,
        sales.utm_medium,
        sales.utm_campaign,
        sales.utm_content,
        sales.utm_term

)

select * from final
