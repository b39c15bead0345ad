{{ config(materialized='view') }}

with

pulls as (

    select * from {{ ref('fact_qtickets_pulls') }}

),

outside as (

    select count() as orders_outside_tickets from {{ ref('fact_qtickets_orders_outside_tickets') }}

),

final as (

    select
        resource,

        -- fresh, at the moment of asking
        last_proven_at,
        -- the extractor's clock may be ahead of the server's
        if(
            last_proven_at > {{ current_instant() }},
            0,
            age('minute', last_proven_at, {{ current_instant() }})
        )::Nullable(UInt32) as minutes_since_proven,
        ifNull(minutes_since_proven < 60 * {{ var('freshness_warn_hours') }}, false)::Bool as is_fresh,

        -- complete, when this was built
        api_total,
        rows_landed,
        rows_missing,
        rows_surplus,
        ifNull(rows_missing <= {{ var('completeness_tolerance') }}, false)::Bool as is_complete,
        rows_unreadable,

        -- the newest run
        last_run_at,
        last_status,
        last_error,
        first_run_at,

        -- money that no ticket explains
        if(resource = 'orders', orders_outside_tickets, 0)::UInt64 as orders_outside_tickets,

        -- what the reports call today
        {{ report_today() }} as report_today
    from pulls
    cross join outside

)

select * from final
