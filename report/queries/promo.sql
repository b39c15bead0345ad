-- One row is a promo code with its discount, and a currency, of the last 14 days; promo code 0 is a discount that
-- applied by itself. Sales with neither are not here.
select
    promo_code_id,
    promo_code,
    discount_id,
    discount_name,
    currency,
    sum(tickets_sold) as tickets,
    sum(sales.revenue) as revenue,
    sum(sales.discount_cost) as discount_cost
from v_qtickets_sales_promo as sales
where
    sales_date > {today:Date} - 14
    and sales_date <= {today:Date}
    and (promo_code_id != 0 or discount_id != 0)
group by
    promo_code_id,
    promo_code,
    discount_id,
    discount_name,
    currency
