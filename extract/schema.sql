-- The tables that runs write, each statement safe to repeat. To change a table, append a statement
-- and bring the `create` up to date: databases of older versions run what they lack, in this order.
-- Brought forward is only what cannot change the meaning of a row. {words} are filled in by
-- warehouse.py; a statement with {table} stands for one of each list, by its {key}.

create table if not exists {table}{on_cluster} (
    {key} UInt64,
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    _deleted UInt8 default 0,
    index landed_at _landed_at type minmax
) engine = {replicated}ReplacingMergeTree(_ver) order by {key};

-- DateTime ends in 2106 and begins anew: days are added to DateTime64
create table if not exists stg_qtickets_api_inventory_raw{on_cluster} (
    show_id UInt64,
    event_id UInt64,
    snapshot_ts DateTime64(3, 'UTC'),
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    index landed_at _landed_at type minmax
) engine = {replicated}ReplacingMergeTree(_ver) order by (show_id, snapshot_ts)
ttl snapshot_ts + toIntervalDay({days});

create table if not exists meta_job_runs{on_cluster} (
    run_id String,
    job LowCardinality(String),
    resource LowCardinality(String),
    mode LowCardinality(String),
    source String,
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    status LowCardinality(String),
    cursor_from Nullable(DateTime64(3, 'UTC')),
    cursor_to Nullable(DateTime64(3, 'UTC')),
    requests UInt64,
    retries UInt64,
    rows_seen UInt64,
    rows_new UInt64,
    rows_changed UInt64,
    rows_deleted UInt64,
    rows_redacted UInt64,
    api_total Nullable(UInt64),
    bytes UInt64,
    filters LowCardinality(String),
    error String,
    _ver UInt64
) engine = {replicated}ReplacingMergeTree(_ver) order by (started_at, run_id, resource);

create table if not exists meta_slices{on_cluster} (
    resource LowCardinality(String),
    lo UInt64,
    hi UInt64,
    rows UInt64,
    read_at DateTime64(3, 'UTC'),
    run_id String,
    _ver UInt64
) engine = {replicated}ReplacingMergeTree(_ver) order by (resource, lo);

alter table {table}{on_cluster} add column if not exists _deleted UInt8 default 0;

alter table {table}{on_cluster} add index if not exists landed_at _landed_at type minmax;

alter table stg_qtickets_api_inventory_raw{on_cluster}
    add index if not exists landed_at _landed_at type minmax;

-- Version 1 had a row a run, resource and `lane`, which stays in its key.
alter table meta_job_runs{on_cluster} add column if not exists mode LowCardinality(String) default
    multiIf(lane in ('changes', 'all', 'snapshot'), 'incremental', lane = 'range', 'range', 'part');

alter table meta_job_runs{on_cluster} add column if not exists source String default '';

alter table meta_job_runs{on_cluster} add column if not exists rows_new UInt64 default 0;

alter table meta_job_runs{on_cluster} add column if not exists rows_deleted UInt64 default 0;

alter table meta_job_runs{on_cluster} add column if not exists rows_redacted UInt64 default 0;

alter table stg_qtickets_api_inventory_raw{on_cluster} modify ttl snapshot_ts + toIntervalDay({days})
    settings materialize_ttl_after_modify = 0;
