{#- From the text of a JSON value to a type; null when the text is not what it should be, so that the
    caller can tell "missing" from "unreadable". JSONExtract straight into Decimal or DateTime is as fast,
    but makes 0 of "[redacted]", drops what is beyond the kopeck (589.9999 must be 590.00), takes
    "0000-00-00" for a day of this year, and one 1e30 fails the query for all other orders. -#}

{% macro json_money(text) -%}
    accurateCastOrNull(round(toDecimal64OrNull({{ text }}, 8), 2), 'Decimal(18, 2)')
{%- endmacro %}


{% macro json_instant(text) -%}
    if(
        match({{ text }}, '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})$'),
        parseDateTime64BestEffortOrNull({{ text }}, 3, 'UTC'),
        null
    )
{%- endmacro %}


{#- Did this text hold something that could not be read? Missing and empty are fine. -#}
{% macro is_unreadable(text, parsed) -%}
    (ifNull({{ text }}, '') != '' and isNull({{ parsed }}))
{%- endmacro %}


{#- Names are typed by people: no-break spaces, doubled spaces, spaces around. -#}
{% macro tidy_name(text) -%}
    trimBoth(replaceRegexpAll({{ text }}, '[\\s\\x{00A0}]+', ' '))
{%- endmacro %}


{#- A yes or no as PHP writes it: true, 1, "1", "true"; false, 0, "", "0". Null when missing. -#}
{% macro json_flag(text) -%}
    multiIf(isNull({{ text }}), null, lower({{ text }}) in ('', '0', 'false', 'no'), false, true)
{%- endmacro %}
