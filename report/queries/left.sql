-- One row is an event with shows to come: what is left, and what becomes of it when it goes on selling as fast
-- as on the last 7 whole days. An exhibition's only show may have begun: then there is no day to count to.
with

pace as (

    select
        event_id,
        sum(tickets_sold) as sold_7d
    from fact_qtickets_sales_daily
    where
        sales_date >= {today:Date} - 7
        and sales_date < {today:Date}
    group by event_id

),

events as (

    select
        event_id,
        event_name,
        if(last_show_at > now(), toDate(last_show_at, {zone:String}), null) as last_day
    from dim_events

),

final as (

    select
        inventory.event_id as event_id,
        events.event_name as event_name,
        inventory.city as city,
        inventory.shows_to_come as shows_to_come,
        inventory.tickets_total as tickets_total,
        inventory.tickets_left as tickets_left,
        -- no row in pace is 0
        pace.sold_7d as sold_7d,
        events.last_day as last_day,
        dateDiff('day', {today:Date}, events.last_day)::Nullable(UInt32) as days_ahead,
        if(sold_7d > 0, ceil(7 * tickets_left / sold_7d), null)::Nullable(UInt32) as days_to_sell_out,
        if(isNull(days_ahead), null, least(intDiv(sold_7d * days_ahead, 7), tickets_left)) as tickets_expected,
        if(tickets_total > 0, 1 - tickets_left / tickets_total, null) as share_sold,
        if(tickets_total > 0, tickets_expected / tickets_total, null) as share_expected
    from fact_qtickets_inventory_latest as inventory
    inner join events on inventory.event_id = events.event_id
    left join pace on inventory.event_id = pace.event_id

)

select * from final
order by
    days_to_sell_out asc nulls last,
    share_sold desc nulls last,
    event_name,
    event_id
