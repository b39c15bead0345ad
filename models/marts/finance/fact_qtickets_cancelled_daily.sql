-- Paid and then cancelled: no sale, and not lost. Rebuilt whole, as the fact of sales is.
{{ config(order_by=['sales_date', 'event_id', 'city', 'currency']) }}

with

cancelled as (

    select * from {{ ref('int_tickets') }}
    where is_cancelled_paid

),

final as (

    select
        sales_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        any(event_name)::String as event_name,
        sum(quantity) as tickets_cancelled,
        sum(gross_amount)::Decimal(18, 2) as cancelled_amount,
        sum(paid_back_amount)::Decimal(18, 2) as refunded_amount,
        (sum(gross_amount) - sum(paid_back_amount))::Decimal(18, 2) as kept_amount
    from cancelled
    group by
        sales_date,
        event_id,
        city,
        currency

)

select * from final
