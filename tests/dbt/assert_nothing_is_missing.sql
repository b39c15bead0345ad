-- Guards completeness: what the API said its total was, in the newest verified run, against what is there and not marked
-- deleted. Missing rows fail the build beyond a tolerance (orders are sold and deleted while a run reads), and warn
-- below it. Rows too many, beyond those made since that run began, only warn: what the API deleted is marked
-- within a day. The rows that are there are still right.
{{ blocks_nothing() }}
{{
    config(
        fail_calc='toUInt64(ifNull(max(greatest(rows_missing, least(rows_surplus, 1))), 0))',
        warn_if='> 0',
        error_if='> ' ~ var('completeness_tolerance'),
    )
}}

select
    resource,
    last_proven_at,
    api_total,
    rows_landed,
    rows_missing,
    rows_surplus
from {{ ref('fact_qtickets_pulls') }}
where
    rows_missing > 0
    or rows_surplus > 0
