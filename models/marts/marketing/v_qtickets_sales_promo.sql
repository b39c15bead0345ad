-- All days: a promo code is judged by its whole life, and BI asks for the days that it shows.
{{ config(materialized='view') }}

with

sales as (

    select
        sales_date,
        event_id,
        city,
        currency,
        promo_code_id,
        discount_id,
        tickets_sold,
        tickets_refunded,
        gross_revenue,
        refunded_amount,
        revenue,
        gross_discount,
        discount_cost
    from {{ ref('fact_qtickets_sales_promo_daily') }}

),

events as (

    select
        event_id,
        event_name
    from {{ ref('dim_events') }}

),

promo_codes as (

    select
        promo_code_id,
        promo_code
    from {{ ref('dim_promo_codes') }}

),

discounts as (

    select
        discount_id,
        discount_name
    from {{ ref('dim_discounts') }}

),

final as (

    select
        sales.sales_date as sales_date,
        sales.event_id as event_id,
        events.event_name as event_name,
        sales.city as city,
        sales.currency as currency,
        sales.promo_code_id as promo_code_id,
        if(sales.promo_code_id = 0, '(none)', promo_codes.promo_code) as promo_code,
        sales.discount_id as discount_id,
        if(sales.discount_id = 0, '(none)', discounts.discount_name) as discount_name,
        sales.tickets_sold as tickets_sold,
        sales.tickets_refunded as tickets_refunded,
        sales.gross_revenue as gross_revenue,
        sales.refunded_amount as refunded_amount,
        sales.revenue as revenue,
        sales.gross_discount as gross_discount,
        sales.discount_cost as discount_cost
    from sales
    left join events on sales.event_id = events.event_id
    left join promo_codes on sales.promo_code_id = promo_codes.promo_code_id
    left join discounts on sales.discount_id = discounts.discount_id

)

select * from final
