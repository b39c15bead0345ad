-- The daily fact, divided by promo code and discount. Dashboards ask for days first. Rebuilt whole, as that is.
{{ config(order_by=['sales_date', 'event_id', 'promo_code_id', 'discount_id']) }}

with

sales as (

    select
        sales_date,
        event_id,
        city,
        currency,
        promo_code_id,
        discount_id,
        is_refunded,
        quantity,
        full_amount,
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
        promo_code_id,
        discount_id,
        sumIf(quantity, not is_refunded) as tickets_sold,
        sumIf(quantity, is_refunded) as tickets_refunded,
        sum(gross_amount) as sum_gross,
        sum(paid_back_amount) as sum_paid_back,
        sum(full_amount - gross_amount) as sum_discount,
        sumIf(full_amount - gross_amount, not is_refunded) as sum_discount_kept
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
        sales_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        promo_code_id,
        discount_id,
        tickets_sold,
        tickets_refunded,
        sum_gross::Decimal(18, 2) as gross_revenue,
        sum_paid_back::Decimal(18, 2) as refunded_amount,
        (sum_gross - sum_paid_back)::Decimal(18, 2) as revenue,
        sum_discount::Decimal(18, 2) as gross_discount,
        sum_discount_kept::Decimal(18, 2) as discount_cost
    from daily

)

select * from final
