-- The daily fact, divided by promo code and discount. Dashboards ask for days first. Rebuilt whole, as that is.
{{ config(order_by=['sales_date', 'event_id', 'promo_code_id', 'discount_id']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

promo_codes as (

    select * from {{ ref('dim_promo_codes') }}

),

discounts as (

    select * from {{ ref('dim_discounts') }}

),

daily as (

    select
        sales_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        promo_code_id,
        discount_id,
        {{ sales_measures() }},
        sum(full_amount - gross_amount)::Decimal(18, 2) as gross_discount,
        sumIf(full_amount - gross_amount, not is_refunded)::Decimal(18, 2) as discount_cost,
        any(event_name)::String as event_name,
        {{ order_measures() }}
    from sales
    group by
        sales_date,
        event_id,
        city,
        currency,
        promo_code_id,
        discount_id

),

final as (

    select
        daily.sales_date as sales_date,
        daily.event_id as event_id,
        daily.city as city,
        daily.currency as currency,
        daily.promo_code_id as promo_code_id,
        daily.discount_id as discount_id,
        daily.tickets_sold as tickets_sold,
        daily.tickets_refunded as tickets_refunded,
        daily.gross_revenue as gross_revenue,
        daily.refunded_amount as refunded_amount,
        daily.revenue as revenue,
        daily.gross_discount as gross_discount,
        daily.discount_cost as discount_cost,
        daily.event_name as event_name,
        if(daily.promo_code_id = 0, '(none)', promo_codes.promo_code) as promo_code,
        if(daily.discount_id = 0, '(none)', discounts.discount_name) as discount_name,
        daily.orders as orders,
        daily.tickets_free as tickets_free
    from daily
    left join promo_codes on daily.promo_code_id = promo_codes.promo_code_id
    left join discounts on daily.discount_id = discounts.discount_id

)

select * from final
