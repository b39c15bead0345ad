-- How a show fills up: a row for each day from its first sale to its end, or to today. Rebuilt whole; the forecast and
-- its back-test read this.
{{ config(order_by=['event_id', 'show_id', 'currency', 'days_before_show']) }}

with

tickets as (

    select * from {{ ref('int_tickets') }}
    where is_sold or is_cancelled_paid

),

-- Deleted shows are no example of how one fills up, and exhibitions have no day that all is sold towards.
shows as (

    select
        *,
        {{ show_day('ends_at') }} as end_date
    from {{ ref('dim_shows') }}
    where
        is_known
        and not is_deleted
        and show_date is not null
        and dateDiff('day', show_date, end_date) <= {{ longest_show_days() }}

),

-- Two stories of the same tickets. What is left of each day's sales as of now, as in the other facts; and what was
-- seen on the day itself, when nobody could know which tickets would be refunded or cancelled later.
changes as (

    select
        show_id,
        currency,
        sales_date as change_date,
        if(is_sold and not is_refunded, quantity, 0)::Int64 as kept,
        if(is_sold, gross_amount - paid_back_amount, 0)::Decimal(18, 2) as kept_revenue,
        quantity::Int64 as seen
    from tickets

    union all

    select
        show_id,
        currency,
        greatest(
            sales_date,
            assumeNotNull(least(ifNull(refund_date, cancelled_date), ifNull(cancelled_date, refund_date)))
        ) as change_date,
        0 as kept,
        0 as kept_revenue,
        -quantity::Int64 as seen
    from tickets
    where is_refunded or is_cancelled_paid

),

by_day as (

    select
        show_id,
        currency,
        change_date,
        sum(kept) as kept,
        sum(kept_revenue) as kept_revenue,
        sum(seen) as seen
    from changes
    group by
        show_id,
        currency,
        change_date

),

spans as (

    select
        by_day.show_id as show_id,
        by_day.currency as currency,
        any(shows.show_date) as show_date,
        any(shows.end_date) < {{ report_today() }} as is_finished,
        min(by_day.change_date) as first_date,
        least(any(shows.end_date), toDate32({{ report_today() }})) as last_date
    from by_day
    inner join shows on by_day.show_id = shows.show_id
    group by
        show_id,
        currency

),

days as (

    select
        show_id,
        currency,
        show_date,
        is_finished,
        first_date + day_number as curve_date
    from spans
    -- none where the first sale came after the end, or after today
    array join range(greatest(dateDiff('day', first_date, last_date) + 1, 0)::UInt32) as day_number

),

so_far as (

    select
        days.show_id as show_id,
        days.currency as currency,
        days.is_finished as is_finished,
        {{ days_before_show('days.curve_date', 'days.show_date') }} as days_before,
        sum(by_day.kept) over running as tickets,
        sum(by_day.kept_revenue) over running as revenue,
        sum(by_day.seen) over running as tickets_seen,
        sum(by_day.kept) over whole as tickets_at_end
    from days
    left join by_day
        on
            days.show_id = by_day.show_id
            and days.currency = by_day.currency
            and days.curve_date = by_day.change_date
    window
        whole as (partition by days.show_id, days.currency),
        running as (
            partition by days.show_id, days.currency
            order by days.curve_date
            rows between unbounded preceding and current row
        )

),

final as (

    select
        so_far.show_id as show_id,
        shows.event_id as event_id,
        shows.event_name as event_name,
        shows.city as city,
        so_far.currency::LowCardinality(String) as currency,
        assumeNotNull(so_far.days_before) as days_before_show,
        so_far.tickets::UInt64 as tickets_so_far,
        so_far.revenue::Decimal(18, 2) as revenue_so_far,
        if(so_far.is_finished and so_far.tickets_at_end > 0, round(so_far.tickets / so_far.tickets_at_end, 4), null)
            as share_of_final,
        so_far.is_finished::Bool as is_finished,
        so_far.tickets_seen::UInt64 as tickets_seen_then
    from so_far
    inner join shows on so_far.show_id = shows.show_id

)

select * from final
