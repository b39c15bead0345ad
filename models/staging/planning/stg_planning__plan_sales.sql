with

plan as (

    {%- if var('plan_sales_table') %}
    select * from {{ source('planning', 'plan_sales') }}
    {%- else %}
    select * from {{ ref('plan_sales') }}
    {%- endif %}

),

-- A plan is typed by people, too: its cities go by the same spellings as those of events.
spelled as (

    select
        plan_date,
        ifNull(event_id, 0)::UInt64 as plan_event_id,
        {{ tidy_name("ifNull(city, '')") }} as typed_city,
        lowerUTF8(typed_city) as city_spelling,
        upper(trimBoth(ifNull(currency, ''))) as typed_currency,
        ifNull(planned_tickets, 0)::Int64 as tickets,
        ifNull(planned_revenue, 0)::Decimal(18, 2) as revenue
    from plan

),

city_names as (

    select
        lowerUTF8({{ tidy_name('spelling') }}) as city_spelling,
        any(city) as city
    from {{ ref('city_names') }}
    group by city_spelling

),

final as (

    select
        spelled.plan_date as plan_date,
        spelled.plan_event_id as event_id,
        if(city_names.city != '', city_names.city::String, spelled.typed_city) as city,
        spelled.typed_currency as currency,
        spelled.tickets as planned_tickets,
        spelled.revenue as planned_revenue
    from spelled
    left join city_names on spelled.city_spelling = city_names.city_spelling

)

select * from final
