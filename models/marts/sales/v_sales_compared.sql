-- Some hundred small rows. A table, although BI reads it as a view: "up to the same hour" is the hour up to which
-- sales are known to this build, and an order for two events is one order only where orders can be told apart.
{{ config(materialized='table', order_by=['period', 'scope', 'city', 'event_id', 'currency']) }}

{%- set zone = "'" ~ var('report_timezone') ~ "'" %}

with

sales as (

    select * from {{ ref('int_sold_tickets') }}

),

shows as (

    select * from {{ ref('dim_shows') }}
    where not is_deleted

),

events as (

    select * from {{ ref('dim_events') }}

),

pulls as (

    select * from {{ ref('fact_qtickets_pulls') }}
    where resource = 'orders'

),

-- Up to when sales are known: to the last reading of orders that was verified, or to the end of a `report_today` that
-- is over.
clock as (

    select
        toDateTime64({{ report_today() }}, 3, {{ zone }}) as today,
        addDays(today, 1) as tomorrow,
        toTimeZone(toDateTime64({{ current_instant() }}, 3), {{ zone }}) as this_moment,
        least(tomorrow, this_moment, ifNull((select max(last_proven_at) from pulls), this_moment)) as known_until

),

periods as (

    select
        one.1 as period,
        one.2 as current_began,
        one.3 as current_ended,
        one.4 as days,
        if(period = 'month', addMonths(current_began, -1), addDays(current_began, -days)) as previous_began,
        addYears(current_began, -1) as year_ago_began
    from clock
    array join [
        ('today', today, tomorrow, 7),
        ('yesterday', addDays(today, -1), today, 1),
        ('7_days', addDays(today, -6), tomorrow, 7),
        ('14_days', addDays(today, -13), tomorrow, 14),
        ('30_days', addDays(today, -29), tomorrow, 30),
        ('month', toStartOfMonth(today)::DateTime64(3, {{ zone }}), tomorrow, 0)
    ] as one

),

-- What a period is compared with ends at the hour up to which the period itself is known.
spans as (

    select
        periods.*,
        least(current_ended, known_until) as known_end,
        span.1 as side,
        span.2 as began,
        span.3 as ended
    from periods
    cross join clock
    array join [
        ('current', current_began, current_ended),
        (
            'previous',
            previous_began,
            if(period = 'month', addMonths(known_end, -1), addDays(known_end, -days))
        ),
        ('year_ago', year_ago_began, addYears(known_end, -1))
    ] as span

),

-- Of the year in between no period has anything.
late_sales as (

    select * from sales
    where
        sold_at >= (select min(began) from spans where side != 'year_ago')
        or (
            sold_at >= (select min(began) from spans where side = 'year_ago')
            and sold_at < (select max(ended) from spans where side = 'year_ago')
        )

),

-- Each sale in each span that it belongs to.
sales_in_spans as (

    select
        late_sales.*,
        spans.*
    from late_sales
    cross join spans
    where
        late_sales.sold_at >= spans.began
        and late_sales.sold_at < spans.ended

),

measured as (

    select
        period,
        scope,
        if(scope = 'event', event_id, 0) as scope_event_id,
        if(scope = 'event', any(event_name), '') as event_name,
        if(scope = 'all', '', city) as scope_city,
        currency,
        {%- for side in ['current', 'previous', 'year_ago'] %}
        uniqExactIf(order_id, side = '{{ side }}') as {{ side }}_orders,
        sumIf(quantity, side = '{{ side }}' and not is_refunded) as {{ side }}_tickets_sold,
        sumIf(gross_amount, side = '{{ side }}') as {{ side }}_gross_revenue,
        sumIf(gross_amount - paid_back_amount, side = '{{ side }}') as {{ side }}_revenue,
        sumIf(quantity, side = '{{ side }}' and (gross_amount != 0 or is_refunded)) as {{ side }}_tickets_charged,
        {%- endfor %}
        any(current_began) as current_began,
        any(current_ended) as current_ended,
        any(previous_began) as previous_began,
        any(year_ago_began) as year_ago_began
    from sales_in_spans
    -- each sale counts in all, in its city and in its event
    array join ['all', 'city', 'event'] as scope
    group by
        period,
        scope,
        scope_event_id,
        scope_city,
        currency
    -- what only a year ago sold something is not compared with it
    having current_orders + previous_orders > 0

),

