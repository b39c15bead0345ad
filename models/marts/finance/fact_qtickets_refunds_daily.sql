-- Read by day, as the fact of sales is. Rebuilt whole: a refund can be withdrawn, and its ticket cancelled.
{{ config(order_by=['refund_date', 'event_id', 'city', 'currency']) }}

with

refunds as (

    select * from {{ ref('int_sold_tickets') }}
    where
        is_refunded
        or paid_back_amount != 0

),

final as (

    select
        -- paid back for a ticket that is still valid: when is not told, and the day of the sale is the only one that is known
        coalesce(refunds.refund_date, sales_date) as refund_date,
        event_id,
        city,
        currency::LowCardinality(String) as currency,
        sumIf(quantity, is_refunded) as tickets_refunded,
        sum(paid_back_amount)::Decimal(18, 2) as refunded_amount,
        sumIf(paid_back_amount, not is_refunded)::Decimal(18, 2) as undated_amount,
        sumIf(gross_amount - paid_back_amount, is_refunded)::Decimal(18, 2) as kept_amount,
        any(event_name)::String as event_name
    from refunds
    group by
        refund_date,
        event_id,
        city,
        currency

)

select * from final
