{#- Before a seed is loaded: its first line names the columns it should have. Otherwise a column that is missing would be filled
    with nothing, a first build would make a table of whatever the columns are called, and an older plan would be emptied. -#}
{% macro stop_at_other_columns() -%}
    {%- if execute -%}
        {%- set expected = model.config.column_types.keys() | list -%}
        {%- set found = load_agate_table().column_names | list -%}
        {%- if found | sort != expected | sort -%}
            {{ exceptions.raise_compiler_error(
                model.original_file_path ~ ': the first line must be "' ~ expected | join(',') ~ '", and is "' ~ found | join(',') ~ '".'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
