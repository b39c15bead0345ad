-- The seats of each show to come, divided by zone and price. A few rows a show.
{{ config(order_by=['event_id', 'show_id', 'zone']) }}

with

shows as (

    select * from {{ ref('fact_qtickets_inventory_by_show') }}

),

events as (

    select * from {{ ref('dim_events') }}

),

snapshots as (

    select * from {{ ref('stg_qtickets_api__inventory') }}

),

-- What seats cost in that name no currency.
currencies as (

    select
        shows.show_id as show_id,
        if(events.currency = '', 'unknown', events.currency)::String as event_currency
    from shows
    left join events on shows.event_id = events.event_id

),

-- A show without a snapshot, or without a seat in it, has one row: what is unknown is said, not left out.
parts as (

    select
        snapshots.show_id as show_id,
        any(notEmpty(zones)) as has_parts,
        part_zone,
        part_price,
        if(part_currency = '', event_currency, part_currency) as currency,
        if(countIf(isNull(part_total)) = 0, sum(part_total), null) as total,
        if(countIf(isNull(part_left)) = 0, sum(part_left), null) as left_over
    from snapshots
    left array join
        zones as part_zone,
        zone_prices as part_price,
        zone_currencies as part_currency,
        zone_totals as part_total,
        zone_lefts as part_left
    inner join currencies on snapshots.show_id = currencies.show_id
    group by
        show_id,
        part_zone,
        part_price,
        currency

),

final as (

    select
        shows.show_id as show_id,
        shows.event_id as event_id,
        shows.event_name as event_name,
        shows.city as city,
        shows.starts_at as starts_at,
        if(parts.part_zone = '', 'unknown', parts.part_zone)::LowCardinality(String) as zone,
        parts.part_price::Nullable(Decimal(18, 2)) as price,
        if(parts.currency = '', currencies.event_currency, parts.currency)::LowCardinality(String) as currency,
        if(parts.has_parts, parts.total, shows.tickets_total)::Nullable(UInt64) as tickets_total,
        if(parts.has_parts, parts.left_over, shows.tickets_left)::Nullable(UInt64) as tickets_left,
        -- of a hall that is sold out, nothing is left whatever it cost
        if(tickets_left = 0, 0, tickets_left * price)::Nullable(Decimal(18, 2)) as left_value
    from shows
    inner join currencies on shows.show_id = currencies.show_id
    left join parts on shows.show_id = parts.show_id

)

select * from final
