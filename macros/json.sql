{#- From the text of a JSON value to a type; null when the text is not what it should be, so that "missing" and "unreadable"
    can be told apart. JSONExtract straight into Decimal or DateTime makes 0 of "[redacted]", drops what is beyond the
    kopeck (589.9999 must be 590.00), takes "0000-00-00" for a day, and one 1e30 fails the query for all other orders. -#}

{% macro json_id(text) -%}
    toUInt64OrNull({{ text }})
{%- endmacro %}


{% macro json_money(text) -%}
    accurateCastOrNull(round(toDecimal64OrNull({{ text }}, 8), 2), 'Decimal(18, 2)')
{%- endmacro %}


{#- Without an offset it is not known which instant is meant; MySQL's empty date, 0000-00-00, is none, and neither is 25:00,
    of which ClickHouse makes the next day. -#}
{% macro json_instant(text) -%}
    if(
        match({{ text }}, '^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$'),
        parseDateTime64BestEffortOrNull({{ text }}, 3, 'UTC'),
        null
    )
{%- endmacro %}


{#- A yes or no as PHP writes it: true, 1, "1", "true"; false, 0, "", "0", "false". -#}
{% macro json_flag(text) -%}
    multiIf(
        lower(ifNull({{ text }}, '-')) in ('1', 'true'), true,
        lower(ifNull({{ text }}, '-')) in ('', '0', 'false'), false,
        null
    )
{%- endmacro %}


{#- A word such as a currency's code; null when the extractor found something else there. -#}
{% macro json_word(text) -%}
    if(match({{ text }}, '^[\\w.:-]*$'), {{ text }}, null)
{%- endmacro %}


{#- Did this text hold something that could not be read? Missing and empty are fine. -#}
{% macro is_unreadable(text, parsed) -%}
    (ifNull({{ text }}, '') != '' and isNull({{ parsed }}))
{%- endmacro %}


{#- The keys of a payload under which there is only what the extractor puts in place of another kind of value, or a list that
    begins with it. Most payloads have none, and are not searched by the pattern. -#}
{% macro redacted_keys(payload) -%}
    extractAll(if(position({{ payload }}, '"[redacted]"') > 0, {{ payload }}, ''), '"([^"]+)":\\[?"\\[redacted]"')
{%- endmacro %}


{#- The names of the fields that could not be read: of pairs (field, SQL of the condition), and of the redacted keys for which
    there is no pair and which are not `unused`. -#}
{% macro unreadable_fields(checks, redacted_keys, unused=[]) -%}
    {%- set known = unused | list -%}
    {%- for field, condition in checks -%}
        {%- do known.append(field.split('.')[-1]) -%}
    {%- endfor -%}
    arrayFilter(
        x -> x != '',
        arrayConcat(
            [
                {%- for field, condition in checks %}
                if({{ condition }}, '{{ field }}', ''){{ ',' if not loop.last }}
                {%- endfor %}
            ],
            arrayFilter(x -> x not in {{ known | unique | list }}, arrayDistinct({{ redacted_keys }}))
        )
    )
{%- endmacro %}


{#- Names are typed by people, and pasted from slides: every kind of white space is one space, none at the ends. RE2's \s
    is ASCII without U+000B. -#}
{% macro tidy_name(text) -%}
    trimBoth(replaceRegexpAll({{ text }}, '[\\s\\x{0B}\\x{1C}-\\x{1F}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200B}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{2060}\\x{3000}\\x{FEFF}]+', ' '))
{%- endmacro %}
