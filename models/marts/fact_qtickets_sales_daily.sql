-- Dashboards ask for days first, then for an event or a city. Rebuilt whole and swapped in one step: a refund
-- reaches back months, and a day that lost its last sale must lose its row.
{{ config(order_by=['sales_date', 'event_id', 'city', 'currency']) }}

with

sales as (

    select
        sales_date,
        event_id,
        city,
        currency,
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
        sumIf(quantity, not is_refunded) as tickets_sold,
        sumIf(quantity, is_refunded) as tickets_refunded,
        sum(gross_amount) as sum_gross,
        sum(paid_back_amount) as sum_paid_back
    from sales
    group by
        sales_date,
        event_id,
        city,
        currency

),

final as (

    select
        sales_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        tickets_sold,
        tickets_refunded,
        sum_gross::Decimal(18, 2) as gross_revenue,
        sum_paid_back::Decimal(18, 2) as refunded_amount,
        (sum_gross - sum_paid_back)::Decimal(18, 2) as revenue
    from daily

)

select * from final
