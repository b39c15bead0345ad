-- Guards conservation: day by day and by city, all sales and the whole plan are in v_plan_vs_fact, once.

with

cells as (

    select
        sales_date,
        city,
        currency,
        tickets_sold::Int64 as tickets,
        revenue::Decimal(38, 2) as amount,
        0::Int64 as planned_tickets,
        0::Decimal(38, 2) as planned_amount,
        'source' as side
    from {{ ref('fact_qtickets_sales_daily') }}
    where sales_date <= {{ report_today() }}

    union all

    select
        plan_date,
        city,
        currency,
        0,
        0,
        planned_tickets,
        planned_revenue,
        'source'
    from {{ ref('fact_plan_sales_daily') }}

    union all

    select
        sales_date,
        city,
        currency,
        ifNull(tickets_sold, 0),
        ifNull(revenue, 0),
        ifNull(planned_tickets, 0),
        ifNull(planned_revenue, 0),
        'view'
    from {{ ref('v_plan_vs_fact') }}

)

select
    sales_date,
    city,
    currency,
    sumIf(tickets, side = 'source') as tickets_sold,
    sumIf(tickets, side = 'view') as tickets_shown,
    sumIf(amount, side = 'source') as revenue,
    sumIf(amount, side = 'view') as revenue_shown,
    sumIf(planned_tickets, side = 'source') as tickets_planned,
    sumIf(planned_tickets, side = 'view') as plan_shown,
    sumIf(planned_amount, side = 'source') as revenue_planned,
    sumIf(planned_amount, side = 'view') as revenue_plan_shown
from cells
group by
    sales_date,
    city,
    currency
having
    (tickets_sold, revenue, tickets_planned, revenue_planned)
    != (tickets_shown, revenue_shown, plan_shown, revenue_plan_shown)
