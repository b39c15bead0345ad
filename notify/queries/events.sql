-- One row is one of the five events, in a currency, that made most yesterday.
with

sales as (

    select
        event_id,
        currency,
        tickets_sold,
        revenue
    from fact_qtickets_sales_daily
    where sales_date = {yesterday:Date}

),

by_event as (

    select
        event_id,
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue
    from sales
    group by
        event_id,
        currency

),

final as (

    select
        by_event.event_id as event_id,
        dim_events.event_name as event_name,
        dim_events.city as city,
        by_event.currency as currency,
        by_event.sold as tickets_sold,
        by_event.sum_revenue as revenue,
        sum(by_event.sold) over (partition by by_event.currency) as sold_in_currency
    from by_event
    inner join dim_events on by_event.event_id = dim_events.event_id
    where by_event.sold > 0

)

-- money of two currencies cannot be compared: the currency with most tickets comes first
select * except (sold_in_currency)
from final
order by
    sold_in_currency desc,
    currency,
    revenue desc,
    tickets_sold desc,
    event_name,
    event_id
limit 5
