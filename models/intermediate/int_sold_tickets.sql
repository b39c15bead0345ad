-- What a sale is, decided once: every fact that counts sales reads this, so that their totals cannot differ.
with

tickets as (

    select
        ticket_id,
        order_id,
        client_id,
        show_id,
        event_id,
        currency,
        payed_at,
        order_created_at,
        quantity,
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

final as (

    select
        -- ids
        ticket_id,
        order_id,
        client_id,
        show_id,
        event_id,

        -- days; paid, but when is not said: a sale must not get lost, and the order was made shortly before
        {{ report_date("coalesce(payed_at, order_created_at, toDateTime64(0, 3, 'UTC'))") }} as sales_date,
        {{ report_date('refunded_at') }} as refund_date,

        -- numerics; when only the fact of a refund is known, everything but what was kept was paid back
        quantity,
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

)

select * from final
