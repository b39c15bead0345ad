with

snapshots as (

    select * from {{ ref('stg_qtickets_api__snapshots') }}

),

final as (

    select * except (snapshot_date)
    from snapshots
    order by snapshot_at desc
    limit 1 by show_id

)

select * from final
