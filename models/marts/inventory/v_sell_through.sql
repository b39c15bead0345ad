{{ config(materialized='view') }}

with

inventory as (

    select * from {{ ref('fact_qtickets_inventory_latest') }}

),

pace as (

    select * from {{ ref('fact_qtickets_pace_latest') }}

),

final as (

    select
        inventory.event_id as event_id,
        inventory.event_name as event_name,
        inventory.city as city,
        pace.first_show_at as first_show_at,
        pace.last_show_at as last_show_at,
        inventory.shows_to_come as shows_to_come,
        inventory.tickets_total as tickets_total,
        inventory.tickets_left as tickets_left,
        if(inventory.tickets_total > 0, round(1 - inventory.tickets_left / inventory.tickets_total, 4), null)
            as share_sold,
        pace.tickets_sold_7d as tickets_sold_7d,
        round(pace.tickets_sold_7d / 7, 2) as tickets_per_day_7d,
        multiIf(
            isNull(inventory.tickets_left), null,
            inventory.tickets_left = 0, 0,
            pace.tickets_sold_7d = 0, null,
            ceil(assumeNotNull(inventory.tickets_left) * 7 / pace.tickets_sold_7d)
        )::Nullable(UInt32) as days_to_sell_out,
        inventory.snapshot_at as inventory_snapshot_at
    from inventory
    left join pace on inventory.event_id = pace.event_id

)

select * from final
