-- One row is a period and a currency. Tickets of all currencies are added up beside them, money never is.
with

days as (

    select
        sales_date,
        currency,
        tickets_sold,
        tickets_refunded,
        revenue
    from fact_qtickets_sales_daily
    where
        sales_date > {today:Date} - 14
        and sales_date <= {today:Date}

),

periods as (

    select
        arrayJoin(
            multiIf(
                sales_date = {today:Date}, ['today', 'fortnight'],
                sales_date = {today:Date} - 1, ['yesterday', 'fortnight'],
                ['fortnight']
            )
        ) as period,
        currency,
        tickets_sold,
        tickets_refunded,
        revenue
    from days

),

summed as (

    select
        period,
        currency,
        sum(tickets_sold) as sold,
        sum(tickets_refunded) as refunded,
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
        sold as tickets_sold,
        sum_revenue as revenue,
        sum(sold) over (partition by period) as tickets_of_period,
        sum(refunded) over (partition by period) as refunded_of_period
    from summed

)

select * from final
order by
    period,
    tickets_sold desc,
    currency
