-- Guards the reading of JSON: for each order, what staging typed against the landed payload, read again with other
-- functions, ticket by ticket; and that staging has the newest version of all that was there when the run began, or a later
-- one. Orders that cannot be read are another test's. Fails with the order and both readings.
-- Compared are hashes, in which millions of orders fit into memory; only what differs is read once more, to be shown.
{{ blocks_nothing() }}

{% set tags = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_content', 'utm_term'] %}
{% set reading_type -%}
    Tuple(
        is_paid Bool,
        is_tombstone Bool,
        paid_at Nullable(DateTime64(3, 'UTC')),
        created_at Nullable(DateTime64(3, 'UTC')),
        deleted_at Nullable(DateTime64(3, 'UTC')),
        client_id UInt64,
        event_id UInt64,
        discount_id UInt64,
        promo_code_id UInt64,
        price Nullable(Decimal(18, 2)),
        currency String,
        tags Array(String),
        shows Array(UInt64),
        quantities Array(UInt16),
        original_prices Array(Nullable(Decimal(18, 2))),
        prices Array(Decimal(18, 2)),
        tickets_deleted_at Array(Nullable(DateTime64(3, 'UTC'))),
        tickets_refunded_at Array(Nullable(DateTime64(3, 'UTC'))),
        refunded_amounts Array(Nullable(Decimal(18, 2))),
        refunded_deductions Array(Nullable(Decimal(18, 2)))
    )
{%- endset %}

with

-- Each value as text, whatever it is in JSON; null and missing are ''.
landed as (

    select
        order_id,
        _ver,
        JSONExtract(
            payload,
            'Tuple(
                payed String,
                payed_at String,
                created_at String,
                deleted_at String,
                client_id String,
                event_id String,
                discount_id String,
                promo_code_id String,
                price String,
                currency_id String,
                utm Tuple({% for tag in tags %}{{ tag }} String{{ ', ' if not loop.last }}{% endfor %}),
                baskets Array(Tuple(
                    show_id String,
                    quantity String,
                    original_price String,
                    price String,
                    deleted_at String,
                    refunded_at String,
                    refunded_amount String,
                    refunded_deduction_amount String
                ))
            )'
        ) as o,
        [
            {%- for tag in tags %}
            {{ tidy_name('o.utm.' ~ tag) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ] as tags,
        tuple(
            o.payed in ('true', '1'),
            _deleted = 1,
            parseDateTime64BestEffortOrNull(o.payed_at, 3, 'UTC'),
            parseDateTime64BestEffortOrNull(o.created_at, 3, 'UTC'),
            parseDateTime64BestEffortOrNull(o.deleted_at, 3, 'UTC'),
            toUInt64OrZero(o.client_id),
            toUInt64OrZero(o.event_id),
            toUInt64OrZero(o.discount_id),
            toUInt64OrZero(o.promo_code_id),
            round(toDecimal64OrNull(o.price, 8), 2),
            o.currency_id,
            arrayConcat(arrayMap(tag -> lowerUTF8(tag), arraySlice(tags, 1, 2)), arraySlice(tags, 3)),
            arrayMap(x -> toUInt64OrZero(x), o.baskets.show_id),
            arrayMap(x -> if(x = '', 1, toUInt16OrZero(x)), o.baskets.quantity),
            arrayMap(x -> round(toDecimal64OrNull(x, 8), 2), o.baskets.original_price),
            arrayMap(x -> round(toDecimal64OrZero(x, 8), 2), o.baskets.price),
            arrayMap(x -> parseDateTime64BestEffortOrNull(x, 3, 'UTC'), o.baskets.deleted_at),
            arrayMap(x -> parseDateTime64BestEffortOrNull(x, 3, 'UTC'), o.baskets.refunded_at),
            arrayMap(x -> round(toDecimal64OrNull(x, 8), 2), o.baskets.refunded_amount),
            arrayMap(x -> round(toDecimal64OrNull(x, 8), 2), o.baskets.refunded_deduction_amount)
        )::{{ reading_type }} as reading
    from {{ source('qtickets_api', 'stg_qtickets_api_orders_raw') }}
    where
        _landed_at >= {{ raw_check_since() }}
        and _landed_at < {{ raw_check_until() }}

),

typed as (

    select
        order_id,
        _ver,
        notEmpty(unreadable_fields) as is_unreadable,
        tuple(
            is_paid,
            is_tombstone,
            paid_at,
            created_at,
            deleted_at,
            client_id,
            event_id,
            discount_id,
            promo_code_id,
            price,
            currency,
            [utm_source::String, utm_medium::String, utm_campaign, utm_content, utm_term],
            ticket_show_ids,
            ticket_quantities,
            ticket_original_prices,
            ticket_prices,
            ticket_deleted_at,
            ticket_refunded_at,
            ticket_refunded_amounts,
            ticket_refunded_deductions
        )::{{ reading_type }} as reading
    from {{ ref('stg_qtickets_api__orders') }} as orders final
    where order_id in (select order_id from landed)

),

readings as (

    select
        'landed' as side,
        order_id,
        _ver,
        false as is_unreadable,
        reading
    from landed

    union all

    select
        'typed',
        order_id,
        _ver,
        is_unreadable,
        reading
    from typed

),

different as (

    select order_id
    from readings
    group by order_id
    having
        maxIf(_ver, side = 'typed') < maxIf(_ver, side = 'landed')
        or (
            maxIf(_ver, side = 'typed') = maxIf(_ver, side = 'landed')
            and not max(is_unreadable)
            and argMaxIf(cityHash64(reading), _ver, side = 'landed')
            != argMaxIf(cityHash64(reading), _ver, side = 'typed')
        )

)

select
    landed.order_id as order_id,
    landed._ver as landed_ver,
    typed._ver as typed_ver,
    landed.reading as landed_reading,
    typed.reading as typed_reading
from landed
left join typed on landed.order_id = typed.order_id
where landed.order_id in (select order_id from different)
order by landed_ver desc
limit 1 by order_id
