-- What became of the orders made on a day. Rebuilt whole: an open one may still be paid or lapse. The newest version of an
-- order by a setting, since unit tests cannot read `final` from a subquery.
{{
    config(
        order_by=['order_date', 'event_id', 'utm_source'],
        query_settings={'final': 1},
    )
}}

with

orders as (

    select * from {{ ref('stg_qtickets_api__orders') }}
    where not is_tombstone

),

shows as (

    select * from {{ ref('stg_qtickets_api__shows') }}

),

events as (

    select * from {{ ref('dim_events') }}

),

-- An order is of one event here, that of its first ticket: it would count twice at two.
made as (

    select
        {{ report_date("coalesce(orders.created_at, orders.paid_at, toDateTime64(0, 3, 'UTC'))") }} as order_date,
        if(shows.event_id != 0, shows.event_id, orders.event_id) as made_for,
        if(orders.currency = '', 'unknown', orders.currency) as order_currency,
        if(orders.utm_source = '', '(none)', orders.utm_source) as source,
        multiIf(orders.is_paid, 'paid', orders.deleted_at is not null, 'lapsed', 'open') as state,
        ifNull(orders.price, arraySum((x, y) -> x * y, orders.ticket_prices, orders.ticket_quantities)) as amount,
        dateDiff('second', orders.created_at, orders.paid_at) as seconds_to_payment
    from orders
    left join shows on orders.ticket_show_ids[1] = shows.show_id

),

final as (

    select
        made.order_date as order_date,
        made.made_for as event_id,
        if(any(events.event_name) = '', 'unknown', any(events.event_name)) as event_name,
        if(any(events.city) = '', 'unknown', any(events.city))::LowCardinality(String) as city,
        made.order_currency::LowCardinality(String) as currency,
        made.source::LowCardinality(String) as utm_source,
        count() as orders_made,
        {%- for state in ['paid', 'lapsed', 'open'] %}
        countIf(state = '{{ state }}') as orders_{{ state }},
        {%- endfor %}
        sum(amount)::Decimal(18, 2) as amount_made,
        {%- for state in ['paid', 'lapsed', 'open'] %}
        sumIf(amount, state = '{{ state }}')::Decimal(18, 2) as amount_{{ state }},
        {%- endfor %}
        round(
            quantileExactInclusiveOrNullIf(0.5)(
                greatest(assumeNotNull(seconds_to_payment), 0),
                state = 'paid' and seconds_to_payment is not null
            ) / 60,
            3
        ) as median_minutes_to_payment
    from made
    left join events on made.made_for = events.event_id
    group by
        made.order_date,
        made.made_for,
        made.order_currency,
        made.source

)

select * from final
