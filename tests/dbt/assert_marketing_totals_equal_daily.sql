-- Guards conservation: however sales are divided, by UTM tags, by promo code and discount, by show, hour, type or channel, each
-- day, event, city and currency has the totals of the daily fact. Fails with the cell and the totals of both.

with

{% set divided = [
    'fact_qtickets_sales_utm_daily',
    'fact_qtickets_sales_promo_daily',
    'fact_qtickets_sales_by_show_daily',
    'fact_qtickets_sales_hourly',
    'fact_qtickets_sales_by_type_daily',
    'fact_qtickets_sales_by_channel_daily',
] %}

cells as (

    {% for fact in divided %}
    select
        '{{ fact }}' as fact,
        'divided' as side,
        sales_date,
        event_id,
        city,
        currency,
        tickets_sold,
        tickets_refunded,
        gross_revenue,
        refunded_amount,
        revenue
    from {{ ref(fact) }}

    union all

    {% endfor %}
    select
        arrayJoin({{ divided }}),
        'daily',
        sales_date,
        event_id,
        city,
        currency,
        tickets_sold,
        tickets_refunded,
        gross_revenue,
        refunded_amount,
        revenue
    from {{ ref('fact_qtickets_sales_daily') }}

)

select
    fact,
    sales_date,
    event_id,
    city,
    currency,
    sumIf(tickets_sold, side = 'daily') as daily_sold,
    sumIf(tickets_sold, side = 'divided') as divided_sold,
    sumIf(tickets_refunded, side = 'daily') as daily_refunded,
    sumIf(tickets_refunded, side = 'divided') as divided_refunded,
    sumIf(gross_revenue, side = 'daily') as daily_gross,
    sumIf(gross_revenue, side = 'divided') as divided_gross,
    sumIf(refunded_amount, side = 'daily') as daily_paid_back,
    sumIf(refunded_amount, side = 'divided') as divided_paid_back,
    sumIf(revenue, side = 'daily') as daily_revenue,
    sumIf(revenue, side = 'divided') as divided_revenue
from cells
group by
    fact,
    sales_date,
    event_id,
    city,
    currency
having
    (daily_sold, daily_refunded, daily_gross, daily_paid_back, daily_revenue)
    != (divided_sold, divided_refunded, divided_gross, divided_paid_back, divided_revenue)
