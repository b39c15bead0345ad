-- One row is a currency of the days whose digests did not get through.
with

summed as (

    select
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue
    from fact_qtickets_sales_daily
    where
        sales_date >= {first:Date}
        and sales_date <= {last:Date}
    group by currency

),

final as (

    select
        currency,
        sum_revenue as revenue,
        sum(sold) over () as tickets_of_period
    from summed

)

select * from final
order by
    revenue desc,
    currency
