-- Guards the plan, which is typed by people: rows that say less, more or something else than a plan should. They count all
-- the same. Fails for what is plainly wrong, warns of what may be meant: a city without an event yet, an event that QTickets has in another.
{{ blocks_nothing() }}
{{ config(fail_calc='toUInt32(max(if(is_wrong, 2, 1)))', warn_if='= 1', error_if='> 1') }}

with

plan as (

    select
        *,
        count() over (partition by plan_date, event_id, if(event_id = 0, city, ''), currency) as how_often
    from {{ ref('stg_planning__plan_sales') }}

),

events as (

    select * from {{ ref('dim_events') }}
    where is_known

),

judged as (

    select
        plan.plan_date as plan_date,
        plan.event_id as event_id,
        plan.city as city,
        plan.currency as currency,
        plan.planned_tickets as planned_tickets,
        plan.planned_revenue as planned_revenue,
        arrayFilter(
            x -> x != '',
            [
                if(plan.event_id = 0 and plan.city = '', 'neither event nor city', ''),
                if(plan.event_id != 0 and events.event_id = 0, 'unknown event', ''),
                if(plan.plan_date not between '2000-01-01' and '2099-12-31', 'no day of ours', ''),
                if(plan.currency = '', 'no currency', ''),
                if(plan.planned_tickets < 0 or plan.planned_revenue < 0, 'negative', ''),
                if(plan.how_often > 1, 'more than once', '')
            ]
        ) as mistakes,
        arrayFilter(
            x -> x != '',
            [
                if(
                    plan.event_id = 0 and plan.city != '' and plan.city not in (select city::String from events),
                    'no event in this city',
                    ''
                ),
                if(
                    plan.city != '' and events.city != '' and events.city != plan.city,
                    'the event is in another city',
                    ''
                )
            ]
        ) as doubts
    from plan
    left join events on plan.event_id = events.event_id

)

select
    plan_date,
    event_id,
    city,
    currency,
    planned_tickets,
    planned_revenue,
    arrayConcat(mistakes, doubts) as what,
    notEmpty(mistakes) as is_wrong
from judged
where
    notEmpty(mistakes)
    or notEmpty(doubts)
