-- Appends; the engine keeps the newest version of an order, and the view of tickets reads it with `final`.
-- So an order is replaced whole: a ticket that left it leaves no trace, and nothing is ever deleted here.
-- A changed column needs `--full-refresh`, and `fail` says so rather than filling in zeros.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        unique_key='order_id',
        on_schema_change='fail',
        engine='ReplacingMergeTree(_ver)',
        order_by='order_id',
    )
}}

{#- Values that may come as a number or as text are taken as text and converted below, where failing shows. -#}
{% set order_type -%}
    Tuple(
        id Nullable(String),
        payed Nullable(String),
        payed_at Nullable(String),
        client_id UInt64,
        event_id UInt64,
        discount_id Nullable(String),
        promo_code_id Nullable(String),
        currency_id String,
        utm Tuple(
            utm_source Nullable(String),
            utm_medium Nullable(String),
            utm_campaign Nullable(String),
            utm_content Nullable(String),
            utm_term Nullable(String)
        ),
        created_at Nullable(String),
        updated_at Nullable(String),
        deleted_at Nullable(String),
        baskets Array(Tuple(
            id UInt64,
            show_id UInt64,
            quantity Nullable(String),
            original_price Nullable(String),
            price Nullable(String),
            deleted_at Nullable(String),
            refunded_at Nullable(String),
            refunded_amount Nullable(String),
            refunded_deduction_amount Nullable(String)
        ))
    )
{%- endset %}

with

landed as (

    select
        order_id,
        payload,
        _ver,
        _deleted
    from {{ source('qtickets_api', 'stg_qtickets_api_orders_raw') }}

),

-- Every version that is landed, and every one that was read before. No clock is involved, so nothing is missed that
-- lands while this runs, or in the same instant as something else. Only ids and versions are touched.
versions as (

    select
        order_id,
        _ver as landed_ver,
        0::UInt64 as read_ver
    from landed
    {% if is_incremental() %}
    union all

    select
        order_id,
        0::UInt64,
        _ver
    from ({{ versions_read_before(this) }})
    {% endif %}
),

-- Newest against newest: either table may still hold older versions that the other has merged away.
new_versions as (

    select
        order_id,
        max(landed_ver) as newest_ver
    from versions
    group by order_id
    having newest_ver > max(read_ver)

),

-- One call parses the whole order.
parsed as (

    select
        order_id,
        payload,
        _ver,
        _deleted,
        JSONExtract(payload, '{{ order_type }}') as anything
    from landed
    where (order_id, _ver) in (select order_id, newest_ver from new_versions)

),

-- Broken JSON gives an empty tuple and a strange one another id: either is an order of which nothing is known.
checked as (

    select
        order_id,
        _ver,
        _deleted,
        ifNull(anything.id, '') = toString(order_id) as is_readable,
        if(is_readable, anything, JSONExtract('', '{{ order_type }}')) as json,
        -- PHP makes an object of a list with gaps in it, and its tickets would be overlooked. Looked at only
        -- where no ticket was found, as it means parsing again.
        is_readable and empty(json.baskets) and JSONType(payload, 'baskets') != 'Array' as has_no_list_of_tickets,
        -- Neither an object nor PHP's []: the extractor put this there, and it would look like no tags. Searched for
        -- as text, since many orders have no tags.
        is_readable and position(payload, '"utm":"[redacted]"') > 0 as has_no_object_of_tags
    from parsed

),

typed as (

    select
        order_id,
        _ver,
        _deleted,
        json,
        is_readable,
        has_no_list_of_tickets,
        has_no_object_of_tags,
        toUInt64OrNull(json.discount_id) as read_discount_id,
        toUInt64OrNull(json.promo_code_id) as read_promo_code_id,
        {{ json_instant('json.payed_at') }} as payed_at,
        {{ json_instant('json.created_at') }} as created_at,
        {{ json_instant('json.updated_at') }} as updated_at,
        {{ json_instant('json.deleted_at') }} as deleted_at,
        arrayMap(x -> toUInt16OrNull(x), json.baskets.quantity) as quantities,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.original_price) as original_prices,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.price) as prices,
        arrayMap(x -> {{ json_instant('x') }}, json.baskets.deleted_at) as tickets_deleted_at,
        arrayMap(x -> {{ json_instant('x') }}, json.baskets.refunded_at) as tickets_refunded_at,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.refunded_amount) as refunded_amounts,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.refunded_deduction_amount) as refunded_deductions
    from checked

),

