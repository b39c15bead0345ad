-- Read whole and joined on promo_code_id.
{{ config(order_by='promo_code_id') }}

with

promo_codes as (

    select * from {{ ref('stg_qtickets_api__promo_codes') }}
    where is_readable

),

discounts as (

    select * from {{ ref('dim_discounts') }}

),

-- Deleted long ago, or not there yet: orders point at it, so it has a row, and no join drops a sale.
unknown_promo_codes as (

    select distinct promo_code_id
    from {{ ref('int_tickets') }}
    where
        promo_code_id != 0
        and promo_code_id not in (select promo_code_id from promo_codes)

),

final as (

    select
        promo_codes.promo_code_id as promo_code_id,
        if(promo_codes.promo_code = '', 'unknown', promo_codes.promo_code) as promo_code,
        promo_codes.discount_id as discount_id,
        if(promo_codes.discount_id = 0, '(none)', discounts.discount_name) as discount_name,
        if(promo_codes.discount_id = 0, '(none)', discounts.discount_type)::LowCardinality(String) as discount_type,
        promo_codes.max_uses as max_uses,
        true as is_known,
        promo_codes.is_active as is_active,
        promo_codes.is_deleted as is_deleted,
        promo_codes.active_from as active_from,
        promo_codes.active_to as active_to,
        promo_codes.created_at as created_at,
        promo_codes.updated_at as updated_at,
        promo_codes.deleted_at as deleted_at
    from promo_codes
    left join discounts on promo_codes.discount_id = discounts.discount_id

    union all

    select
        promo_code_id,
        'unknown' as promo_code,
        0::UInt64 as discount_id,
        'unknown' as discount_name,
        'unknown'::LowCardinality(String) as discount_type,
        0::UInt64 as max_uses,
        false as is_known,
        false as is_active,
        false as is_deleted,
        null as active_from,
        null as active_to,
        null as created_at,
        null as updated_at,
        null as deleted_at
    from unknown_promo_codes

)

select * from final
