-- What a sale is, decided once: every fact that counts sales reads this, so that their totals cannot differ.
with

tickets as (

    select
        ticket_id,
        order_id,
        client_id,
        show_id,
        event_id,
        discount_id,
        promo_code_id,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        currency,
        payed_at,
        order_created_at,
        quantity,
        original_price,
        price,
        refunded_at,
        refunded_amount,
        refunded_deduction
    from {{ ref('stg_qtickets_api__tickets') }}
    where
        is_payed
        and order_deleted_at is null
        and not is_order_gone
        and ticket_deleted_at is null

),

events as (

    select
        event_id,
        city
    from {{ ref('stg_qtickets_api__events') }}
    where is_readable

),

final as (

    select
        -- ids
        ticket_id,
        order_id,
        client_id,
        show_id,
        tickets.event_id as event_id,
        discount_id,
        promo_code_id,

        -- where it was sold, and where the buyer came from; an event that is not there yet is nowhere
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,

        -- days; paid, but when is not said: a sale must not get lost, and the order was made shortly before
        {{ report_date("coalesce(payed_at, order_created_at, toDateTime64(0, 3, 'UTC'))") }} as sales_date,
        {{ report_date('refunded_at') }} as refund_date,

        -- numerics; when only the fact of a refund is known, everything but what was kept was paid back
        quantity,
        -- a price above the one before discount was raised by hand: that is no discount below nothing
        greatest(ifNull(original_price, price), price) * quantity as full_amount,
        price * quantity as gross_amount,
        multiIf(
            tickets.refunded_amount is not null, assumeNotNull(tickets.refunded_amount),
            is_refunded, greatest(gross_amount - ifNull(refunded_deduction, 0), 0),
            0
        ) as paid_back_amount,

        -- state
        if(currency = '', 'unknown', currency) as currency,
        refunded_at is not null as is_refunded
    from tickets
    left join events on tickets.event_id = events.event_id

)

select * from final
