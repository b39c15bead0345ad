-- One row is a day, a city and a currency of the last 14 days. Cities that sell most come first.
with

daily as (

    select
        sales_date,
        city,
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue
    from fact_qtickets_sales_daily
    where
        sales_date > {today:Date} - 14
        and sales_date <= {today:Date}
    group by
        sales_date,
        city,
        currency

),

final as (

    select
        sales_date as day,
        city,
        currency,
        sold as tickets_sold,
        sum_revenue as revenue,
        sum(sold) over (partition by sales_date, city) as tickets_of_day,
        sum(sold) over (partition by city) as tickets_of_city
    from daily

)

select * from final
order by
    tickets_of_city desc,
    city,
    day desc,
    currency
