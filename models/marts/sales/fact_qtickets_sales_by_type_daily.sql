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
        argMaxIf(ticket_type_name, (order_id, ticket_id), ticket_type_name != '') as last_name
    from sales
    group by
        event_id,
        ticket_type

),

final as (

    select
        sales.sales_date as sales_date,
        sales.event_id as event_id,
        any(sales.event_name)::String as event_name,
        sales.city as city,
        sales.currency::LowCardinality(String) as currency,
        sales.ticket_type as ticket_type,
        coalesce(nullIf(any(type_names.last_name), ''), sales.ticket_type)::LowCardinality(String) as ticket_type_name,
        sales.tariff as tariff,
        sales.price::Decimal(18, 2) as price,
        {{ sales_measures_and_orders() }}
    from sales
    left join type_names
        on
            sales.event_id = type_names.event_id
            and sales.ticket_type = type_names.ticket_type
    group by
        sales.sales_date,
        sales.event_id,
        sales.city,
        sales.currency,
        sales.ticket_type,
        sales.tariff,
        sales.price

)

select * from final
