-- What was spent on advertising beside what was sold to those who came by it. Each cost and each sale is in exactly one row.
-- A table under the name of a view, as there is nobody else to read it. Rebuilt whole: costs are corrected, and sales are refunded.
{{ config(materialized='table', order_by=['spend_date', 'utm_source', 'utm_medium', 'utm_campaign']) }}

{%- set tags = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_content', 'utm_term'] %}

with

ad_costs as (

    select * from {{ ref('stg_planning__ad_costs') }}

),

sold_tickets as (

    select * from {{ ref('int_sold_tickets') }}

),

channels as (

    select
        lowerUTF8({{ tidy_name("ifNull(utm_source, '')") }}) as of_source,
        lowerUTF8({{ tidy_name("ifNull(utm_medium, '')") }}) as of_medium,
        any(channel) as channel
    from {{ ref('utm_channels') }}
    group by
        of_source,
        of_medium

),

channels_of_any_medium as (

    select * from channels
    where of_medium = ''

),

costs as (

    select
        spend_date,
        if(currency = '', 'unknown', currency) as cost_currency,
        -- which tags it names, as bits: 24 is source and medium
        (
            {%- for tag in tags %}
            {{ '+ ' if not loop.first }}if({{ tag }} = '', 0, {{ 2 ** loop.revindex0 }})
            {%- endfor %}
        )::UInt8 as named_tags,
        {{ tags | join(', ') }},
        sum(spend) as sum_spend,
        sum(impressions) as sum_impressions,
        sum(clicks) as sum_clicks
    from ad_costs
    group by
        spend_date,
        cost_currency,
        {{ tags | join(', ') }}

),

-- An order has one day and one set of tags, so orders add up over both.
sales as (

    select
        sales_date,
        currency as sale_currency,
        {{ tags | join(', ') }},
        uniqExact(order_id) as sum_orders,
        sumIf(quantity, not is_refunded) as sum_tickets,
        sum(gross_amount) - sum(paid_back_amount) as sum_revenue
    from sold_tickets
    group by
        sales_date,
        sale_currency,
        {{ tags | join(', ') }}

),

kinds as (

    select groupUniqArrayIf(named_tags, named_tags != 0) as named_by_some
    from costs

),

-- On other days, and in other currencies, no sale can be a cost's.
days_with_costs as (

    select distinct
        spend_date,
        cost_currency
    from costs

),

-- A sale with the tags that some cost names, and without the others; 255 is the sale as it is, should no cost have it.
-- Loops of Jinja are indented in ways that the linter does not follow.
-- noqa: disable=LT02
candidates as (

    select
        *,
        named
        {%- for tag in tags %},
        if(bitTest(named, {{ loop.revindex0 }}), {{ tag }}, '') as cost_{{ tag }}
        {%- endfor %}
    from sales
    array join arrayConcat((select named_by_some from kinds), [255::UInt8]) as named
    where (sales_date, sale_currency) in (select * from days_with_costs)

),

-- The cost that names most tags of a sale has it; of two that name as many, the one that names the earlier tags.
attributed as (

    select
        candidates.sales_date as sales_date,
        candidates.sale_currency as sale_currency,
        {%- for tag in tags %}
        candidates.cost_{{ tag }} as cost_{{ tag }},
        {%- endfor %}
        candidates.sum_orders as sum_orders,
        candidates.sum_tickets as sum_tickets,
        candidates.sum_revenue as sum_revenue
    from candidates
    left join costs
        on
            candidates.sales_date = costs.spend_date
            and candidates.sale_currency = costs.cost_currency
            and candidates.named = costs.named_tags
        {%- for tag in tags %}
            and candidates.cost_{{ tag }} = costs.{{ tag }}
        {%- endfor %}
    where candidates.named in (255, costs.named_tags)
    order by
        candidates.named = 255,
        bitCount(candidates.named) desc,
        candidates.named desc
    limit 1 by
        candidates.sales_date,
        candidates.sale_currency,
        {%- for tag in tags %}
        candidates.{{ tag }}{{ ',' if not loop.last }}
        {%- endfor %}

),

both as (

    select
        spend_date,
        cost_currency as one_currency,
        {{ tags | join(', ') }},
        sum_spend,
        sum_impressions,
        sum_clicks,
        0::UInt64 as sum_orders,
        0::UInt64 as sum_tickets,
        0::Decimal(38, 2) as sum_revenue
    from costs

    union all

    select
        sales_date,
        sale_currency,
        cost_{{ tags | join(', cost_') }},
        0,
        0,
        0,
        sum_orders,
        sum_tickets,
        sum_revenue
    from attributed

),

summed as (

    select
        spend_date,
        one_currency,
        {{ tags | join(', ') }},
        sum(sum_spend) as spend,
        sum(sum_impressions) as impressions,
        sum(sum_clicks) as clicks,
        sum(sum_orders) as orders,
        sum(sum_tickets) as tickets_sold,
        sum(sum_revenue) as revenue
    from both
    group by
        spend_date,
        one_currency,
        {{ tags | join(', ') }}

    union all

    select
        sales_date,
        sale_currency,
        {{ tags | join(', ') }},
        0,
        0,
        0,
        sum_orders,
        sum_tickets,
        sum_revenue
    from sales
    where (sales_date, sale_currency) not in (select * from days_with_costs)

),

named as (

    select
        summed.spend_date as spend_date,
        {%- for tag in tags %}
        if(summed.{{ tag }} = '', '(none)', summed.{{ tag }})
            ::{{ 'LowCardinality(String)' if loop.index <= 2 else 'String' }} as {{ tag }},
        {%- endfor %}
        multiIf(
            channels.channel != '', channels.channel,
            channels_of_any_medium.channel != '', channels_of_any_medium.channel,
            summed.utm_source = '' and summed.utm_medium = '', '(none)',
            'unknown'
        )::LowCardinality(String) as channel,
        summed.one_currency::LowCardinality(String) as currency,
        summed.spend::Decimal(18, 2) as spend,
        summed.impressions::Int64 as impressions,
        summed.clicks::Int64 as clicks,
        summed.orders::UInt64 as orders,
        summed.tickets_sold::UInt64 as tickets_sold,
        summed.revenue::Decimal(18, 2) as revenue
    from summed
    left join channels
        on
            summed.utm_source = channels.of_source
            and summed.utm_medium = channels.of_medium
    left join channels_of_any_medium on summed.utm_source = channels_of_any_medium.of_source

),

final as (

    select
        *,
        {%- for what, number in [('click', 'clicks'), ('ticket', 'tickets_sold'), ('order', 'orders')] %}
        {{ average_price('spend', 'if(spend = 0, 0, ' ~ number ~ ')') }} as cost_per_{{ what }},
        {%- endfor %}
        if(impressions > 0, round(100 * clicks / impressions, 2), null) as ctr,
        if(spend > 0, round(100 * toFloat64(revenue - spend) / toFloat64(spend), 1), null) as romi
    from named

)

select * from final
