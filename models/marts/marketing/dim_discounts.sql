-- Read whole and joined on discount_id; some dozens of rows.
{{ config(order_by='discount_id') }}

with

discounts as (

    select * from {{ ref('stg_qtickets_api__discounts') }}
    where is_readable

),

pointed_at as (

    select discount_id
    from {{ ref('int_tickets') }}

    union distinct

    select discount_id
    from {{ ref('stg_qtickets_api__promo_codes') }}
    where is_readable

),

-- Deleted long ago, or not there yet: sales point at it, so it has a row, and no join drops a sale.
unknown_discounts as (

    select discount_id
    from pointed_at
    where
        discount_id != 0
        and discount_id not in (select discount_id from discounts)

),

final as (

    select
        discount_id,
        if(discount_name = '', 'unknown', discount_name) as discount_name,
        if(discount_type = '', 'unknown', discount_type)::LowCardinality(String) as discount_type,
        true as is_known,
        is_active,
        is_deleted,
        active_from,
        active_to,
        created_at,
        updated_at,
        deleted_at
    from discounts

    union all

    select
        discount_id,
        'unknown' as discount_name,
        'unknown'::LowCardinality(String) as discount_type,
        false as is_known,
        false as is_active,
        false as is_deleted,
        null as active_from,
        null as active_to,
        null as created_at,
        null as updated_at,
        null as deleted_at
    from unknown_discounts

)

select * from final
