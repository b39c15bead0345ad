-- What a sale is, decided once and computed once a build: every fact that counts sales reads int_sold_tickets, so that their
-- totals cannot differ and none of them parses, merges or joins again. The newest version of each order is chosen here: as
-- a setting, since unit tests cannot read `final` from a subquery.
{{
    config(
        materialized='table',
        order_by=['is_sold', 'sales_date', 'event_id'],
        query_settings={'final': 1},
    )
}}

with

orders as (

    select * from {{ ref('stg_qtickets_api__orders') }}

),

shows as (

    select * from {{ ref('stg_qtickets_api__shows') }}

),

events as (

    select * from {{ ref('stg_qtickets_api__events') }}
    where is_readable

),

tickets as (

    select
        * except (price),
        ticket_id,
        show_id,
        -- `parter-3;7`, «Партер, ряд 3, место 7»; each spelling is looked at once, being LowCardinality
        seat_id,
        replaceRegexpOne(seat_id::LowCardinality(String), '^(.+)-[^;-]*;.*$', '\\1') as zone_id,
        replaceRegexpOne(
            seat_name::LowCardinality(String),
            '(?i)^(.+?)[,;]?\\s+(ряд|место|row|seat)\\s.*$',
            '\\1'
        ) as zone_name,
        ticket_tariff,
        quantity,
        original_price,
        ticket_price,
        ticket_fee,
        scanned_at,
        cancelled_at,
        refunded_at,
        refunded_amount,
        refunded_deduction
    from orders
    array join
        ticket_ids as ticket_id,
        ticket_show_ids as show_id,
        ticket_seat_ids as seat_id,
        ticket_seat_names as seat_name,
        ticket_multiprice_codes as ticket_tariff,
        ticket_quantities as quantity,
        ticket_original_prices as original_price,
        ticket_prices as ticket_price,
        ticket_fees as ticket_fee,
        ticket_checked_at as scanned_at,
        ticket_deleted_at as cancelled_at,
        ticket_refunded_at as refunded_at,
        ticket_refunded_amounts as refunded_amount,
        ticket_refunded_deductions as refunded_deduction

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

        -- an event that is not there yet has no name and is nowhere
        if(events.event_name = '', 'unknown', events.event_name)::LowCardinality(String) as event_name,
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,

        -- what kind of ticket it is: row and place go
        if(tickets.seat_id = '', 'unknown', tickets.zone_id)::LowCardinality(String) as ticket_type,
        {{ tidy_name('tickets.zone_name') }}::LowCardinality(String) as ticket_type_name,
        multiIf(
            tickets.ticket_tariff != '', tickets.ticket_tariff,
            tickets.multiprice_code != '', tickets.multiprice_code,
            '(none)'
        )::LowCardinality(String) as tariff,

        -- how it was sold
        if(tickets.backend_user_id = 0, 'online', 'cabinet')::LowCardinality(String) as channel,
        if(tickets.site_host = '', '(none)', tickets.site_host)::LowCardinality(String) as site,
        tickets.payment_type_id as payment_type_id,

        -- where the buyer came from
        tickets.utm_source as utm_source,
        tickets.utm_medium as utm_medium,
        tickets.utm_campaign as utm_campaign,
        tickets.utm_content as utm_content,
        tickets.utm_term as utm_term,

        -- days; paid, but when is not said: a sale must not get lost, and the order was made shortly before
        coalesce(tickets.paid_at, tickets.created_at, toDateTime64(0, 3, 'UTC')) as sold_at,
        {{ report_date('sold_at') }} as sales_date,
        {{ report_date('tickets.refunded_at') }} as refund_date,
        -- the first of the two that is given
        {{ report_date(
            'least(ifNull(tickets.deleted_at, cancelled_at), ifNull(cancelled_at, tickets.deleted_at))'
        ) }} as cancelled_date,

        -- numerics; when only the fact of a refund is known, everything but what was kept was paid back
        tickets.quantity as quantity,
        tickets.ticket_price as price,
        -- a price above the one before discount was raised by hand: that is no discount below nothing
        greatest(ifNull(tickets.original_price, ticket_price), ticket_price) * tickets.quantity as full_amount,
        ticket_price * tickets.quantity as gross_amount,
        ticket_fee * tickets.quantity as service_fee,
        multiIf(
            tickets.refunded_amount is not null, assumeNotNull(tickets.refunded_amount),
            is_refunded, greatest(gross_amount - ifNull(tickets.refunded_deduction, 0), 0),
            0
        ) as paid_back_amount,

        -- state
        if(tickets.currency = '', 'unknown', tickets.currency)::LowCardinality(String) as currency,
        (tickets.is_paid and not tickets.is_tombstone and isNull(coalesce(tickets.deleted_at, cancelled_at)))::Bool
            as is_sold,
        (tickets.is_paid and not tickets.is_tombstone and not is_sold)::Bool as is_cancelled_paid,
        (tickets.refunded_at is not null)::Bool as is_refunded,

        -- times
        tickets.scanned_at as scanned_at
    from tickets
    left join shows on tickets.show_id = shows.show_id
    left join events on if(shows.event_id != 0, shows.event_id, tickets.event_id) = events.event_id

)

select * from final
