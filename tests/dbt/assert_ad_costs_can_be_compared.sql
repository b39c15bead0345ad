-- Guards the costs of advertising, which are exported and pasted by people: rows that say less, more or something else than costs
-- should. They count all the same. Fails for what is plainly wrong, warns of what may be meant: no tag, more clicks than it was
-- shown, a source that nobody came from, a day to come.
{{ blocks_nothing() }}
{{ config(fail_calc='toUInt32(max(if(is_wrong, 2, 1)))', warn_if='= 1', error_if='> 1') }}

with

sources as (

    select distinct
        utm_source,
        currency
    from {{ ref('fact_qtickets_sales_utm_daily') }}

),

costs as (

    select
        *,
        utm_source != '' and utm_source not in (select utm_source from sources) as has_unknown_source,
        currency != '' and currency not in (select currency from sources) as has_unknown_currency,
        count() over (
            partition by spend_date, currency, utm_source, utm_medium, utm_campaign, utm_content, utm_term
        ) as how_often
    from {{ ref('stg_planning__ad_costs') }}

),

judged as (

    select
        *,
        arrayFilter(
            x -> x != '',
            [
                if(spend_date not between '2000-01-01' and '2099-12-31', 'no day of ours', ''),
                if(currency = '', 'no currency', ''),
                if(spend < 0 or impressions < 0 or clicks < 0, 'negative', ''),
                if(how_often > 1, 'more than once', '')
            ]
        ) as mistakes,
        arrayFilter(
            x -> x != '',
            [
                if(concat(utm_source, utm_medium, utm_campaign, utm_content, utm_term) = '', 'no tag', ''),
                if(clicks > impressions and impressions > 0, 'more clicks than impressions', ''),
                if(has_unknown_source, 'nobody came from this source', ''),
                if(has_unknown_currency, 'nothing was sold in this currency', ''),
                if(spend_date > {{ report_today() }}, 'a day to come', '')
            ]
        ) as doubts
    from costs

)

select
    spend_date,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_content,
    utm_term,
    currency,
    spend,
    impressions,
    clicks,
    arrayConcat(mistakes, doubts) as what,
    notEmpty(mistakes) as is_wrong
from judged
where
    notEmpty(mistakes)
    or notEmpty(doubts)
