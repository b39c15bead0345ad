{#- A seed that cannot be read fails and keeps what it held, and dbt skips all that reads it: a plan stops the plan. But names
    are read by everything, so a seed that `stops_nothing` goes on with the last ones that could be read, and a test says so. -#}
{% macro load_seed() -%}
    {%- set problem = problem_of_seed() -%}
    {%- if not problem -%}
        {{ return(dbt.materialization_seed_default()) }}
    {%- endif -%}
    {%- if not config.get('meta', {}).get('stops_nothing') or target.cluster or load_cached_relation(this) is none -%}
        {{ exceptions.raise_compiler_error(problem) }}
    {%- endif -%}
    {{ return(left_alone('KEPT')) }}
{%- endmacro %}


{#- '' when there is none. The first line names the columns: otherwise one that is missing would be filled with nothing, a first
    build would make a table of whatever the columns are called, and an older plan would be emptied. -#}
{% macro problem_of_seed() -%}
    {%- if model.checksum.name == 'unreadable' -%}
        {{ return(model.original_file_path ~ ' ' ~ model.checksum.checksum) }}
    {%- endif -%}
    {%- set expected = model.config.column_types.keys() | list -%}
    {%- set found = load_agate_table().column_names | list -%}
    {%- if found | sort != expected | sort -%}
        {{ return(
            model.original_file_path ~ ': the first line must be "' ~ expected | join(',') ~ '", and is "' ~ found | join(',') ~ '".'
        ) }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}
