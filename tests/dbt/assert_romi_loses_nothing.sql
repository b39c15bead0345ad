-- Guards conservation: whatever costs name, each day and currency has all sales of the daily fact and all costs, once. Fails with
-- the day and the sums of both.

with

sides as (

    select
        spend_date as day,
        currency as of_currency,
        spend,
        tickets_sold,
        revenue,
        1 as sign
    from {{ ref('v_romi_daily') }}

    union all

    select
        spend_date,
        if(currency = '', 'unknown', currency),
        spend,
        0,
        0,
        -1
    from {{ ref('stg_planning__ad_costs') }}

    union all

    select
        sales_date,
        currency,
        0,
        tickets_sold,
        revenue,
        -1
    from {{ ref('fact_qtickets_sales_daily') }}

)

select
    day,
    of_currency,
    sum(spend * sign) as spend_too_much,
    sum(tickets_sold::Int64 * sign) as tickets_too_many,
    sum(revenue * sign) as revenue_too_much
from sides
group by
    day,
    of_currency
having
    spend_too_much != 0
    or tickets_too_many != 0
    or revenue_too_much != 0
