-- One row is an event, a zone, a price and a currency of its shows to come. One that is not known makes the sum so.
select
    event_id,
    zone,
    price,
    currency,
    if(countIf(isNull(seats.tickets_total)) = 0, sum(seats.tickets_total), null) as tickets_total,
    if(countIf(isNull(seats.tickets_left)) = 0, sum(seats.tickets_left), null) as tickets_left,
    if(countIf(isNull(seats.left_value)) = 0, sum(seats.left_value), null) as left_value
from fact_qtickets_inventory_by_price as seats
group by
    event_id,
    zone,
    price,
    currency
order by
    event_id,
    price desc,
    zone
