-- One small row an event, read beside its inventory.
{{ config(order_by='event_id') }}

with

shows_to_come as (

    select * from {{ ref('fact_qtickets_inventory_by_show') }}

),

-- By show: what is sold for a show that is over by now empties no seat of those to come.
sales as (

    select
        show_id,
        sum(quantity) as tickets_sold
    from {{ ref('int_sold_tickets') }}
    where
        not is_refunded
        and sales_date >= {{ report_today() }} - 7
        and sales_date < {{ report_today() }}
    group by show_id

),

final as (

    select
        shows_to_come.event_id as event_id,
        min(shows_to_come.starts_at) as first_show_at,
        max(shows_to_come.starts_at) as last_show_at,
        sum(sales.tickets_sold)::UInt64 as tickets_sold_7d,
        any(shows_to_come.event_name) as event_name
    from shows_to_come
    left join sales on shows_to_come.show_id = sales.show_id
    group by event_id

)

select * from final
