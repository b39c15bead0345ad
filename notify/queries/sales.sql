-- One row is a period and a currency in which something was sold: yesterday, the same weekday a week before, and the
-- month of yesterday up to it. Tickets of all currencies are added up beside them, money never is.
with

days as (

    select
        sales_date,
        currency,
        tickets_sold,
        revenue
    from fact_qtickets_sales_daily
    where
        sales_date >= least(toStartOfMonth({yesterday:Date}), {yesterday:Date} - 7)
        and sales_date <= {yesterday:Date}

),

periods as (

    select
        arrayJoin(
            arrayFilter(
                period -> period != '',
                [
                    if(sales_date = {yesterday:Date}, 'yesterday', ''),
                    if(sales_date = {yesterday:Date} - 7, 'week_before', ''),
                    if(sales_date >= toStartOfMonth({yesterday:Date}), 'month', '')
                ]
            )
        ) as period,
        currency,
        tickets_sold,
        revenue
    from days

),

summed as (

    select
        period,
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue
    from periods
    group by
        period,
        currency

),

final as (

    select
        period,
        currency,
        sum_revenue as revenue,
        sum(sold) over (partition by period) as tickets_of_period
    from summed

)

select * from final
order by
    period,
    revenue desc,
    currency
