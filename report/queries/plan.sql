-- One row is an event (or the rest of a city) and a currency with a plan for days of this month up to today. Only days
-- that have a plan count, so that sales and plan are of the same days. What is furthest behind comes first.
with

planned as (

    select
        sales_date <= {today:Date} as is_due,
        event_id,
        event_name,
        city,
        currency,
        planned_tickets,
        planned_revenue,
        tickets_sold,
        revenue
    from v_plan_vs_fact
    where
        toStartOfMonth(sales_date) = toStartOfMonth({today:Date})
        and isNotNull(planned_tickets)

),

by_event as (

    select
        event_id,
        event_name,
        city,
        currency,
        countIf(is_due) as days_due,
        sumIf(assumeNotNull(planned_tickets), is_due) as plan_tickets,
        sumIf(ifNull(tickets_sold, 0), is_due) as sold,
        sumIf(assumeNotNull(planned_revenue), is_due) as plan_revenue,
        sumIf(ifNull(revenue, 0), is_due) as earned,
        sum(assumeNotNull(planned_tickets)) as month_tickets,
        sum(assumeNotNull(planned_revenue)) as month_revenue
    from planned
    group by
        event_id,
        event_name,
        city,
        currency

),

with_totals as (

    select
        event_id,
        event_name,
        city,
        currency,
        days_due,
        plan_tickets,
        sold,
        plan_revenue,
        earned,
        sum(plan_tickets) over (partition by currency) as plan_tickets_of_currency,
        sum(sold) over (partition by currency) as sold_of_currency,
        sum(plan_revenue) over (partition by currency) as plan_revenue_of_currency,
        sum(earned) over (partition by currency) as earned_of_currency,
        sum(month_tickets) over (partition by currency) as month_tickets_of_currency,
        sum(month_revenue) over (partition by currency) as month_revenue_of_currency
    from by_event

),

final as (

    select
        event_id,
        event_name,
        city,
        currency,
        plan_tickets as planned_tickets,
        sold as tickets_sold,
        sold - plan_tickets as tickets_difference,
        if(plan_tickets > 0, sold / plan_tickets, null) as tickets_share,
        plan_revenue as planned_revenue,
        earned as revenue,
        earned - plan_revenue as revenue_difference,
        if(plan_revenue > 0, toFloat64(earned) / toFloat64(plan_revenue), null) as revenue_share,
        plan_tickets_of_currency,
        sold_of_currency,
        if(plan_tickets_of_currency > 0, sold_of_currency / plan_tickets_of_currency, null)
            as tickets_share_of_currency,
        month_tickets_of_currency,
        plan_revenue_of_currency,
        earned_of_currency,
        if(plan_revenue_of_currency > 0, toFloat64(earned_of_currency) / toFloat64(plan_revenue_of_currency), null)
            as revenue_share_of_currency,
        month_revenue_of_currency
    from with_totals
    where days_due > 0

)

select * from final
order by
    sold_of_currency desc,
    currency,
    tickets_difference,
    event_name,
    event_id,
    city
