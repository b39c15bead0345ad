{#- The Moscow day of a moment of a show. Date32: a show may be announced for a year that Date cannot hold. -#}
{% macro show_day(instant) -%}
    toDate32(toTimeZone({{ instant }}, '{{ var("report_timezone") }}'))
{%- endmacro %}


{#- Days from a day of sale to the day on which the show begins: 0 on that day, negative after it, null when it is not known. -#}
{% macro days_before_show(day, show_date) -%}
    dateDiff('day', {{ day }}, {{ show_date }})::Nullable(Int32)
{%- endmacro %}


{#- The days that a show may last and still have a sales curve towards its first day: an evening, a festival. What is open for
    longer is an exhibition, and most of its visitors buy while it is open. -#}
{% macro longest_show_days() -%}
    7
{%- endmacro %}


{#- The middle of some numbers; of an even count, halfway between the two in the middle. -#}
{% macro median(numbers) -%}
    quantileExactInclusive(0.5)({{ numbers }})
{%- endmacro %}


{#- Where the lower quarter of some numbers ends, their middle, and where the upper quarter begins. -#}
{% macro quartiles(numbers) -%}
    quantilesExactInclusive(0.25, 0.5, 0.75)({{ numbers }})
{%- endmacro %}


{#- The numbers of days before a show at which forecasts are judged. -#}
{% macro forecast_horizons() -%}
    [28, 14, 7, 3, 1]
{%- endmacro %}


{#- How many finished shows a forecast rests on at least. -#}
{% macro least_shows() -%}
    5
{%- endmacro %}


{#- An expected number of tickets made possible: whole, not below what is sold, never above the hall. A hall of which nothing is
    known bounds nothing. -#}
{% macro possible_tickets(expected, sold, hall) -%}
    least(greatest(round({{ expected }}), toFloat64({{ sold }})), ifNull(toFloat64({{ hall }}), inf))
{%- endmacro %}


{#- What a ticket that was not free cost on average, to the kopeck; null without any. -#}
{% macro average_price(gross, tickets) -%}
    round({{ gross }}::Decimal(38, 8) / nullIf({{ tickets }}, 0), 2)::Nullable(Decimal(18, 2))
{%- endmacro %}


{#- By how many per cent one number is above another; null where there was nothing, or nothing is known. -#}
{% macro change_per_cent(value, before) -%}
    if({{ before }} > 0, round(100 * toFloat64({{ value }} - {{ before }}) / toFloat64({{ before }}), 1) + 0, null)::Nullable(Float64)
{%- endmacro %}
