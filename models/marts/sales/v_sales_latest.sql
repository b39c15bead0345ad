{{ config(materialized='view') }}

with

sales as (

    select * from {{ ref('fact_qtickets_sales_daily') }}
    where
        sales_date > {{ report_today() }} - 14
        and sales_date <= {{ report_today() }}

),

-- An event with nothing to come has no row here: these columns can hold a null, and do then.
inventory as (

    select * from {{ ref('fact_qtickets_inventory_latest') }}

),

final as (

    select
        sales.sales_date as sales_date,
        sales.event_id as event_id,
        sales.event_name as event_name,
        sales.city as city,
        sales.currency as currency,
        sales.tickets_sold as tickets_sold,
        sales.tickets_refunded as tickets_refunded,
        sales.gross_revenue as gross_revenue,
        sales.refunded_amount as refunded_amount,
        sales.revenue as revenue,
        inventory.tickets_total as tickets_total,
        inventory.tickets_left as tickets_left,
        inventory.snapshot_at as inventory_snapshot_at,
        sales.orders as orders,
        sales.tickets_free as tickets_free,
        {{ average_price('sales.gross_revenue', 'sales.tickets_sold + sales.tickets_refunded - sales.tickets_free') }}
            as average_price
    from sales
    left join inventory on sales.event_id = inventory.event_id

)

select * from final