final as (

    select
        -- ids
        order_id,
        json.client_id as client_id,
        json.event_id as event_id,
        ifNull(read_discount_id, 0) as discount_id,
        ifNull(read_promo_code_id, 0) as promo_code_id,

        -- where the buyer came from; case is kept where advertising systems make up the value
        lowerUTF8({{ tidy_name("ifNull(json.utm.utm_source, '')") }})::LowCardinality(String) as utm_source,
        lowerUTF8({{ tidy_name("ifNull(json.utm.utm_medium, '')") }})::LowCardinality(String) as utm_medium,
        {{ tidy_name("ifNull(json.utm.utm_campaign, '')") }} as utm_campaign,
        {{ tidy_name("ifNull(json.utm.utm_content, '')") }} as utm_content,
        {{ tidy_name("ifNull(json.utm.utm_term, '')") }} as utm_term,

        -- state
        json.currency_id::LowCardinality(String) as currency,
        (ifNull(json.payed, '') in ('true', '1'))::Bool as is_payed,
        (_deleted = 1)::Bool as is_gone,

        -- times
        payed_at,
        created_at,
        updated_at,
        deleted_at,

        -- tickets, in parallel arrays: an array of tuples breaks the checks of columns
        json.baskets.id as ticket_ids,
        json.baskets.show_id as ticket_show_ids,
        arrayMap(x -> ifNull(x, 1), quantities) as ticket_quantities,
        original_prices as ticket_original_prices,
        arrayMap(x -> ifNull(x, 0), prices) as ticket_prices,
        tickets_deleted_at as ticket_deleted_at,
        tickets_refunded_at as ticket_refunded_at,
        refunded_amounts as ticket_refunded_amounts,
        refunded_deductions as ticket_refunded_deductions,

        -- what could not be read
        arrayFilter(
            x -> x != '',
            [
                if(is_readable, '', 'payload'),
                if(not is_readable or ifNull(json.payed, '') in ('true', 'false', '1', '0'), '', 'payed'),
                if({{ is_unreadable('json.payed_at', 'payed_at') }}, 'payed_at', ''),
                if({{ is_unreadable('json.deleted_at', 'deleted_at') }}, 'deleted_at', ''),
                if({{ is_unreadable('json.discount_id', 'read_discount_id') }}, 'discount_id', ''),
                if({{ is_unreadable('json.promo_code_id', 'read_promo_code_id') }}, 'promo_code_id', ''),
                if(has_no_object_of_tags, 'utm', ''),
                if(has_no_list_of_tickets, 'baskets', ''),
                if(has(json.baskets.id, 0), 'baskets.id', ''),
                {%- for field, parsed in [
                    ('original_price', 'original_prices'),
                    ('deleted_at', 'tickets_deleted_at'),
                    ('refunded_at', 'tickets_refunded_at'),
                    ('refunded_amount', 'refunded_amounts'),
                    ('refunded_deduction_amount', 'refunded_deductions'),
                ] %}
                if(
                    arrayExists((x, y) -> {{ is_unreadable('x', 'y') }}, json.baskets.{{ field }}, {{ parsed }}),
                    'baskets.{{ field }}',
                    ''
                ),
                {%- endfor %}
                if(arrayExists(x -> isNull(x), quantities), 'baskets.quantity', ''),
                if(arrayExists(x -> isNull(x), prices), 'baskets.price', '')
            ]
        ) as unreadable_fields,

        _ver
    from typed

)

select * from final
