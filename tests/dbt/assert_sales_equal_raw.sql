-- Guards conservation: tickets and money of the fact, day by day, against the landed payloads added up on their
-- own, from the raw JSON and by other functions than staging uses. Catches whatever loses, doubles or shifts a
-- sale on the way: a join, a version too many, a day in another zone. Compared are the versions that staging
-- has read, since more may land while dbt runs; that it has read the newest is another test's. What landed long
-- ago is taken from staging, unless everything is read (see raw_check_since), and so is an order that cannot be read,
-- which assert_orders_can_be_read names.
{{ blocks_nothing() }}

with

lately as (

    select
        order_id,
        _ver
    from {{ source('qtickets_api', 'stg_qtickets_api_orders_raw') }}
    where _landed_at >= {{ raw_check_since() }}

),

compared as (

    select
        order_id,
        _ver
    from {{ ref('stg_qtickets_api__orders') }} as orders final
    where
        order_id in (select order_id from lately)
        and (order_id, _ver) in (select order_id, _ver from lately)
        and empty(unreadable_fields)

),

-- A batch that was sent twice is there twice until merged.
landed as (

    select
        order_id,
        payload,
        _deleted
    from {{ source('qtickets_api', 'stg_qtickets_api_orders_raw') }}
    where
        _landed_at >= {{ raw_check_since() }}
        and (order_id, _ver) in (select order_id, _ver from compared)
    limit 1 by order_id

),

-- Each value as text, whatever it is in JSON; null and missing are ''.
landed_orders as (

    select
        order_id,
        JSONExtract(
            payload,
            'Tuple(
                id String,
                payed String,
                payed_at String,
                created_at String,
                deleted_at String,
                currency_id String,
                baskets Array(Tuple(
                    quantity String,
                    price String,
                    deleted_at String,
                    refunded_at String,
                    refunded_amount String,
                    refunded_deduction_amount String
                ))
            )'
        ) as o
    from landed
    where
        _deleted = 0
        and o.id = toString(order_id)
        and o.payed in ('true', '1')
        and o.deleted_at = ''

),

landed_tickets as (

    select
        toDate(
            least(
                toDate32(
                    parseDateTime64BestEffortOrZero(
                        if(o.payed_at != '', o.payed_at, o.created_at),
                        3,
                        '{{ var("report_timezone") }}'
                    )
                ),
                toDate32('2149-06-06')
            )
        ) as sales_date,
        o.currency_id as currency,
        toUInt16OrZero(t.quantity) as quantity,
        t.refunded_at != '' as is_refunded,
        round(toDecimal64OrZero(t.price, 8), 2) * quantity as amount,
        t.refunded_amount as paid_back,
        round(toDecimal64OrZero(t.refunded_deduction_amount, 8), 2) as kept
    from landed_orders
    array join o.baskets as t
    where t.deleted_at = ''

),

cells as (

    select
        sales_date,
        currency,
        if(is_refunded, 0, quantity)::Int64 as sold,
        if(is_refunded, quantity, 0)::Int64 as refunded,
        amount::Decimal(38, 2) as gross,
        multiIf(
            paid_back != '', round(toDecimal64OrZero(paid_back, 8), 2),
            is_refunded and amount > kept, amount - kept,
            0
        )::Decimal(38, 2) as paid_back_amount,
        'raw' as side
    from landed_tickets

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
    where order_id not in (select order_id from compared)

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
