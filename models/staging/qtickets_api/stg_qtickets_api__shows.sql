with

events as (

    select * from {{ ref('stg_qtickets_api__events') }}
    where is_readable

),

final as (

    select
        show_id,
        event_id,
        scheme_id,
        is_active::Bool as is_active,
        (is_show_deleted or is_deleted)::Bool as is_deleted,
        price_from,
        price_to,
        sale_starts_at,
        sale_ends_at,
        opens_at,
        starts_at,
        -- an end before the start, as of a night typed on one day, is none
        if(finishes_at < starts_at, starts_at, coalesce(finishes_at, starts_at)) as ends_at
    from events
    array join
        show_ids as show_id,
        show_scheme_ids as scheme_id,
        show_is_active as is_active,
        show_is_deleted as is_show_deleted,
        show_prices_from as price_from,
        show_prices_to as price_to,
        show_sale_starts_at as sale_starts_at,
        show_sale_ends_at as sale_ends_at,
        show_opens_at as opens_at,
        show_starts_at as starts_at,
        show_finishes_at as finishes_at
    -- a show that moved to another event is there twice until the old event is read again
    order by _ver desc
    limit 1 by show_id

)

select * from final
