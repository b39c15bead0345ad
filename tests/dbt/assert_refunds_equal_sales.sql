-- Guards conservation: over all time, by event and currency, what was paid back by the day of paying back equals what was paid
-- back by the day of the sale.
{{ blocks_nothing() }}

with

cells as (

    select
        event_id,
        city,
        currency,
        tickets_refunded::Int64 as tickets,
        refunded_amount::Decimal(38, 2) as amount,
        'refund' as day_of
    from {{ ref('fact_qtickets_refunds_daily') }}

    union all

    select
        event_id,
        city,
        currency,
        tickets_refunded::Int64,
        refunded_amount::Decimal(38, 2),
        'sale'
    from {{ ref('fact_qtickets_sales_daily') }}

)

select
    event_id,
    city,
    currency,
    sumIf(tickets, day_of = 'refund') as tickets_by_refund,
    sumIf(tickets, day_of = 'sale') as tickets_by_sale,
    sumIf(amount, day_of = 'refund') as amount_by_refund,
    sumIf(amount, day_of = 'sale') as amount_by_sale
from cells
group by
    event_id,
    city,
    currency
having (tickets_by_refund, amount_by_refund) != (tickets_by_sale, amount_by_sale)
