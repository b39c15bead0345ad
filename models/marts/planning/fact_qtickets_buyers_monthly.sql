-- Read by month and by event. Rebuilt whole: an order that is cancelled can make a later one its buyer's first.
{{ config(order_by=['sales_month', 'event_id', 'city']) }}

with

sales as (

    select
        sales_date,
        event_id,
        client_id,
        order_id
    from {{ ref('int_sold_tickets') }}

),

first_sales as (

    select
        client_id,
        min(sales_date) as first_date
    from sales
    where client_id != 0
    group by client_id

),

-- A buyer is new where the very first purchase was, that is in one month and, mostly, at one event.
purchases as (

    select
        sales.sales_date as sales_date,
        sales.event_id as event_id,
        sales.client_id as client_id,
        sales.order_id as order_id,
        sales.client_id != 0 and sales.sales_date = first_sales.first_date as is_first
    from sales
    left join first_sales on sales.client_id = first_sales.client_id

),

monthly as (

    select
        toStartOfMonth(sales_date) as sales_month,
        event_id,
        uniqExactIf(client_id, client_id != 0) as all_buyers,
        uniqExactIf(client_id, is_first) as first_buyers,
        uniqExactIf(order_id, client_id = 0) as orders_of_nobody
    from purchases
    group by
        sales_month,
        event_id

),

events as (

    select
        event_id,
        city
    from {{ ref('dim_events') }}

),

final as (

    select
        monthly.sales_month as sales_month,
        monthly.event_id as event_id,
        if(events.city = '', 'unknown', events.city)::LowCardinality(String) as city,
        monthly.all_buyers as buyers,
        monthly.first_buyers as new_buyers,
        (monthly.all_buyers - monthly.first_buyers)::UInt64 as returning_buyers,
        monthly.orders_of_nobody as orders_without_buyer
    from monthly
    left join events on monthly.event_id = events.event_id

)

select * from final
