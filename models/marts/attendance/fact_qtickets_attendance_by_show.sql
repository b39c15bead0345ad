-- Who came. One small row a show, rebuilt whole: a scan changes a ticket months after it was sold.
{{ config(order_by=['event_id', 'show_id']) }}

with

tickets as (

    select * from {{ ref('int_sold_tickets') }}
    where not is_refunded

),

shows as (

    select * from {{ ref('dim_shows') }}

),

counted as (

    select
        show_id,
        sum(quantity) as valid,
        sumIf(quantity, scanned_at is not null) as scanned,
        min(scanned_at) as first_at,
        max(scanned_at) as last_at
    from tickets
    group by show_id

),

final as (

    select
        counted.show_id as show_id,
        shows.event_id as event_id,
        shows.event_name as event_name,
        shows.city as city,
        shows.starts_at as starts_at,
        counted.valid as tickets_valid,
        counted.scanned as tickets_scanned,
        -- nobody scanned: the doors were open, or it is yet to come; who is still to come has not stayed away
        if(
            counted.scanned > 0 and ifNull(shows.ends_at <= {{ report_instant() }}, false),
            round(1 - counted.scanned / counted.valid, 4),
            null
        )::Nullable(Float64) as no_show_share,
        counted.first_at as first_scan_at,
        counted.last_at as last_scan_at
    from counted
    inner join shows on counted.show_id = shows.show_id

)

select * from final
