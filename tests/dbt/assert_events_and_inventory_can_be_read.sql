-- Guards against events and pictures of seats that are no JSON, or an event that is another's. Sales of such an event
-- stay, under the name `unknown`; its inventory is unknown. Runs last, as the test of orders does.
-- depends_on: {{ ref('v_sales_latest') }}
-- depends_on: {{ ref('v_sales_14d') }}

select
    'event' as what,
    event_id as id,
    _ver
from {{ ref('stg_qtickets_api__events') }}
where not is_readable

union all

select
    'inventory of show' as what,
    show_id as id,
    max(landed._ver) as newest_ver
from {{ source('qtickets_api', 'stg_qtickets_api_inventory_raw') }} as landed
group by show_id
having not isValidJSON(argMax(landed.payload, (landed.snapshot_ts, landed._ver)))
