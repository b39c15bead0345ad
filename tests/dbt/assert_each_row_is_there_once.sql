-- Guards the grain: a row too many would be in every sum. One query for all of these, since each test is a statement more in each
-- build. Fails with the table, the key and how often it is there.

{% set grains = {
    'fact_qtickets_sales_by_type_daily': 'sales_date, event_id, city, currency, ticket_type, tariff, price',
    'fact_qtickets_sales_by_channel_daily': 'sales_date, event_id, city, currency, channel, site, payment_method',
    'fact_qtickets_orders_daily': 'order_date, event_id, currency, utm_source',
    'fact_qtickets_attendance_by_show': 'show_id',
    'fact_qtickets_attendance_arrivals': 'show_id, quarter_at',
    'fact_qtickets_inventory_by_price': 'show_id, zone, price, currency',
    'v_sales_latest': 'sales_date, event_id, city, currency',
    'v_sales_compared': 'period, scope, event_id, city, currency',
    'v_plan_vs_fact': 'sales_date, event_id, city, currency',
    'v_cash_daily': 'cash_date, event_id, city, currency',
    'fact_qtickets_cancelled_daily': 'sales_date, event_id, city, currency',
    'fact_qtickets_inventory_daily': 'inventory_date, event_id',
    'fact_qtickets_buyers_monthly': 'sales_month, event_id',
    'v_romi_daily': 'spend_date, utm_source, utm_medium, utm_campaign, utm_content, utm_term, currency',
    'v_runs': 'run_id, resource',
    'utm_channels': 'lowerUTF8(trimBoth(utm_source)), lowerUTF8(trimBoth(utm_medium))',
} %}
{%- for table, key in grains.items() %}
select
    '{{ table }}' as what,
    toString(tuple({{ key }})) as row_key,
    count() as how_often
from {{ ref(table) }}
where {{ may_recur(ref(table), key) }}
group by row_key
having how_often > 1
{{ 'union all' if not loop.last }}
{%- endfor %}
