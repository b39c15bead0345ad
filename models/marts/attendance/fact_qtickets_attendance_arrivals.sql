-- When people came to a show, by quarters of an hour. Rebuilt whole, as attendance by show is.
{{ config(order_by=['event_id', 'show_id', 'quarter_at']) }}

with

scans as (

    select * from {{ ref('int_sold_tickets') }}
    where
        not is_refunded
        and scanned_at is not null

),

shows as (

    select * from {{ ref('dim_shows') }}

),

final as (

    select
        scans.show_id as show_id,
        any(shows.event_id) as event_id,
        any(shows.event_name) as event_name,
        any(shows.city)::LowCardinality(String) as city,
        -- quarters of an hour are the same in every zone of whole quarters, and all of today's are
        toDateTime64(toStartOfInterval(assumeNotNull(scans.scanned_at), interval 15 minute), 3, 'UTC') as quarter_at,
        sum(scans.quantity) as tickets_scanned
    from scans
    inner join shows on scans.show_id = shows.show_id
    group by
        scans.show_id,
        quarter_at

)

select * from final
