-- Guards conservation within a show: seats by zone and price have the totals of the hall, where one unknown makes the sum unknown;
-- arrivals are all that was scanned. Fails with the show and both numbers.

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
    shows.show_id as show_id,
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
where whole != parts
