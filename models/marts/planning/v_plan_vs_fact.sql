{{ config(materialized='view') }}

with

plan as (

    select * from {{ ref('fact_plan_sales_daily') }}

),

sales as (

    select * from {{ ref('fact_qtickets_sales_daily') }}

),

-- Sales of an event without a plan of its own for that day belong to the plan of its city, if there is one. So each sale
-- is in one row, and each row of the plan too.
sales_by_plan as (

    select
        sales_date,
        if(
            (sales_date, event_id, city, currency) not in (select plan_date, event_id, city, currency from plan)
            and (sales_date, city, currency) in (select plan_date, city, currency from plan where event_id = 0),
            0,
            event_id
        )::UInt64 as plan_event_id,
        if(plan_event_id = 0 and city != 'unknown', 'all other', any(event_name)) as plan_event_name,
        city,
        currency,
        sum(tickets_sold)::Int64 as sold,
        sum(revenue)::Decimal(18, 2) as earned
    from sales
    group by
        sales_date,
        plan_event_id,
        city,
        currency

),

both as (

    select
        plan_date as sales_date,
        event_id,
        event_name,
        city,
        currency,
        toNullable(planned_tickets) as tickets_planned,
        toNullable(planned_revenue) as revenue_planned,
        0::Int64 as sold,
        0::Decimal(18, 2) as earned
    from plan

    union all

    select
        sales_date,
        plan_event_id,
        plan_event_name,
        city,
        currency,
        null,
        null,
        sold,
        earned
    from sales_by_plan

),

-- A sum of nulls alone is null: no plan. A day to come is not behind its plan yet.
compared as (

    select
        sales_date,
        event_id,
        any(event_name) as event_name,
        city,
        currency,
        sum(tickets_planned) as plan_tickets,
        sum(revenue_planned) as plan_revenue,
        if(sales_date > {{ report_today() }}, null, sum(sold)) as fact_tickets,
        if(sales_date > {{ report_today() }}, null, sum(earned)) as fact_revenue
    from both
    group by
        sales_date,
        event_id,
        city,
        currency

),

final as (

    select
        sales_date,
        event_id,
        event_name,
        city,
        currency,
        plan_tickets as planned_tickets,
        fact_tickets as tickets_sold,
        fact_tickets - plan_tickets as tickets_difference,
        if(plan_tickets > 0, round(100 * fact_tickets / plan_tickets, 1), null) as tickets_percent,
        plan_revenue::Nullable(Decimal(18, 2)) as planned_revenue,
        fact_revenue::Nullable(Decimal(18, 2)) as revenue,
        (fact_revenue - plan_revenue)::Nullable(Decimal(18, 2)) as revenue_difference,
        if(
            plan_revenue > 0,
            round(100 * toFloat64(fact_revenue) / toFloat64(plan_revenue), 1),
            null
        ) as revenue_percent
    from compared

)

select * from final
