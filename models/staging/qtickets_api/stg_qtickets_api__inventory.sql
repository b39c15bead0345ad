with

snapshots as (

    select * from {{ ref('stg_qtickets_api__snapshots') }}

),

final as (

    select * except (snapshot_date)
    from snapshots
    -- what a wrong clock took in the future would be the newest for as long as it was wrong
    where snapshot_at < {{ current_instant() }} + interval 1 hour
    order by snapshot_at desc
    limit 1 by show_id

)

select * from final
