-- Read by day, as the fact of sales is. Rebuilt whole: a refund can be withdrawn, and its ticket cancelled.
{{ config(order_by=['refund_date', 'event_id', 'city', 'currency']) }}

with

-- Paid back for a ticket that is still valid: when is not told, and the day of the sale is the only one that is known.
refunds as (

    select
        coalesce(refund_date, sales_date) as refund_date,
        event_id,
        currency,
        is_refunded,
        quantity,
        gross_amount,
        paid_back_amount
    from {{ ref('int_sold_tickets') }}
    where
        is_refunded
        or paid_back_amount != 0

),

daily as (

    select
        refund_date,
        event_id,
        currency,
        sumIf(quantity, is_refunded) as tickets,
        sumIf(gross_amount, is_refunded) as gross,
        sum(paid_back_amount) as paid_back,
        sumIf(paid_back_amount, not is_refunded) as paid_back_undated
    from refunds
    group by
        refund_date,
        event_id,
        currency

),

events as (

    select
        event_id,
        city
    from {{ ref('dim_events') }}

),

final as (

    select
        daily.refund_date as refund_date,
        daily.event_id as event_id,
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,
        daily.currency::LowCardinality(String) as currency,
        daily.tickets as tickets_refunded,
        daily.paid_back::Decimal(18, 2) as refunded_amount,
        daily.paid_back_undated::Decimal(18, 2) as undated_amount,
        (daily.gross - daily.paid_back + daily.paid_back_undated)::Decimal(18, 2) as kept_amount
    from daily
    left join events on daily.event_id = events.event_id

)

select * from final
