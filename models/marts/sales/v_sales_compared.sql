-- Some hundred small rows. A table, although BI reads it as a view: "up to the same hour" is the hour up to which sales are known,
-- that of the build, and an order for two events is one order only where orders can be told apart.
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

-- Up to when sales are known: this moment, or the end of a `report_today` that is over.
clock as (

    select
        toDateTime64({{ report_today() }}, 3, {{ zone }}) as today,
        addDays(today, 1) as tomorrow,
        least(tomorrow, toTimeZone(toDateTime64({{ current_instant() }}, 3), {{ zone }})) as known_until

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

-- Each sale counts in all, in its city and in its event.
scoped as (

    select
        scope,
        if(scope = 'event', event_id, 0) as scope_event_id,
        if(scope = 'event', event_name, '') as scope_event_name,
        if(scope = 'all', '', city) as scope_city,
        currency,
        sold_at,
        order_id,
        quantity,
        gross_amount,
        paid_back_amount,
        is_refunded
    from sales
    array join ['all', 'city', 'event'] as scope

),

measured as (

    select
        spans.period as period,
        scoped.scope as scope,
        scoped.scope_event_id as event_id,
        any(scoped.scope_event_name) as event_name,
        scoped.scope_city as city,
        scoped.currency as currency,
        {%- for side in ['current', 'previous', 'year_ago'] %}
        uniqExactIf(order_id, side = '{{ side }}') as {{ side }}_orders,
        sumIf(quantity, side = '{{ side }}' and not is_refunded) as {{ side }}_tickets_sold,
        sumIf(gross_amount, side = '{{ side }}') as {{ side }}_gross_revenue,
        sumIf(gross_amount - paid_back_amount, side = '{{ side }}') as {{ side }}_revenue,
        sumIf(quantity, side = '{{ side }}' and not (gross_amount = 0 and not is_refunded)) as {{ side }}_tickets_charged,
        {%- endfor %}
        any(spans.current_began) as current_began,
        any(spans.current_ended) as current_ended,
        any(spans.previous_began) as previous_began,
        any(spans.year_ago_began) as year_ago_began
    from scoped
    cross join spans
    where
        scoped.sold_at >= spans.began
        and scoped.sold_at < spans.ended
    group by
        period,
        scope,
        event_id,
        city,
        currency
    -- what only a year ago sold something is not compared with it
    having current_orders + previous_orders > 0

),

-- Since when there is something to compare with: the first sale, of an event also the day on which its sale opened.
first_sales as (

    select
        scope,
        scope_event_id as event_id,
        scope_city as city,
        currency,
        min(sold_at) as first_sold_at
    from scoped
    group by
        scope,
        event_id,
        city,
        currency

),

sale_times as (

    select
        events.event_id as event_id,
        min(shows.sale_starts_at) as opened_at,
        -- not known of one show, not known of the event
        if(count(shows.ends_at) = count(), max(ifNull(shows.sale_ends_at, shows.ends_at)), null) as last_closed_at,
        least(
            coalesce(any(events.deleted_at), last_closed_at),
            coalesce(last_closed_at, any(events.deleted_at))
        ) as closed_at
    from events
    left join shows on events.event_id = shows.event_id
    group by event_id

),

comparable as (

    select
        *,
        toStartOfDay(toTimeZone(
            if(
                scope = 'event' and ifNull(opened_at < first_sold_at, false),
                assumeNotNull(opened_at),
                first_sold_at
            ),
            {{ zone }}
        )) as sold_since,
        previous_began >= sold_since as has_previous,
        year_ago_began >= sold_since as has_year_ago,
        -- what was over before the period began has not sold less in it
        not ifNull(scope = 'event' and closed_at < current_began, false) as is_on_sale
    from measured
    inner join first_sales using (scope, event_id, city, currency)
    left join sale_times using (event_id)

),

final as (

    select
        period,
        scope::LowCardinality(String) as scope,
        event_id,
        event_name,
        city,
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
        {{ side ~ '_' ~ measure if side == 'current' else 'if(' ~ known ~ ', ' ~ side ~ '_' ~ measure ~ ', null)' }}::{{ type }}
            as {{ prefix ~ measure }},
        {%- endfor %}
        if({{ known }}, {{ average_price(side ~ '_gross_revenue', side ~ '_tickets_charged') }}, null)::Nullable(Decimal(18, 2))
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
