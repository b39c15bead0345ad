-- Names shows to come whose hall calls more or fewer tickets paid than were sold, beyond a tolerance, season tickets
-- counted. Only warns: certificates and seats given away in the cabinet hold seats too.
{{ blocks_nothing() }}
{{ config(severity='warn') }}

select
    show_id,
    event_name,
    tickets_sold,
    tickets_in_season,
    tickets_paid_in_hall,
    tickets_unexplained
from {{ ref('v_seats_vs_sales') }}
where abs(tickets_unexplained) > {{ var('seats_tolerance') }}
