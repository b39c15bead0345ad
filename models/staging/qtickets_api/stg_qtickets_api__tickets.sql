-- The newest version of each order is chosen here, and whoever reads this view may forget that there are versions.
-- As a setting, since unit tests cannot read `final` from a subquery.
{{ config(query_settings={'final': 1}) }}

with

orders as (

    select
        order_id,
        event_id,
        client_id,
        discount_id,
        promo_code_id,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        currency,
        is_payed,
        is_gone,
        payed_at,
        created_at,
        deleted_at,
        ticket_ids,
        ticket_show_ids,
        ticket_quantities,
        ticket_original_prices,
        ticket_prices,
        ticket_deleted_at,
        ticket_refunded_at,
        ticket_refunded_amounts,
        ticket_refunded_deductions
    from {{ ref('stg_qtickets_api__orders') }}

),

tickets as (

    select
        order_id,
        event_id,
        client_id,
        discount_id,
        promo_code_id,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        currency,
        is_payed,
        is_gone,
        payed_at,
        created_at,
        deleted_at,
        ticket_id,
        show_id,
        quantity,
        original_price,
        price,
        ticket_deleted_at,
        refunded_at,
        refunded_amount,
        refunded_deduction
    from orders
    array join
        ticket_ids as ticket_id,
        ticket_show_ids as show_id,
        ticket_quantities as quantity,
        ticket_original_prices as original_price,
        ticket_prices as price,
        ticket_deleted_at as ticket_deleted_at,
        ticket_refunded_at as refunded_at,
        ticket_refunded_amounts as refunded_amount,
        ticket_refunded_deductions as refunded_deduction

),

shows as (

    select
        show_id,
        event_id
    from {{ ref('stg_qtickets_api__shows') }}

),

final as (

    select
        -- ids; no id is 0, so an unmatched show gives 0 and the order's event steps in
        tickets.ticket_id as ticket_id,
        tickets.order_id as order_id,
        tickets.client_id as client_id,
        tickets.show_id as show_id,
        if(shows.event_id != 0, shows.event_id, tickets.event_id) as event_id,
        tickets.discount_id as discount_id,
        tickets.promo_code_id as promo_code_id,

        -- where the buyer came from
        tickets.utm_source as utm_source,
        tickets.utm_medium as utm_medium,
        tickets.utm_campaign as utm_campaign,
        tickets.utm_content as utm_content,
        tickets.utm_term as utm_term,

        -- numerics
        tickets.quantity as quantity,
        tickets.original_price as original_price,
        tickets.price as price,
        tickets.refunded_amount as refunded_amount,
        tickets.refunded_deduction as refunded_deduction,

        -- state
        tickets.currency as currency,
        tickets.is_payed as is_payed,
        tickets.is_gone as is_order_gone,

        -- times
        tickets.created_at as order_created_at,
        tickets.payed_at as payed_at,
        tickets.deleted_at as order_deleted_at,
        tickets.ticket_deleted_at as ticket_deleted_at,
        tickets.refunded_at as refunded_at
    from tickets
    left join shows on tickets.show_id = shows.show_id

)

select * from final
