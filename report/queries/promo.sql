-- One row is a promo code with its discount, and a currency, of the last 14 days; promo code 0 is a discount that
-- applied by itself. After the eight that sold most, the rest is one: place 9. Sales with neither are not here.
with

by_offer as (

    select
        promo_code_id,
        promo_code,
        discount_id,
        discount_name,
        currency,
        sum(tickets_sold) as sold,
        sum(revenue) as sum_revenue,
        sum(discount_cost) as sum_cost
    from v_qtickets_sales_promo
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

),

with_tickets as (

    select
        promo_code_id,
        promo_code,
        discount_id,
        discount_name,
        currency,
        sold,
        sum_revenue,
        sum_cost,
        sum(sold) over (partition by promo_code_id, discount_id) as tickets_of_offer
    from by_offer

),

placed as (

    select
        promo_code_id,
        promo_code,
        discount_id,
        discount_name,
        currency,
        sold,
        sum_revenue,
        sum_cost,
        least(dense_rank() over (order by tickets_of_offer desc, promo_code, promo_code_id, discount_id), 9) as place
    from with_tickets

),

named as (

    select
        place,
        if(place = 9, 0, promo_code_id) as code_id,
        if(place = 9, '', promo_code) as code,
        if(place = 9, 0, discount_id) as offer_id,
        if(place = 9, '', discount_name) as offer_name,
        currency,
        sum(sold) as sold_at_place,
        sum(sum_revenue) as revenue_at_place,
        sum(sum_cost) as cost_at_place
    from placed
    group by
        place,
        code_id,
        code,
        offer_id,
        offer_name,
        currency

),

final as (

    select
        place,
        code_id as promo_code_id,
        code as promo_code,
        offer_id as discount_id,
        offer_name as discount_name,
        currency,
        revenue_at_place as revenue,
        cost_at_place as discount_cost,
        sum(sold_at_place) over (partition by place) as tickets_of_place,
        sum(sold_at_place) over () as tickets_of_all,
        sum(sold_at_place) over (partition by currency) as tickets_of_currency,
        sum(cost_at_place) over (partition by currency) as cost_of_currency
    from named

)

select * from final
order by
    place,
    tickets_of_currency desc,
    currency
