{{ config(materialized='view') }}

with

sales as (

    select
        event_id,
        city,
        currency,
        tickets_sold,
        tickets_refunded,
        gross_revenue,
        refunded_amount,
        revenue
    from {{ ref('fact_qtickets_sales_daily') }}
    where
        sales_date > {{ report_today() }} - 14
        and sales_date <= {{ report_today() }}

),

events as (

    select
        event_id,
        event_name
    from {{ ref('dim_events') }}

),

summed as (

    select
        event_id,
        city,
        currency,
        sum(tickets_sold) as sum_sold,
        sum(tickets_refunded) as sum_refunded,
        sum(gross_revenue) as sum_gross,
        sum(refunded_amount) as sum_paid_back,
        sum(revenue) as sum_revenue
    from sales
    group by
        event_id,
        city,
        currency

),

final as (

    select
        summed.event_id as event_id,
        events.event_name as event_name,
        summed.city as city,
        summed.currency as currency,
        summed.sum_sold as tickets_sold,
        summed.sum_refunded as tickets_refunded,
        summed.sum_gross::Decimal(18, 2) as gross_revenue,
        summed.sum_paid_back::Decimal(18, 2) as refunded_amount,
        summed.sum_revenue::Decimal(18, 2) as revenue
    from summed
    left join events on summed.event_id = events.event_id

)

select * from final
