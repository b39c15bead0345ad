-- The daily fact, divided by what kind of ticket it was and what it cost. Rebuilt whole, as that is.
{{ config(order_by=['sales_date', 'event_id', 'ticket_type', 'tariff', 'price']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

-- Of a type the name that was sold last: the slug stays when the organiser renames it.
type_names as (

    select
        event_id,
        ticket_type,
        argMaxIf(ticket_type_name, ticket_id, ticket_type_name != '') as last_name
    from sales
    group by
        event_id,
        ticket_type

),

daily as (

    select
        sales_date,
        event_id,
        any(event_name)::String as event_name,
        city,
        currency::LowCardinality(String) as currency,
        ticket_type,
        tariff,
        price::Decimal(18, 2) as price,
        {{ sales_measures_and_orders() }}
    from sales
    group by
        sales_date,
        event_id,
        city,
        currency,
        ticket_type,
        tariff,
        price

),

final as (

    select
        daily.*,
        coalesce(nullIf(type_names.last_name, ''), daily.ticket_type)::LowCardinality(String) as ticket_type_name
    from daily
    left join type_names
        on
            daily.event_id = type_names.event_id
            and daily.ticket_type = type_names.ticket_type

)

select * from final
