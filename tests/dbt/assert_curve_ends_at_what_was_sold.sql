-- Guards conservation: the last point of a show's curve is all that was sold for it by then. Fails with the show and both numbers.

with

curve as (

    select
        show_id,
        currency,
        min(days_before_show) as last_days_before,
        argMin(tickets_so_far, days_before_show) as curve_tickets,
        argMin(revenue_so_far, days_before_show) as curve_revenue
    from {{ ref('fact_qtickets_sales_curve') }}
    group by
        show_id,
        currency

)

select
    curve.show_id as show_id,
    curve.currency as currency,
    any(curve.curve_tickets) as curve_tickets,
    any(curve.curve_revenue) as curve_revenue,
    sum(sales.tickets_sold) as tickets_sold,
    sum(sales.revenue) as revenue
from curve
inner join {{ ref('fact_qtickets_sales_by_show_daily') }} as sales
    on
        curve.show_id = sales.show_id
        and curve.currency = sales.currency
where sales.days_before_show >= curve.last_days_before
group by
    show_id,
    currency
having curve_tickets != tickets_sold or curve_revenue != revenue
