-- Read by month and by event. Rebuilt whole: an order that is cancelled can make a later one its buyer's first.
{{ config(order_by=['sales_month', 'event_id', 'city']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

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
final as (

    select
        toStartOfMonth(sales.sales_date) as sales_month,
        sales.event_id as event_id,
        sales.city as city,
        uniqExactIf(sales.client_id, sales.client_id != 0) as buyers,
        uniqExactIf(sales.client_id, sales.client_id != 0 and sales.sales_date = first_sales.first_date) as new_buyers,
        (buyers - new_buyers)::UInt64 as returning_buyers,
        uniqExactIf(sales.order_id, sales.client_id = 0) as orders_without_buyer,
        any(sales.event_name)::String as event_name
    from sales
    left join first_sales on sales.client_id = first_sales.client_id
    group by
        sales_month,
        event_id,
        city

)

select * from final
