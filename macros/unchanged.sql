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
        {#- a table that an organiser fills may be of any engine, or a view of anything -#}
        {%- set is_foreign = node.schema != this.schema or node.resource_type == 'source' and node.source_name != 'qtickets_api' -%}
        {%- do (unknown if is_foreign else known).append(node) -%}
    {%- endfor -%}
    {%- set rows = run_query(states_of(known)).rows -%}
    {%- set inputs = '' if unknown else built_from(rows) -%}
    {%- set last_inputs = rows | selectattr('name', 'eq', this.identifier) | map(attribute='built_from') | first -%}
    {%- if inputs and inputs == last_inputs and not should_full_refresh() -%}
        {{ return(left_alone('UNCHANGED')) }}
    {%- endif -%}
    {%- set made = build() -%}
    {%- do run_query(remember_build(inputs)) -%}
    {{ return(made) }}
{%- endmacro %}


{#- What dbt asks of a materialization that did nothing: a word for its log, and of a seed the rows that it loaded. -#}
{% macro left_alone(word) -%}
    {%- call noop_statement('main', word) -%}{%- endcall -%}
    {%- do store_result('agate_table', response=word, agate_table=run_query('select 1 where false')) -%}
    {{ return({'relations': [load_cached_relation(this)]}) }}
{%- endmacro %}


{#- A hash of all that decides what the table holds; '' when that is the clock, or cannot be known. -#}
{% macro built_from(rows) -%}
    {%- set read = [(sql or '') | replace(report_today(), '')] -%}
    {%- for row in rows if row['name'] != this.identifier -%}
        {%- do read.append(row['state'] or 'now()') -%}
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


{#- A row a table: what it was built from, if nobody has written to it since, and its state. That is its identity, and the blocks
    and mutations in it, which merges leave alone (system.parts has them as well, but not for every user); of a view its text;
    and of a table built by the clock a hash of its rows, so that what reads it is not built again for the same ones. The row
    without a name is the day and the version of the server. -#}
{% macro states_of(nodes) -%}
    {%- set names = [] -%}
    {%- for node in nodes -%}
        {%- do names.append("'" ~ (node.alias or node.identifier) ~ "'") -%}
    {%- endfor -%}
    {%- set names = '(' ~ (names | join(', ') or "''") ~ ')' -%}
    with

    parts as (

        {%- for node in nodes if node.config.materialized != 'view' %}
        select '{{ node.alias or node.identifier }}' as name, _part, count() from {{ node.relation_name }} group by _part
        {{ 'union all' if not loop.last }}
        {%- else %}
        select '' as name, '' as _part, 0 as rows
        {%- endfor %}

    ),

    -- all_MIN_MAX_LEVEL or all_MIN_MAX_LEVEL_MUTATION: none is partitioned
    contents as (

        select
            name,
            max(toUInt64OrZero(splitByChar('_', _part)[3])) as newest,
            -- on some servers a block may appear after a newer one
            sum(toUInt64OrZero(splitByChar('_', _part)[3]) - toUInt64OrZero(splitByChar('_', _part)[2])) + count() as blocks,
            max(toUInt64OrZero(splitByChar('_', _part)[5])) as mutation
        from parts
        group by name

    ),

    versions as (

        select
            name,
            multiIf(
                engine = 'View', as_select,
                -- in such a database nothing tells a table from the one that took its place
                uuid = toUUIDOrZero(''), '',
                concat(uuid::String, (newest, blocks, mutation)::String)
            ) as version
        from system.tables
        left join contents using (name)
        where database = '{{ this.schema }}' and name in {{ names }}

    ),

    builds as (

        select * from {{ meta_builds() }}
        where name in {{ names }}
        order by built_at desc
        limit 1 by name

    )

    select
        name,
        versions.version as version,
        if(builds.version = versions.version and versions.version != '', builds.built_from, '') as built_from,
        if(builds.version = versions.version and rows_hash != '', rows_hash, versions.version) as state
    from versions
    left join builds using (name)
    union all
    select
        '' as name,
        '' as version,
        '' as built_from,
        concat({{ report_today() }}::String, ' ', version()) as state
    order by name
{%- endmacro %}


{% macro remember_build(inputs) -%}
    insert into {{ meta_builds() }}
    select
        name,
        '{{ inputs }}' as built_from,
        version,
        {%- if inputs or model.resource_type == 'seed' %}
        '' as rows_hash,
        {%- else %}
        (select concat(count()::String, ' ', sum(cityHash64(tuple(*)::String))::String) from {{ this }}) as rows_hash,
        {%- endif %}
        '{{ problem_of_seed() | replace("\\", "\\\\") | replace("'", "\\'") if model.resource_type == 'seed' }}' as problem,
        now64(6, 'UTC') as built_at
    from ({{ states_of([model]) }})
    where name != ''
{%- endmacro %}
