with

events as (

    select
        event_id,
        is_deleted,
        show_ids,
        show_is_active,
        show_is_deleted,
        show_starts_at,
        show_finishes_at,
        _ver
    from {{ ref('stg_qtickets_api__events') }}
    where is_readable

),

shows as (

    select
        show_id,
        event_id,
        is_active::Bool as is_active,
        (is_show_deleted or is_deleted)::Bool as is_deleted,
        starts_at,
        coalesce(finishes_at, starts_at) as ends_at
    from events
    array join
        show_ids as show_id,
        show_is_active as is_active,
        show_is_deleted as is_show_deleted,
        show_starts_at as starts_at,
        show_finishes_at as finishes_at
    -- a show that moved to another event is there twice until the old event is read again
    order by _ver desc
    limit 1 by show_id

),

final as (

    select
        show_id,
        event_id,
        is_active,
        is_deleted,
        starts_at,
        ends_at
    from shows

)

select * from final
