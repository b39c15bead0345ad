-- Every row of the plan is kept, wrong ones too: a test names those.
{{ config(order_by=['plan_date', 'event_id', 'city', 'currency']) }}

with

plan as (

    select * from {{ ref('stg_planning__plan_sales') }}

),

events as (

    select * from {{ ref('dim_events') }}
    where event_id != 0

),

final as (

    select
        plan.plan_date as plan_date,
        plan.event_id as event_id,
        -- an event is in the city that QTickets gives, whatever the plan says; else its plan and its sales would never meet
        multiIf(
            events.city != '', events.city::String,
            plan.city != '', plan.city,
            'unknown'
        )::LowCardinality(String) as city,
        if(plan.currency = '', 'unknown', plan.currency)::LowCardinality(String) as currency,
        sum(plan.planned_tickets)::Int64 as planned_tickets,
        sum(plan.planned_revenue)::Decimal(18, 2) as planned_revenue,
        count()::UInt32 as plan_rows,
        multiIf(
            plan.event_id = 0 and city != 'unknown', 'all other',
            any(events.event_name) = '', 'unknown',
            any(events.event_name)
        ) as event_name
    from plan
    left join events on plan.event_id = events.event_id
    group by
        plan_date,
        event_id,
        city,
        currency

)

select * from final
