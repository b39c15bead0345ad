{{ config(materialized='view') }}

with

sales as (

    select
        sales_date,
        event_id,
        city,
        currency,
        tickets_sold,
        tickets_refunded,
        gross_revenue,
        revenue
    from {{ ref('fact_qtickets_sales_daily') }}

),

refunds as (

    select
        refund_date,
        event_id,
        city,
        currency,
        tickets_refunded,
        refunded_amount
    from {{ ref('fact_qtickets_refunds_daily') }}

),

events as (

    select
        event_id,
        event_name
    from {{ ref('dim_events') }}

),

both as (

    select
        sales_date as cash_date,
        event_id,
        city,
        currency,
        tickets_sold + tickets_refunded as tickets_paid,
        0 as tickets_back,
        gross_revenue as paid,
        0::Decimal(18, 2) as paid_back,
        revenue as revenue_of_day
    from sales

    union all

    select
        refund_date,
        event_id,
        city,
        currency,
        0,
        tickets_refunded,
        0::Decimal(18, 2),
        refunded_amount,
        0::Decimal(18, 2)
    from refunds

),

summed as (

    select
        cash_date,
        event_id,
        city,
        currency,
        sum(tickets_paid) as sum_tickets_paid,
        sum(tickets_back) as sum_tickets_back,
        sum(paid) as sum_paid,
        sum(paid_back) as sum_paid_back,
        sum(revenue_of_day) as sum_revenue
    from both
    group by
        cash_date,
        event_id,
        city,
        currency

),

final as (

    select
        summed.cash_date as cash_date,
        summed.event_id as event_id,
        events.event_name as event_name,
        summed.city as city,
        summed.currency as currency,
        summed.sum_tickets_paid as tickets_paid,
        summed.sum_tickets_back as tickets_refunded,
        summed.sum_paid::Decimal(18, 2) as gross_revenue,
        summed.sum_paid_back::Decimal(18, 2) as refunded_amount,
        (summed.sum_paid - summed.sum_paid_back)::Decimal(18, 2) as net_cash,
        summed.sum_revenue::Decimal(18, 2) as revenue
    from summed
    left join events on summed.event_id = events.event_id

)

select * from final
