-- The daily fact, divided by where buyers came from. Dashboards ask for days first. Rebuilt whole, as that is.
{{ config(order_by=['sales_date', 'event_id', 'utm_source', 'utm_medium', 'utm_campaign']) }}

with

sales as (

    select
        sales_date,
        event_id,
        city,
        currency,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
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
        city,
        currency,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        sumIf(quantity, not is_refunded) as tickets_sold,
        sumIf(quantity, is_refunded) as tickets_refunded,
        sum(gross_amount) as sum_gross,
        sum(paid_back_amount) as sum_paid_back
    from sales
    group by
        sales_date,
        event_id,
        city,
        currency,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term

),

final as (

    select
        sales_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        if(utm_source = '', '(none)', utm_source)::LowCardinality(String) as utm_source,
        if(utm_medium = '', '(none)', utm_medium)::LowCardinality(String) as utm_medium,
        if(utm_campaign = '', '(none)', utm_campaign) as utm_campaign,
        if(utm_content = '', '(none)', utm_content) as utm_content,
        if(utm_term = '', '(none)', utm_term) as utm_term,
        tickets_sold,
        tickets_refunded,
        sum_gross::Decimal(18, 2) as gross_revenue,
        sum_paid_back::Decimal(18, 2) as refunded_amount,
        (sum_gross - sum_paid_back)::Decimal(18, 2) as revenue
    from daily

)

select * from final
