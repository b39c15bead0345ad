-- One row is a source with its campaign, and a currency, of the last 14 days. After the eight that sold most, the rest
-- is one source: place 9, without a name.
with

by_source as (

    select
        utm_source,
        utm_campaign,
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue
    from v_qtickets_sales_utm_daily
    where
        sales_date > {today:Date} - 14
        and sales_date <= {today:Date}
    group by
        utm_source,
        utm_campaign,
        currency

),

with_tickets as (

    select
        utm_source,
        utm_campaign,
        currency,
        sold,
        sum_revenue,
        sum(sold) over (partition by utm_source, utm_campaign) as tickets_of_source
    from by_source

),

placed as (

    select
        utm_source,
        utm_campaign,
        currency,
        sold,
        sum_revenue,
        least(dense_rank() over (order by tickets_of_source desc, utm_source, utm_campaign), 9) as place
    from with_tickets

),

named as (

    select
        place,
        if(place = 9, '', utm_source) as source_name,
        if(place = 9, '', utm_campaign) as campaign_name,
        currency,
        sum(sold) as sold_at_place,
        sum(sum_revenue) as revenue_at_place
    from placed
    group by
        place,
        source_name,
        campaign_name,
        currency

),

final as (

    select
        place,
        source_name as utm_source,
        campaign_name as utm_campaign,
        currency,
        revenue_at_place as revenue,
        sum(sold_at_place) over (partition by place) as tickets_of_place,
        sum(sold_at_place) over (partition by currency) as tickets_of_currency
    from named

)

select * from final
order by
    place,
    tickets_of_currency desc,
    currency
