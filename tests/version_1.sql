-- The tables as the release before version 2 made them.
create table if not exists stg_qtickets_api_events_raw (
    event_id UInt64,
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    _deleted UInt8 default 0,
    index landed_at _landed_at type minmax
) engine = ReplacingMergeTree(_ver) order by event_id;

create table if not exists stg_qtickets_api_orders_raw (
    order_id UInt64,
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    _deleted UInt8 default 0,
    index landed_at _landed_at type minmax
) engine = ReplacingMergeTree(_ver) order by order_id;

create table if not exists stg_qtickets_api_promo_codes_raw (
    promo_code_id UInt64,
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    _deleted UInt8 default 0,
    index landed_at _landed_at type minmax
) engine = ReplacingMergeTree(_ver) order by promo_code_id;

create table if not exists stg_qtickets_api_discounts_raw (
    discount_id UInt64,
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    _deleted UInt8 default 0,
    index landed_at _landed_at type minmax
) engine = ReplacingMergeTree(_ver) order by discount_id;

create table if not exists stg_qtickets_api_inventory_raw (
    show_id UInt64,
    event_id UInt64,
    snapshot_ts DateTime64(3, 'UTC'),
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String),
    index landed_at _landed_at type minmax
) engine = ReplacingMergeTree(_ver) order by (show_id, snapshot_ts)
ttl toDateTime(snapshot_ts) + toIntervalDay(400);

create table if not exists meta_job_runs (
    run_id String,
    job LowCardinality(String),
    resource LowCardinality(String),
    lane LowCardinality(String),
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    status LowCardinality(String),
    cursor_from Nullable(DateTime64(3, 'UTC')),
    cursor_to Nullable(DateTime64(3, 'UTC')),
    requests UInt64,
    retries UInt64,
    rows_seen UInt64,
    rows_changed UInt64,
    rows_landed UInt64,
    api_total Nullable(UInt64),
    bytes UInt64,
    filters LowCardinality(String),
    error String,
    _ver UInt64
) engine = ReplacingMergeTree(_ver) order by (started_at, run_id, resource, lane);

create table if not exists meta_slices (
    resource LowCardinality(String),
    lo UInt64,
    hi UInt64,
    rows UInt64,
    read_at DateTime64(3, 'UTC'),
    run_id String,
    _ver UInt64
) engine = ReplacingMergeTree(_ver) order by (resource, lo);
