-- One row is a period and a currency with a plan: yesterday, and the month of yesterday up to it. Only what has a plan
-- counts, so that sales and plan are of the same days and events.
with

planned as (

    select
        sales_date = {yesterday:Date} as is_yesterday,
        currency,
        planned_tickets,
        planned_revenue,
        tickets_sold,
        revenue
    from v_plan_vs_fact
    where
        sales_date >= toStartOfMonth({yesterday:Date})
        and sales_date <= {yesterday:Date}
        and isNotNull(planned_tickets)

),

periods as (

    select
        arrayJoin(if(is_yesterday, ['yesterday', 'month'], ['month'])) as period,
        currency,
        planned_tickets,
        planned_revenue,
        tickets_sold,
        revenue
    from planned

),

final as (

    select
        period,
        currency,
        sum(assumeNotNull(planned_tickets)) as tickets_planned,
        sum(ifNull(tickets_sold, 0)) as tickets_of_plan,
        sum(assumeNotNull(planned_revenue)) as revenue_planned,
        sum(ifNull(revenue, 0)) as revenue_of_plan
    from periods
    group by
        period,
        currency

)

select * from final
order by
    period,
    revenue_planned desc,
    currency
