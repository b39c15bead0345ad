{#- A table of which nothing has changed since it was built is left as it is; dbt-core would build all of them again, every
    half hour. `meta_builds` remembers what each was built from: its text and configuration, the day, the server, and the
    state of all that it reads, taken before it is read. Whatever is not certain is built, and `--full-refresh` builds all. -#}

{% materialization table, adapter='clickhouse' -%}
    {{ return(unless_unchanged(dbt.materialization_table_clickhouse)) }}
{%- endmaterialization %}


{% materialization incremental, adapter='clickhouse' -%}
    {{ return(unless_unchanged(dbt.materialization_incremental_clickhouse)) }}
{%- endmaterialization %}


{% materialization seed, adapter='clickhouse' -%}
    {{ return(unless_unchanged(load_seed)) }}
{%- endmaterialization %}


{#- With a cluster everything is built: what one replica has, another may not have yet. -#}
{% macro unless_unchanged(build) -%}
    {%- if target.cluster -%}
        {{ return(build()) }}
    {%- endif -%}
    {%- if load_cached_relation(meta_builds()) is none -%}
        {%- do run_query(create_meta_builds()) -%}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set known = [model] if existing and not existing.is_view else [] -%}
    {%- set unknown = [] -%}
    {%- for node in nodes_read_by(model) -%}
        {%- set there = load_cached_relation(api.Relation.create(schema=node.schema, identifier=node.alias or node.identifier)) -%}
        {#- a table that an organiser fills may be of any engine, and a view that is not dbt's may read anything -#}
        {%- set is_foreign = node.schema != this.schema or node.resource_type == 'source' and node.source_name != 'qtickets_api' -%}
        {%- set is_known = there and there.is_view == (node.config.materialized == 'view') and not is_foreign -%}
        {%- do (known if is_known else unknown).append(node) -%}
    {%- endfor -%}
    {%- set states = states_of(known) -%}
    {%- set inputs = '' if unknown else built_from(states) -%}
    {%- if inputs and inputs == states.get(this.identifier, {}).get('built_from') and not should_full_refresh() -%}
        {{ return(left_alone('UNCHANGED')) }}
    {%- endif -%}
    {%- set made = build() -%}
    {%- do run_query(remember_build(inputs)) -%}
    {{ return(made) }}
{%- endmacro %}


{#- What dbt asks of a materialization that did nothing: a word for its log, and of a seed the rows that it loaded. -#}
{% macro left_alone(word) -%}
    {%- call noop_statement('main', word) -%}{%- endcall -%}
    {%- if model.resource_type == 'seed' -%}
        {%- do store_result('agate_table', response=word, agate_table=run_query('select 1 where false')) -%}
    {%- endif -%}
    {{ return({'relations': [load_cached_relation(this)]}) }}
{%- endmacro %}


{#- A hash of all that decides what the table holds; '' when that is the clock, or cannot be known. -#}
{% macro built_from(states) -%}
    {%- set read = [(sql or '') | replace(report_today(), '')] -%}
    {%- for name, state in states | dictsort if name != this.identifier -%}
        {%- do read.append(state['state'] or 'now()') -%}
    {%- endfor -%}
    {%- set clock = '(?i)\\b(now|now64|today|yesterday|rand\\w*|generate\\w*)\\s*\\(' -%}
    {%- if modules.re.search(clock, read | join('\n')) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set configured = [model.config, model.columns, model.description, model.checksum] -%}
    {{ return(local_md5(tojson([sql, read, configured, dbt_version], sort_keys=true))) }}
{%- endmacro %}


{#- The nodes that a model reads, itself or through views. -#}
{% macro nodes_read_by(node) -%}
    {%- set nodes = [] -%}
    {%- for id in node.depends_on.nodes -%}
        {%- set read = graph.nodes.get(id) or graph.sources[id] -%}
        {%- do nodes.append(read) -%}
        {%- if read.config.materialized == 'view' -%}
            {%- do nodes.extend(nodes_read_by(read)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(nodes | unique(attribute='unique_id') | list) }}
{%- endmacro %}


{% macro meta_builds() -%}
    {{ return(api.Relation.create(schema=target.schema, identifier='meta_builds', type='table')) }}
{%- endmacro %}


{% macro create_meta_builds() -%}
    create table if not exists {{ meta_builds() }} (
        name String,
        built_from String,
        version String,
        rows_hash String,
        problem String,
        built_at DateTime64(6, 'UTC')
    )
    engine = ReplacingMergeTree(built_at)
    order by name
{%- endmacro %}


{#- By name of the table: `built_from`, if nobody has written to it since, and `state`: its version, but of a table built by the
    clock a hash of its rows, so that what reads it is not built again for the same ones. The one without a name is the day and
    the version of the server. No joins in SQL: they would take longer than all else here. -#}
{% macro states_of(nodes) -%}
    {%- set names = [] -%}
    {%- for node in nodes -%}
        {%- do names.append("'" ~ (node.alias or node.identifier) ~ "'") -%}
    {%- endfor -%}
    {%- set asked -%}
        select
            '' as name,
            'version' as what,
            concat({{ report_today() }}::String, ' ', version()) as value
        {%- if nodes %}
        union all
        select
            name,
            'identity',
            {{ identity() }}
        from system.tables
        where database = '{{ this.schema }}' and name in ({{ names | join(', ') }})
        union all
        select
            name,
            'build',
            argMax(concat(version, '\t', built_from, '\t', rows_hash), built_at)
        from {{ meta_builds() }}
        where name in ({{ names | join(', ') }})
        group by name
        {%- endif %}
        {%- for node in nodes if node.config.materialized != 'view' %}
        union all
        select
            '{{ node.alias or node.identifier }}',
            'content',
            {{ content() }}
        from (select _part from {{ node.relation_name }} group by _part)
        {%- endfor %}
    {%- endset -%}
    {%- set found = {} -%}
    {%- for row in run_query(asked).rows -%}
        {%- do found.setdefault(row['name'], {}).update({row['what']: row['value']}) -%}
    {%- endfor -%}
    {%- set states = {} -%}
    {%- for name, one in found.items() -%}
        {%- set version = one['version'] or one['identity'] and one['identity'] ~ one['content'] -%}
        {%- set last = (one['build'] or '\t\t').split('\t') -%}
        {%- set is_last = version and version == last[0] -%}
        {%- do states.update({name: {
            'built_from': last[1] if is_last else '',
            'state': last[2] if is_last and last[2] else version,
        }}) -%}
    {%- endfor -%}
    {{ return(states) }}
{%- endmacro %}


{#- SQL of what a table is: of a view its text, otherwise its UUID. Where there is none, nothing tells a table from the one that
    took its place. -#}
{% macro identity() -%}
    multiIf(engine = 'View', as_select, uuid = toUUIDOrZero(''), '', uuid::String)
{%- endmacro %}


{#- SQL of which blocks and mutations are in a table, which merges leave alone: its parts are called all_MIN_MAX_LEVEL or
    all_MIN_MAX_LEVEL_MUTATION. (system.parts has them as well, but not for every user.) On some servers a block may appear
    after a newer one, so they are counted, too. -#}
{% macro content() -%}
    {%- set number = "toUInt64OrZero(splitByChar('_', _part)[{}])" -%}
    (
        max({{ number.format(3) }}),
        sum({{ number.format(3) }} - {{ number.format(2) }}) + count(),
        max({{ number.format(5) }})
    )::String
{%- endmacro %}


{% macro remember_build(inputs) -%}
    insert into {{ meta_builds() }}
    select
        '{{ this.identifier }}' as name,
        '{{ inputs }}' as built_from,
        concat(
            (select {{ identity() }} from system.tables where database = '{{ this.schema }}' and name = '{{ this.identifier }}'),
            (select {{ content() }} from (select _part from {{ this }} group by _part))
        ) as version,
        {%- if inputs or model.resource_type == 'seed' %}
        '' as rows_hash,
        {%- else %}
        (select concat(count()::String, ' ', sum(cityHash64(tuple(*)::String))::String) from {{ this }}) as rows_hash,
        {%- endif %}
        '{{ problem_of_seed() | replace("\\", "\\\\") | replace("'", "\\'") if model.resource_type == 'seed' }}' as problem,
        now64(6, 'UTC') as built_at
{%- endmacro %}
