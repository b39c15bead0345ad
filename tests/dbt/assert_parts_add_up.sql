-- Guards conservation: seats by zone and price have the totals of their hall, where one unknown makes the sum unknown; arrivals are
-- all that was scanned, and no more than was valid; each order was paid, lapsed or is open. Fails with the show, or the event, and
-- both sides.

with

inventory as (

    select
        show_id,
        if(count() = count(tickets_total), sum(tickets_total), null) as parts_total,
        if(count() = count(tickets_left), sum(tickets_left), null) as parts_left
    from {{ ref('fact_qtickets_inventory_by_price') }}
    group by show_id

),

arrivals as (

    select
        show_id,
        sum(tickets_scanned) as parts_scanned
    from {{ ref('fact_qtickets_attendance_arrivals') }}
    group by show_id

)

select
    'seats' as what,
    shows.show_id as id,
    [toString(shows.tickets_total), toString(shows.tickets_left)] as whole,
    [toString(inventory.parts_total), toString(inventory.parts_left)] as parts
from {{ ref('fact_qtickets_inventory_by_show') }} as shows
left join inventory on shows.show_id = inventory.show_id
where whole != parts

union all

select
    'scans',
    shows.show_id,
    [toString(shows.tickets_scanned)] as whole,
    [toString(arrivals.parts_scanned)] as parts
from {{ ref('fact_qtickets_attendance_by_show') }} as shows
left join arrivals on shows.show_id = arrivals.show_id
where
    whole != parts
    or shows.tickets_scanned > shows.tickets_valid

union all

select
    'orders',
    event_id,
    [toString(orders_made), toString(amount_made)] as whole,
    [toString(orders_paid + orders_lapsed + orders_open), toString(amount_paid + amount_lapsed + amount_open)] as parts
from {{ ref('fact_qtickets_orders_daily') }}
where whole != parts
