-- Appends; the engine keeps the newest version of an order, and whoever reads it asks for `final`. So an order is replaced
-- whole: a ticket that left it leaves no trace, and nothing is ever deleted here.
-- A changed column needs `--full-refresh`, and `fail` says so rather than filling in zeros.
-- Blocks of 64 MB, not 256: a first build holds several of them, each more than once.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        unique_key='order_id',
        on_schema_change='fail',
        engine='ReplacingMergeTree(_ver)',
        order_by='order_id',
        query_settings={'min_insert_block_size_bytes': 64 * 1024 * 1024},
    )
}}

{#- Values are taken as text, however they come, and converted below, where failing shows. -#}
{% set parts_type -%}
    services Array(Tuple(
        price Nullable(String),
        quantity Nullable(String)
    )),
    refunds Array(Tuple(
        id Nullable(String),
        amount Nullable(String),
        deduction_amount Nullable(String),
        created_at Nullable(String)
    ))
{%- endset %}
{% set order_type -%}
    Tuple(
        id Nullable(String),
        payed Nullable(String),
        payed_at Nullable(String),
        client_id Nullable(String),
        event_id Nullable(String),
        discount_id Nullable(String),
        promo_code_id Nullable(String),
        site_id Nullable(String),
        site Tuple(host Nullable(String)),
        backend_user_id Nullable(String),
        payment_type_id Nullable(String),
        multiprice_code Nullable(String),
        reserve_extended Nullable(String),
        price Nullable(String),
        currency_id Nullable(String),
        utm Tuple(
            utm_source Nullable(String),
            utm_medium Nullable(String),
            utm_campaign Nullable(String),
            utm_content Nullable(String),
            utm_term Nullable(String)
        ),
        {{ parts_type }},
        created_at Nullable(String),
        updated_at Nullable(String),
        deleted_at Nullable(String),
        baskets Array(Tuple(
            id Nullable(String),
            show_id Nullable(String),
            seat_id Nullable(String),
            seat_name Nullable(String),
            multiprice_code Nullable(String),
            quantity Nullable(String),
            original_price Nullable(String),
            price Nullable(String),
            service_fee_amount Nullable(String),
            {{ parts_type }},
            related_baskets Array(Tuple(
                show_id Nullable(String),
                quantity Nullable(String),
                deleted_at Nullable(String),
                refunded_at Nullable(String)
            )),
            checked_at Nullable(String),
            deleted_at Nullable(String),
            refunded_at Nullable(String),
            refunded_amount Nullable(String),
            refunded_deduction_amount Nullable(String)
        ))
    )
{%- endset %}

{#- What the services in these arrays of texts cost; of one that cannot be read, nothing. -#}
{% set service_fee %}
    arraySum((x, y) -> ifNull({{ json_money('x') }}, 0) * ifNull(toUInt16OrNull(y), 1), {})
{%- endset %}
{#- A field of all single payments back, of the order and of its tickets; one of all parts of season tickets. -#}
{% set all_refunds = 'arrayConcat(json.refunds.{0}, arrayFlatten(json.baskets.refunds.{0}))' %}
{% set all_parts = 'arrayFlatten(json.baskets.related_baskets.{})' %}
{% set utm_tags = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_content', 'utm_term'] %}

with

landed as (

    select * from {{ source('qtickets_api', 'stg_qtickets_api_orders_raw') }}

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
        -- PHP makes an object of a list with gaps in it, and its tickets would be overlooked; so would be a list of
        -- anything but tickets. Looked at only where no ticket was found, as it means parsing again.
        is_readable and empty(json.baskets) and (
            JSONType(payload, 'baskets') != 'Array' or JSONLength(payload, 'baskets') > 0
        ) as has_no_list_of_tickets,
        -- Neither an object nor PHP's []: the extractor put this there, and it would look like no tags. Searched for
        -- as text, since many orders have no tags.
        is_readable and position(payload, '"utm":"[redacted]"') > 0 as has_no_object_of_tags,
        {{ redacted_keys('payload') }} as redacted_keys
    from parsed

),

typed as (

    select
        *,
        {{ json_flag('json.payed') }} as read_is_paid,
        {%- for field in ['client_id', 'event_id', 'discount_id', 'promo_code_id', 'site_id', 'backend_user_id'] %}
        {{ json_id('json.' ~ field) }} as read_{{ field }},
        {%- endfor %}
        {{ json_word('json.currency_id') }} as read_currency,
        {{ json_money('json.price') }} as price,
        {{ json_instant('json.payed_at') }} as paid_at,
        {{ json_instant('json.created_at') }} as created_at,
        {{ json_instant('json.updated_at') }} as updated_at,
        {{ json_instant('json.deleted_at') }} as deleted_at,
        arrayMap(x -> {{ json_id('x') }}, json.baskets.id) as read_ticket_ids,
        arrayMap(x -> {{ json_id('x') }}, json.baskets.show_id) as read_show_ids,
        arrayMap(x -> toUInt16OrNull(x), json.baskets.quantity) as quantities,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.original_price) as original_prices,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.price) as prices,
        {%- for field in ['checked_at', 'deleted_at', 'refunded_at'] %}
        arrayMap(x -> {{ json_instant('x') }}, json.baskets.{{ field }}) as tickets_{{ field }},
        {%- endfor %}
        arrayMap(x -> {{ json_money('x') }}, json.baskets.refunded_amount) as refunded_amounts,
        arrayMap(x -> {{ json_money('x') }}, json.baskets.refunded_deduction_amount) as refunded_deductions
    from checked

),

final as (

    select
        -- ids
        order_id,
        ifNull(read_client_id, 0) as client_id,
        ifNull(read_event_id, 0) as event_id,
        ifNull(read_discount_id, 0) as discount_id,
        ifNull(read_promo_code_id, 0) as promo_code_id,

        -- how it was sold, and where the buyer came from; case is kept where advertising systems make up the value
        ifNull(read_site_id, 0) as site_id,
        ifNull(json.site.host, '')::LowCardinality(String) as site_host,
        ifNull(read_backend_user_id, 0) as backend_user_id,
        ifNull(json.payment_type_id, '')::LowCardinality(String) as payment_type_id,
        ifNull(json.multiprice_code, '')::LowCardinality(String) as multiprice_code,
        lowerUTF8({{ tidy_name("ifNull(json.utm.utm_source, '')") }})::LowCardinality(String) as utm_source,
        lowerUTF8({{ tidy_name("ifNull(json.utm.utm_medium, '')") }})::LowCardinality(String) as utm_medium,
        {{ tidy_name("ifNull(json.utm.utm_campaign, '')") }} as utm_campaign,
        {{ tidy_name("ifNull(json.utm.utm_content, '')") }} as utm_content,
        {{ tidy_name("ifNull(json.utm.utm_term, '')") }} as utm_term,

        -- numerics
        price,
        ({{ service_fee.format('json.services.price, json.services.quantity') }})::Decimal(18, 2) as service_fee,

        -- state
        ifNull(read_currency, '')::LowCardinality(String) as currency,
        ifNull(read_is_paid, false)::Bool as is_paid,
        ifNull({{ json_flag('json.reserve_extended') }}, false)::Bool as is_reserve_extended,
        (_deleted = 1)::Bool as is_tombstone,

        -- times
        paid_at,
        created_at,
        updated_at,
        deleted_at,

        -- tickets, in parallel arrays: an array of tuples breaks the checks of columns
        arrayMap(x -> ifNull(x, 0), read_ticket_ids) as ticket_ids,
        arrayMap(x -> ifNull(x, 0), read_show_ids) as ticket_show_ids,
        arrayMap(x -> ifNull(x, ''), json.baskets.seat_id) as ticket_seat_ids,
        arrayMap(x -> ifNull(x, ''), json.baskets.seat_name) as ticket_seat_names,
        arrayMap(x -> ifNull(x, ''), json.baskets.multiprice_code) as ticket_multiprice_codes,
        arrayMap(x -> ifNull(x, 1), quantities) as ticket_quantities,
        original_prices as ticket_original_prices,
        arrayMap(x -> ifNull(x, 0), prices) as ticket_prices,
        arrayMap(
            (prices, quantities) -> ({{ service_fee.format('prices, quantities') }})::Decimal(18, 2),
            json.baskets.services.price,
            json.baskets.services.quantity
        ) as ticket_service_fees,
        arrayMap(x -> ifNull({{ json_money('x') }}, 0), json.baskets.service_fee_amount) as ticket_fees,
        tickets_checked_at as ticket_checked_at,
        tickets_deleted_at as ticket_deleted_at,
        tickets_refunded_at as ticket_refunded_at,
        refunded_amounts as ticket_refunded_amounts,
        refunded_deductions as ticket_refunded_deductions,

        -- single payments back, of the order (ticket 0) and of its tickets
        arrayConcat(
            arrayMap(x -> 0::UInt64, json.refunds.id),
            arrayFlatten(arrayMap((ticket, ids) -> arrayMap(x -> ticket, ids), ticket_ids, json.baskets.refunds.id))
        ) as refund_ticket_ids,
        {%- for field, column, convert in [
            ('id', 'refund_ids', 'ifNull(' ~ json_id('x') ~ ', 0)'),
            ('amount', 'refund_amounts', json_money('x')),
            ('deduction_amount', 'refund_deductions', json_money('x')),
            ('created_at', 'refund_created_at', json_instant('x')),
        ] %}
        arrayMap(
            x -> {{ convert }},
            {{ all_refunds.format(field) }}
        ) as {{ column }},
        {%- endfor %}

        -- parts of season tickets, in parallel arrays: each holds a seat of its own show
        arrayFlatten(
            arrayMap((ticket, shows) -> arrayMap(x -> ticket, shows), ticket_ids, json.baskets.related_baskets.show_id)
        ) as part_ticket_ids,
        arrayMap(
            x -> ifNull({{ json_id('x') }}, 0), arrayFlatten(json.baskets.related_baskets.show_id)
        ) as part_show_ids,
        arrayMap(
            x -> ifNull(toUInt16OrNull(x), 1), arrayFlatten(json.baskets.related_baskets.quantity)
        ) as part_quantities,
        arrayMap(
            (x, y) -> (isNull({{ json_instant('x') }}) and isNull({{ json_instant('y') }}))::Bool,
            arrayFlatten(json.baskets.related_baskets.deleted_at),
            arrayFlatten(json.baskets.related_baskets.refunded_at)
        ) as part_is_valid,

        -- what could not be read
        {%- set checks = [
            ('payload', 'not is_readable'),
            ('payed', 'is_readable and (isNull(read_is_paid) or json.payed = \'\')'),
            ('payed_at', is_unreadable('json.payed_at', 'paid_at')),
            ('created_at', is_unreadable('json.created_at', 'created_at')),
            ('deleted_at', is_unreadable('json.deleted_at', 'deleted_at')),
            ('client_id', is_unreadable('json.client_id', 'read_client_id')),
            ('event_id', is_unreadable('json.event_id', 'read_event_id')),
            ('discount_id', is_unreadable('json.discount_id', 'read_discount_id')),
            ('promo_code_id', is_unreadable('json.promo_code_id', 'read_promo_code_id')),
            ('site_id', is_unreadable('json.site_id', 'read_site_id')),
            ('backend_user_id', is_unreadable('json.backend_user_id', 'read_backend_user_id')),
            ('currency_id', is_unreadable('json.currency_id', 'read_currency')),
            ('price', is_unreadable('json.price', 'price')),
            ('utm', 'has_no_object_of_tags'),
            ('baskets', 'has_no_list_of_tickets'),
            ('baskets.id', 'arrayExists(x -> ifNull(x, 0) = 0, read_ticket_ids)'),
            ('baskets.quantity', 'arrayExists(x -> isNull(x), quantities)'),
            ('baskets.price', 'arrayExists(x -> isNull(x), prices)'),
        ] %}
        {%- for field, parsed in [
            ('show_id', 'read_show_ids'),
            ('original_price', 'original_prices'),
            ('checked_at', 'tickets_checked_at'),
            ('deleted_at', 'tickets_deleted_at'),
            ('refunded_at', 'tickets_refunded_at'),
            ('refunded_amount', 'refunded_amounts'),
            ('refunded_deduction_amount', 'refunded_deductions'),
        ] %}
            {%- do checks.append((
                'baskets.' ~ field,
                'arrayExists((x, y) -> ' ~ is_unreadable('x', 'y') ~ ', json.baskets.' ~ field ~ ', ' ~ parsed ~ ')',
            )) %}
        {%- endfor %}
        {%- for field, values, convert in [
            ('baskets.service_fee_amount', 'json.baskets.service_fee_amount', json_money('x')),
            ('services.price', 'json.services.price', json_money('x')),
            ('services.quantity', 'json.services.quantity', 'toUInt16OrNull(x)'),
            ('baskets.services.price', 'arrayFlatten(json.baskets.services.price)', json_money('x')),
            ('baskets.services.quantity', 'arrayFlatten(json.baskets.services.quantity)', 'toUInt16OrNull(x)'),
            ('refunds.id', all_refunds.format('id'), json_id('x')),
            ('refunds.amount', all_refunds.format('amount'), json_money('x')),
            ('refunds.deduction_amount', all_refunds.format('deduction_amount'), json_money('x')),
            ('refunds.created_at', all_refunds.format('created_at'), json_instant('x')),
            ('related_baskets.show_id', all_parts.format('show_id'), json_id('x')),
            ('related_baskets.quantity', all_parts.format('quantity'), 'toUInt16OrNull(x)'),
            ('related_baskets.deleted_at', all_parts.format('deleted_at'), json_instant('x')),
            ('related_baskets.refunded_at', all_parts.format('refunded_at'), json_instant('x')),
        ] %}
        {%- do checks.append((field, 'arrayExists(x -> ' ~ is_unreadable('x', convert) ~ ', ' ~ values ~ ')')) %}
        {%- endfor %}
        {{ unreadable_fields(checks, 'redacted_keys', utm_tags + ['name']) }} as unreadable_fields,

        -- the extractor leaves this of a tag that is an e-mail, a phone or a link, or no text at all
        arrayFilter(
            (field, tag) -> tag = '[redacted]',
            {{ utm_tags }},
            [
                {%- for tag in utm_tags %}
                ifNull(json.utm.{{ tag }}, ''){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as redacted_tags,

        _ver
    from typed

)

select * from final
