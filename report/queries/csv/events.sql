select
    compared.event_id as event_id,
    compared.event_name as event_name,
    compared.city as city,
    compared.currency as currency,
    compared.date_from as date_from,
    compared.date_to as date_to,
    compared.orders as orders,
    compared.tickets_sold as tickets_sold,
    compared.revenue as revenue,
    compared.average_price as average_price,
    compared.tickets_change as tickets_change,
    compared.revenue_change as revenue_change,
    selling.shows_to_come as shows_to_come,
    selling.tickets_total as tickets_total,
    selling.tickets_left as tickets_left
from v_sales_compared as compared
left join v_sell_through as selling on compared.event_id = selling.event_id
where
    compared.scope = 'event'
    and compared.period = '14_days'
order by
    currency,
    revenue desc,
    event_id
