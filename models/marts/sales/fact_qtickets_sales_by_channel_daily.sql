-- The daily fact, divided by who sold, on which site, and how it was paid. Rebuilt whole, as that is.
{{ config(order_by=['sales_date', 'event_id', 'channel', 'site', 'payment_method']) }}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

-- An event names its ways of paying by number; words such as `card` are the service's own.
payment_methods as (

    select
        payment_type,
        any(payment_method) as method_name
    from {{ ref('payment_methods') }}
    group by payment_type

    union all

    select
        payment_id as payment_type,
        argMax(payment_name, _ver) as method_name
    from {{ ref('stg_qtickets_api__events') }}
    array join
        payment_ids as payment_id,
        payment_names as payment_name
    where payment_id not in (select payment_type from {{ ref('payment_methods') }})
    group by payment_id

),

final as (

    select
        sales.sales_date as sales_date,
        sales.event_id as event_id,
        any(sales.event_name)::String as event_name,
        sales.city as city,
        sales.currency::LowCardinality(String) as currency,
        sales.channel as channel,
        sales.site as site,
        multiIf(
            payment_methods.method_name != '', payment_methods.method_name,
            sales.payment_type_id != '', sales.payment_type_id::String,
            'unknown'
        )::LowCardinality(String) as payment_method,
        {{ sales_measures_and_orders() }},
        sum(sales.service_fee)::Decimal(18, 2) as service_fee
    from sales
    left join payment_methods on sales.payment_type_id = payment_methods.payment_type
    group by
        sales_date,
        event_id,
        city,
        currency,
        channel,
        site,
        payment_method

)

select * from final
