-- Names orders with an UTM tag of which the extractor kept nothing. Only warns: mostly it is a buyer's e-mail, put there by
-- whoever made the link, and the sale is in the totals under `[redacted]`.
{{ blocks_nothing() }}
{{ config(severity='warn') }}

select
    order_id,
    redacted_tags
from {{ ref('stg_qtickets_api__orders') }} as orders final
where notEmpty(redacted_tags)
