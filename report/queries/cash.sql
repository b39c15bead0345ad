-- One row is a day and a currency of the last 14 days in which money came in or was paid back.
with

daily as (

    select
        cash_date,
        currency,
        sum(gross_revenue) as sum_paid,
        sum(refunded_amount) as sum_paid_back,
        sum(net_cash) as sum_net
    from v_cash_daily
    where
        cash_date > {today:Date} - 14
        and cash_date <= {today:Date}
    group by
        cash_date,
        currency

),

final as (

    select
        cash_date as day,
        currency,
        sum_paid as paid,
        sum_paid_back as paid_back,
        sum_net as net_cash,
        sum(sum_paid) over (partition by currency) as paid_of_currency,
        sum(sum_paid_back) over (partition by currency) as paid_back_of_currency,
        sum(sum_net) over (partition by currency) as net_cash_of_currency
    from daily

)

select * from final
order by
    day desc,
    paid_of_currency desc,
    currency
