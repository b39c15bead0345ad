-- Guards conservation: tickets and money of the fact, day by day, against the orders added up on their own, without the joins,
-- macros and tables that are between. Catches whatever loses, doubles or shifts a sale on the way: a join, a version too many, a
-- day in another zone. The orders are added up as they were typed, since assert_orders_are_read_as_landed proves each of the same
-- orders equal to its payload, ticket by ticket: JSON is parsed once for both. Orders landed long ago are taken as
-- int_tickets has them, unless everything is read (see raw_check_since).
{{ blocks_nothing() }}

with

lately as (

    select order_id
    from {{ source('qtickets_api', 'stg_qtickets_api_orders_raw') }}
    where _landed_at >= {{ raw_check_since() }}

),

tickets as (

    select
        -- within what a Date can hold, as report_date() has it
        greatest(
            toDate32('1970-01-01'),
            least(
                toDate32(coalesce(paid_at, created_at, toDateTime64(0, 3, 'UTC')), '{{ var("report_timezone") }}'),
                toDate32('2149-06-06')
            )
        )::Date as sales_date,
        currency,
        ticket.1 as quantity,
        ticket.1 * ticket.2 as amount,
        ticket.4 is not null as is_refunded,
        ticket.5 as paid_back,
        ifNull(ticket.6, 0) as kept
    from {{ ref('stg_qtickets_api__orders') }} as orders final
    array join
        arrayZip(
            ticket_quantities,
            ticket_prices,
            ticket_deleted_at,
            ticket_refunded_at,
            ticket_refunded_amounts,
            ticket_refunded_deductions
        ) as ticket
    where
        order_id in (select order_id from lately)
        and is_paid
        and not is_tombstone
        and deleted_at is null
        and ticket.3 is null

),

cells as (

    select
        sales_date,
        currency::String as currency,
        if(is_refunded, 0, quantity)::Int64 as sold,
        if(is_refunded, quantity, 0)::Int64 as refunded,
        amount::Decimal(38, 2) as gross,
        multiIf(
            paid_back is not null, paid_back,
            is_refunded and amount > kept, amount - kept,
            0
        )::Decimal(38, 2) as paid_back_amount,
        'raw' as side
    from tickets

    union all

    select
        sales_date,
        if(currency = 'unknown', '', currency::String),
        if(is_refunded, 0, quantity)::Int64,
        if(is_refunded, quantity, 0)::Int64,
        gross_amount::Decimal(38, 2),
        paid_back_amount::Decimal(38, 2),
        'raw'
    from {{ ref('int_sold_tickets') }}
    where order_id not in (select order_id from lately)

    union all

    select
        sales_date,
        if(currency = 'unknown', '', currency::String),
        tickets_sold::Int64,
        tickets_refunded::Int64,
        gross_revenue::Decimal(38, 2),
        refunded_amount::Decimal(38, 2),
        'fact'
    from {{ ref('fact_qtickets_sales_daily') }}

)

select
    sales_date,
    currency,
    sumIf(sold, side = 'raw') as raw_sold,
    sumIf(sold, side = 'fact') as fact_sold,
    sumIf(refunded, side = 'raw') as raw_refunded,
    sumIf(refunded, side = 'fact') as fact_refunded,
    sumIf(gross, side = 'raw') as raw_gross,
    sumIf(gross, side = 'fact') as fact_gross,
    sumIf(gross - paid_back_amount, side = 'raw') as raw_revenue,
    sumIf(gross - paid_back_amount, side = 'fact') as fact_revenue
from cells
group by
    sales_date,
    currency
having (raw_sold, raw_refunded, raw_gross, raw_revenue) != (fact_sold, fact_refunded, fact_gross, fact_revenue)
