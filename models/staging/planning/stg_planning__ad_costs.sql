with

costs as (

    {%- if var('ad_costs_table') %}
    select * from {{ source('planning', 'ad_costs') }}
    {%- else %}
    select * from {{ ref('ad_costs') }}
    {%- endif %}

),

-- Tags are tidied as those of orders are, or they would never meet.
final as (

    select
        spend_date,
        {%- for tag in ['utm_source', 'utm_medium'] %}
        lowerUTF8({{ tidy_name("ifNull(" ~ tag ~ ", '')") }}) as {{ tag }},
        {%- endfor %}
        {%- for tag in ['utm_campaign', 'utm_content', 'utm_term'] %}
        {{ tidy_name("ifNull(" ~ tag ~ ", '')") }} as {{ tag }},
        {%- endfor %}
        upper(trimBoth(ifNull(currency, ''))) as currency,
        ifNull(spend, 0)::Decimal(18, 2) as spend,
        ifNull(impressions, 0)::Int64 as impressions,
        ifNull(clicks, 0)::Int64 as clicks
    from costs

)

select * from final
