-- The users of zakaz, for a ClickHouse server with SQL-driven access. users.d/zakaz.xml says the same
-- for servers whose users are in files: use one of the two. ../README.md says how to run this; a server
-- refuses it as long as a password is missing.
--
-- In the grants, zakaz is CLICKHOUSE_DATABASE. Safe to run again, and then it also takes back what is
-- no longer listed here.

-- Runs `python -m extract`, `dbt build` and `python -m notify`, which makes the table meta_alerts.
CREATE ROLE IF NOT EXISTS zakaz_etl_role;
REVOKE ALL ON *.* FROM zakaz_etl_role;
-- When the database was created beforehand, the next line may go.
GRANT CREATE DATABASE ON zakaz.* TO zakaz_etl_role;
GRANT SELECT, INSERT, TRUNCATE ON zakaz.* TO zakaz_etl_role;
GRANT CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW ON zakaz.* TO zakaz_etl_role;
-- Asked for where table_engines_require_grant is on. Memory is for dbt's unit tests.
GRANT TABLE ENGINE ON MergeTree TO zakaz_etl_role;
GRANT TABLE ENGINE ON ReplacingMergeTree TO zakaz_etl_role;
GRANT TABLE ENGINE ON Memory TO zakaz_etl_role;
-- How the extractor brings its tables forward: what a new version adds, another EXTRACT_INVENTORY_DAYS.
GRANT ALTER ADD COLUMN, ALTER ADD INDEX, ALTER TTL ON zakaz.* TO zakaz_etl_role;
-- The words of the docs site, as comments of tables and columns.
GRANT ALTER COMMENT COLUMN, ALTER MODIFY COMMENT ON zakaz.* TO zakaz_etl_role;
-- On a cluster, also these (docs/cluster.md):
-- GRANT CLUSTER ON *.* TO zakaz_etl_role;
-- GRANT TABLE ENGINE ON ReplicatedMergeTree TO zakaz_etl_role;
-- GRANT TABLE ENGINE ON ReplicatedReplacingMergeTree TO zakaz_etl_role;
-- GRANT SYSTEM SYNC REPLICA ON zakaz.* TO zakaz_etl_role;
-- GRANT READ ON REMOTE TO zakaz_etl_role;
-- GRANT SHOW COLUMNS ON system.tables TO zakaz_etl_role;

-- HOST ANY: better HOST IP '192.0.2.7', the machine on which zakaz runs.
CREATE USER IF NOT EXISTS zakaz_etl
    IDENTIFIED WITH sha256_hash BY 'SHA256_OF_ETL_PASSWORD'
    HOST ANY;
GRANT zakaz_etl_role TO zakaz_etl;

-- DataLens and other BI: marts and views, nothing raw.
CREATE ROLE IF NOT EXISTS zakaz_reader_role;
REVOKE ALL ON *.* FROM zakaz_reader_role;
-- By name, so that a table which dbt swaps for a new one is still readable.
GRANT SELECT ON zakaz.dim_* TO zakaz_reader_role;
GRANT SELECT ON zakaz.fact_* TO zakaz_reader_role;
GRANT SELECT ON zakaz.v_* TO zakaz_reader_role;

-- May set what changes the form of an answer (BI tools do), not what follows here.
CREATE SETTINGS PROFILE OR REPLACE zakaz_reader SETTINGS
    readonly = 2,
    max_execution_time = 60 CONST,
    max_memory_usage = 4000000000 CONST,
    max_threads = 4 CONST,
    max_result_rows = 1000000 CONST,
    max_concurrent_queries_for_user = 20 CONST
    TO zakaz_reader_role;

-- An hour of a dashboard that somebody forgot on a screen is far below this.
CREATE QUOTA OR REPLACE zakaz_reader
    FOR INTERVAL 3600 second MAX queries = 20000, execution_time = 7200
    TO zakaz_reader_role;

CREATE USER IF NOT EXISTS zakaz_reader
    IDENTIFIED WITH sha256_hash BY 'SHA256_OF_READER_PASSWORD'
    HOST ANY;
GRANT zakaz_reader_role TO zakaz_reader;
