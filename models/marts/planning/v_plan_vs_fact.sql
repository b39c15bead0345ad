{{ config(materialized='view') }}

with

plan as (

    select
        plan_date as sales_date,
        event_id,
        city,
        currency,
        planned_tickets,
        planned_revenue
    from {{ ref('fact_plan_sales_daily') }}

),

sales as (

    select
        sales_date,
        event_id,
        city,
        currency,
        tickets_sold,
        revenue
    from {{ ref('fact_qtickets_sales_daily') }}

),

events as (

    select
        event_id,
        event_name
    from {{ ref('dim_events') }}

),

-- Sales of an event without a plan of its own for that day belong to the plan of its city, if there is one. So each sale
-- is in one row, and each row of the plan too.
sales_by_plan as (

    select
        sales_date,
        if(
            (sales_date, event_id, city, currency) not in (select sales_date, event_id, city, currency from plan)
            and (sales_date, city, currency) in (select sales_date, city, currency from plan where event_id = 0),
            0,
            event_id
        )::UInt64 as plan_event_id,
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
        sales_date,
        event_id,
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
        compared.sales_date as sales_date,
        compared.event_id as event_id,
        multiIf(
            compared.event_id = 0 and compared.city != 'unknown', 'all other',
            -- an event only in the plan; null where whoever asks has join_use_nulls on
            ifNull(events.event_name, '') = '', 'unknown',
            events.event_name
        ) as event_name,
        compared.city as city,
        compared.currency as currency,
        compared.plan_tickets as planned_tickets,
        compared.fact_tickets as tickets_sold,
        compared.fact_tickets - compared.plan_tickets as tickets_difference,
        if(compared.plan_tickets > 0, round(100 * compared.fact_tickets / compared.plan_tickets, 1), null) as tickets_percent,
        compared.plan_revenue::Nullable(Decimal(18, 2)) as planned_revenue,
        compared.fact_revenue::Nullable(Decimal(18, 2)) as revenue,
        (compared.fact_revenue - compared.plan_revenue)::Nullable(Decimal(18, 2)) as revenue_difference,
        if(
            compared.plan_revenue > 0,
            round(100 * toFloat64(compared.fact_revenue) / toFloat64(compared.plan_revenue), 1),
            null
        ) as revenue_percent
    from compared
    left join events on compared.event_id = events.event_id

)

select * from final