-- Since when there is something to compare with: the first sale, of an event also the day on which its sale opened.
first_sales as (

    select
        scope,
        if(scope = 'event', event_id, 0) as scope_event_id,
        if(scope = 'all', '', city) as scope_city,
        currency,
        min(first_sold_at) as first_sold_at
    from (
        select
            event_id,
            city,
            currency,
            min(sold_at) as first_sold_at
        from sales
        group by
            event_id,
            city,
            currency
    ) as first_sales_of_events
    array join ['all', 'city', 'event'] as scope
    group by
        scope,
        scope_event_id,
        scope_city,
        currency

),

sale_times as (

    select
        events.event_id as scope_event_id,
        min(shows.sale_starts_at) as opened_at,
        -- not known of one show, not known of the event
        if(count(shows.ends_at) = count(), max(ifNull(shows.sale_ends_at, shows.ends_at)), null) as last_closed_at,
        least(
            coalesce(any(events.deleted_at), last_closed_at),
            coalesce(last_closed_at, any(events.deleted_at))
        ) as closed_at
    from events
    left join shows on events.event_id = shows.event_id
    group by scope_event_id

),

comparable as (

    select
        *,
        if(
            scope = 'event' and ifNull(opened_at < first_sold_at, false),
            assumeNotNull(opened_at),
            first_sold_at
        ) as sold_since,
        toDate32(previous_began) >= {{ show_day('sold_since') }} as has_previous,
        toDate32(year_ago_began) >= {{ show_day('sold_since') }} as has_year_ago,
        -- what was over before the period began has not sold less in it
        not ifNull(scope = 'event' and closed_at < current_began, false) as is_on_sale
    from measured
    inner join first_sales using (scope, scope_event_id, scope_city, currency)
    left join sale_times using (scope_event_id)

),

final as (

    select
        period,
        scope::LowCardinality(String) as scope,
        scope_event_id as event_id,
        event_name,
        scope_city as city,
        currency::LowCardinality(String) as currency,
        toDate(current_began) as date_from,
        toDate(current_ended - interval 1 second) as date_to,
        {%- for side in ['current', 'previous', 'year_ago'] %}
        {%- set prefix = '' if side == 'current' else side ~ '_' %}
        {%- set known = 'true' if side == 'current' else 'has_' ~ side %}
        {%- for measure, type in [
            ('orders', 'UInt64'),
            ('tickets_sold', 'UInt64'),
            ('gross_revenue', 'Decimal(18, 2)'),
            ('revenue', 'Decimal(18, 2)'),
        ] %}
        {%- set type = type if side == 'current' else 'Nullable(' ~ type ~ ')' %}
        {%- set value = side ~ '_' ~ measure %}
        {%- set value = value if side == 'current' else 'if(' ~ known ~ ', ' ~ value ~ ', null)' %}
        {{ value }}::{{ type }} as {{ prefix ~ measure }},
        {%- endfor %}
        if({{ known }}, {{ average_price(side ~ '_gross_revenue', side ~ '_tickets_charged') }}, null)
            as {{ prefix }}average_price,
        {%- endfor %}
        {%- for measure, change in [
            ('orders', 'orders'),
            ('tickets_sold', 'tickets'),
            ('gross_revenue', 'gross'),
            ('revenue', 'revenue'),
            ('average_price', 'average_price'),
        ] %}
        if(is_on_sale, {{ change_per_cent(measure, 'previous_' ~ measure) }}, null) as {{ change }}_change,
        {%- endfor %}
        if(is_on_sale, {{ change_per_cent('revenue', 'year_ago_revenue') }}, null) as revenue_change_year
    from comparable

)

select * from final
