-- One row is a source with its campaign, and a currency, of the last 14 days: what it sold and what it cost.
select
    utm_source,
    utm_campaign,
    currency,
    sum(tickets_sold) as tickets,
    sum(v_romi_daily.revenue) as revenue,
    sum(v_romi_daily.spend) as spend
from v_romi_daily
where
    spend_date > {today:Date} - 14
    and spend_date <= {today:Date}
group by
    utm_source,
    utm_campaign,
    currency
