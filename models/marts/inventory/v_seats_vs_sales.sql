{{ config(materialized='view') }}

with

shows as (

    select * from {{ ref('fact_qtickets_inventory_by_show') }}

),

final as (

    select
        show_id,
        event_id,
        event_name,
        city,
        starts_at,
        tickets_sold,
        tickets_paid_in_hall,
        tickets_total - tickets_left as tickets_taken,
        (tickets_paid_in_hall - tickets_sold - tickets_in_season)::Nullable(Int64) as tickets_unexplained,
        snapshot_at,
        tickets_in_season
    from shows

)

select * from final
