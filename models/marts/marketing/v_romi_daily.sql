{{ config(materialized='view') }}

with

days as (

    select * from {{ ref('fact_romi_daily') }}

),

final as (

    select
        spend_date,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_content,
        utm_term,
        channel,
        currency,
        spend,
        impressions,
        clicks,
        orders,
        tickets_sold,
        revenue,
        {%- for what, number in [('click', 'clicks'), ('ticket', 'tickets_sold'), ('order', 'orders')] %}
        {{ average_price('spend', 'if(spend = 0, 0, ' ~ number ~ ')') }} as cost_per_{{ what }},
        {%- endfor %}
        if(impressions > 0, round(100 * clicks / impressions, 2), null) as ctr,
        if(spend > 0, round(100 * toFloat64(revenue - spend) / toFloat64(spend), 1), null) as romi
    from days

)

select * from final
