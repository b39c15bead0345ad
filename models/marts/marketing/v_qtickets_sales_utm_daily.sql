-- All days: a campaign is compared with that of a year ago, and BI asks for the days that it shows.
{{ config(materialized='view') }}

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
        tickets_sold,
        tickets_refunded,
        gross_revenue,
        refunded_amount,
        revenue
    from {{ ref('fact_qtickets_sales_utm_daily') }}

),

events as (

    select
        event_id,
        event_name
    from {{ ref('dim_events') }}

),

final as (

    select
        sales.sales_date as sales_date,
        sales.event_id as event_id,
        events.event_name as event_name,
        sales.city as city,
        sales.currency as currency,
        sales.utm_source as utm_source,
        sales.utm_medium as utm_medium,
        sales.utm_campaign as utm_campaign,
        sales.utm_content as utm_content,
        sales.utm_term as utm_term,
        sales.tickets_sold as tickets_sold,
        sales.tickets_refunded as tickets_refunded,
        sales.gross_revenue as gross_revenue,
        sales.refunded_amount as refunded_amount,
        sales.revenue as revenue
    from sales
    left join events on sales.event_id = events.event_id

)

select * from final
