-- One row is an event with buyers in this month. The same person may be a buyer of several: never added up.
select
    b.event_id as event_id,
    e.event_name as event_name,
    b.city as city,
    b.new_buyers as new_buyers,
    b.returning_buyers as returning_buyers,
    b.orders_without_buyer as orders_without_buyer
from fact_qtickets_buyers_monthly as b
inner join dim_events as e on b.event_id = e.event_id
where b.sales_month = toStartOfMonth({today:Date})
order by
    b.buyers desc,
    event_name,
    event_id
