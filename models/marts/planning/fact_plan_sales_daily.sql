-- Every row of the plan is kept, wrong ones too: a test names those.
{{ config(order_by=['plan_date', 'event_id', 'city', 'currency']) }}

with

plan as (

    select
        plan_date,
        event_id,
        city,
        currency,
        planned_tickets,
        planned_revenue
    from {{ ref('stg_planning__plan_sales') }}

),

events as (

    select
        event_id,
        city
    from {{ ref('dim_events') }}
    where event_id != 0

),

-- An event is in the city that QTickets gives, whatever the plan says; else its plan and its sales would never meet.
named as (

    select
        plan.plan_date as plan_date,
        plan.event_id as event_id,
        multiIf(
            events.city != '', events.city::String,
            plan.city != '', plan.city,
            'unknown'
        ) as city_name,
        if(plan.currency = '', 'unknown', plan.currency) as currency_code,
        plan.planned_tickets as tickets,
        plan.planned_revenue as revenue
    from plan
    left join events on plan.event_id = events.event_id

),

final as (

    select
        plan_date,
        event_id,
        city_name::LowCardinality(String) as city,
        currency_code::LowCardinality(String) as currency,
        sum(tickets)::Int64 as planned_tickets,
        sum(revenue)::Decimal(18, 2) as planned_revenue,
        count()::UInt32 as plan_rows
    from named
    group by
        plan_date,
        event_id,
        city,
        currency

)

select * from final
