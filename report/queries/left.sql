-- One row is an event with shows to come: what is left, and what becomes of it when it goes on selling as fast
-- as on the last 7 whole days. An exhibition's only show may have begun: then there is no day to count to.
with

selling as (

    select
        event_id,
        event_name,
        city,
        shows_to_come,
        tickets_total,
        tickets_left,
        share_sold,
        tickets_sold_7d,
        days_to_sell_out,
        if(last_show_at > now(), toDate(last_show_at, {zone:String}), null) as last_day
    from v_sell_through

),

final as (

    select
        event_id,
        event_name,
        city,
        shows_to_come,
        tickets_total,
        tickets_left,
        share_sold,
        tickets_sold_7d,
        days_to_sell_out,
        last_day,
        dateDiff('day', {today:Date}, last_day)::Nullable(UInt32) as days_ahead,
        if(isNull(days_ahead), null, least(intDiv(tickets_sold_7d * days_ahead, 7), tickets_left)) as tickets_expected,
        if(tickets_total > 0, tickets_expected / tickets_total, null) as share_expected
    from selling

)

select * from final
order by
    ifNull(tickets_left = 0, false), -- nothing to be done about these any more
    days_to_sell_out asc nulls last,
    share_sold desc nulls last,
    event_name,
    event_id
