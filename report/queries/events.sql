-- One row is an event that has a page: with shows to come, or sold within 30 days. What is left is worth nothing that
-- can be named as soon as one price or quantity is not known.
with

sold as (

    select distinct event_id
    from fact_qtickets_sales_daily
    where sales_date > {today:Date} - 30

),

worth as (

    select
        event_id,
        if(countIf(isNull(left_value)) = 0, sum(left_value), null) as left_value
    from fact_qtickets_inventory_by_price
    group by event_id

),

final as (

    select
        events.event_id as event_id,
        events.event_name as event_name,
        events.city as city,
        events.place_name as place_name,
        events.currency as currency,
        selling.shows_to_come as shows_to_come,
        selling.tickets_total as tickets_total,
        selling.tickets_left as tickets_left,
        selling.share_sold as share_sold,
        selling.tickets_sold_7d as tickets_sold_7d,
        worth.left_value as left_value
    from dim_events as events
    left join v_sell_through as selling on events.event_id = selling.event_id
    left join worth on events.event_id = worth.event_id
    where
        selling.shows_to_come > 0
        or events.event_id in (select event_id from sold)

)

select * from final
