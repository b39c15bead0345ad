{{ config(materialized='view') }}

with

sales as (

    select * from {{ ref('fact_qtickets_sales_daily') }}

),

refunds as (

    select * from {{ ref('fact_qtickets_refunds_daily') }}

),

both as (

    select
        sales_date as cash_date,
        event_id,
        event_name,
        city,
        currency,
        sales.tickets_sold + sales.tickets_refunded as tickets_paid,
        0 as tickets_refunded,
        gross_revenue,
        0::Decimal(18, 2) as refunded_amount,
        revenue
    from sales

    union all

    select
        refund_date,
        event_id,
        event_name,
        city,
        currency,
        0,
        tickets_refunded,
        0::Decimal(18, 2),
        refunded_amount,
        0::Decimal(18, 2)
    from refunds

),

final as (

    select
        cash_date,
        event_id,
        any(event_name) as event_name,
        city,
        currency,
        sum(both.tickets_paid) as tickets_paid,
        sum(both.tickets_refunded) as tickets_refunded,
        sum(both.gross_revenue)::Decimal(18, 2) as gross_revenue,
        sum(both.refunded_amount)::Decimal(18, 2) as refunded_amount,
        (sum(both.gross_revenue) - sum(both.refunded_amount))::Decimal(18, 2) as net_cash,
        sum(both.revenue)::Decimal(18, 2) as revenue
    from both
    group by
        cash_date,
        event_id,
        city,
        currency

)

select * from final
