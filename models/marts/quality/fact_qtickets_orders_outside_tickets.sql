-- One row an order, and none while all is well. The newest version of an order by a setting, since unit tests cannot read
-- `final` from a subquery.
{{
    config(
        order_by='order_id',
        query_settings={'final': 1},
    )
}}

with

orders as (

    select * from {{ ref('stg_qtickets_api__orders') }}
    where
        is_paid
        and not is_tombstone
        and deleted_at is null
        and price is not null

),

summed as (

    select
        *,
        arraySum((x, y) -> x * y, ticket_prices, ticket_quantities) as all_tickets,
        arraySum(
            (x, y, cancelled_at) -> if(cancelled_at is null, x * y, 0),
            ticket_prices,
            ticket_quantities,
            ticket_deleted_at
        ) as valid_tickets
    from orders

),

final as (

    select
        order_id,
        {{ report_date("coalesce(paid_at, created_at, toDateTime64(0, 3, 'UTC'))") }} as sales_date,
        if(summed.currency = '', 'unknown', summed.currency)::LowCardinality(String) as currency,
        assumeNotNull(price)::Decimal(18, 2) as order_amount,
        valid_tickets::Decimal(18, 2) as tickets_amount,
        (summed.service_fee + arraySum(ticket_service_fees))::Decimal(18, 2) as service_fee,
        (order_amount - valid_tickets)::Decimal(18, 2) as outside_amount
    from summed
    -- whether a ticket cancelled alone lowers the price of its order is not documented
    where price not in (valid_tickets, all_tickets)

)

select * from final
