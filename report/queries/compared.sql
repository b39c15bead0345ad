-- One row is a period, what it is of (all, an event, a city) and a currency: sales beside those of the period before.
select
    period,
    scope,
    event_id,
    city,
    currency,
    date_from,
    date_to,
    tickets_sold,
    revenue,
    average_price,
    previous_tickets_sold,
    tickets_change,
    revenue_change,
    average_price_change,
    revenue_change_year
from v_sales_compared
