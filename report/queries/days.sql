-- One row is a day and a currency of the last 14 days; a day that sold nothing has no row.
with

daily as (

    select
        sales_date,
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue
    from fact_qtickets_sales_daily
    where
        sales_date > {today:Date} - 14
        and sales_date <= {today:Date}
    group by
        sales_date,
        currency

),

final as (

    select
        sales_date as day,
        currency,
        sum_revenue as revenue,
        sum(sold) over (partition by sales_date) as tickets_of_day
    from daily

)

select * from final
order by
    day,
    currency
