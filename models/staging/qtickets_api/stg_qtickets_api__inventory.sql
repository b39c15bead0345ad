with

snapshots as (

    select
        show_id,
        event_id,
        snapshot_at,
        is_readable,
        entries,
        tickets_total,
        tickets_left
    from {{ ref('stg_qtickets_api__snapshots') }}

),

final as (

    select
        show_id,
        event_id,
        snapshot_at,
        is_readable,
        entries,
        tickets_total,
        tickets_left
    from snapshots
    order by snapshot_at desc
    limit 1 by show_id

)

select * from final
