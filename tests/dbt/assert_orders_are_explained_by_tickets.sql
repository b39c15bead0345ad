-- Names paid orders whose price is not the sum of their tickets: services, or money that no report shows. Only warns.
{{ blocks_nothing() }}
{{ config(severity='warn') }}

select
    order_id,
    order_amount,
    tickets_amount,
    service_fee,
    outside_amount
from {{ ref('fact_qtickets_orders_outside_tickets') }}
