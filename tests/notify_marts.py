"""Tables of the shape of the marts that `python -m notify` reads, filled by plain inserts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.clickhouse_server import ClickHouseServer

RESOURCES = ("orders", "events", "inventory", "discounts", "promo_codes")

_MARTS = """
create table fact_qtickets_sales_daily (sales_date Date, event_id UInt64,
    city LowCardinality(String), currency LowCardinality(String),
    tickets_sold UInt64, tickets_refunded UInt64,
    gross_revenue Decimal(18, 2), refunded_amount Decimal(18, 2), revenue Decimal(18, 2))
    engine = Memory;
create table dim_events (event_id UInt64, event_name String, city LowCardinality(String))
    engine = Memory;
create table fact_qtickets_refunds_daily (refund_date Date, event_id UInt64,
    city LowCardinality(String), currency LowCardinality(String), tickets_refunded UInt64,
    refunded_amount Decimal(18, 2), undated_amount Decimal(18, 2), kept_amount Decimal(18, 2))
    engine = Memory;
create table v_plan_vs_fact (sales_date Date, event_id UInt64, event_name String,
    city LowCardinality(String), currency LowCardinality(String), planned_tickets Nullable(Int64),
    tickets_sold Nullable(Int64), planned_revenue Nullable(Decimal(18, 2)),
    revenue Nullable(Decimal(18, 2))) engine = Memory;
create table v_show_forecast (show_id UInt64, event_name String, starts_at DateTime64(3, 'UTC'),
    tickets_sold UInt64, tickets_total Nullable(UInt64), forecast_tickets Nullable(UInt64),
    will_sell_out Nullable(Bool), verdict LowCardinality(Nullable(String))) engine = Memory;
create table v_data_quality (resource LowCardinality(String),
    last_proven_at Nullable(DateTime64(3, 'UTC')), rows_missing Nullable(UInt64), is_complete Bool)
    engine = Memory
"""
_RUNS = """
create table meta_job_runs (run_id String, job LowCardinality(String),
    resource LowCardinality(String), {kind} LowCardinality(String), started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')), status LowCardinality(String), error String,
    _ver UInt64)
    engine = ReplacingMergeTree(_ver) order by (started_at, run_id, resource)
"""


@dataclass
class Marts:
    """A database of its own on a server; instants are given in any zone."""

    server: ClickHouseServer
    database: str

    def env(self, directory: Path, **more: str) -> dict[str, str]:
        return {
            **self.server.env(),
            "CLICKHOUSE_DATABASE": self.database,
            "NOTIFY_STATE_PATH": str(directory / "notify.json"),
            "DBT_TARGET_PATH": str(directory / "target"),
            **more,
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.query(sql, database=self.database)

    def create(self, *, version: int = 2) -> None:
        self.server.query(f"create database {self.database}")
        runs = _RUNS.format(kind="mode" if version == 2 else "lane")
        for statement in [*_MARTS.split(";"), runs]:
            self.query(statement)

    def insert(self, table: str, rows: Sequence[Sequence[Any]], columns: str = "") -> None:
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        self.query(f"insert into {table} {columns and f'({columns})'} values {values}")

    def ran(
        self,
        at: datetime,
        status: str = "verified",
        error: str = "",
        *,
        resources: Sequence[str] = RESOURCES,
        mode: str = "incremental",
        kind: str = "mode",
        builds: bool = True,
    ) -> None:
        """Write down a run of the extractor that took a minute, and a build after it."""
        end = at + timedelta(minutes=1)
        rows = [
            (f"run-{at:%F %T}", "extract", name, mode, at, end, status, error, 1)
            for name in resources
        ]
        columns = f"run_id, job, resource, {kind}, started_at, finished_at, status, error, _ver"
        self.insert("meta_job_runs", rows, columns)
        if status in ("verified", "proven") and builds:
            self.built(end)

    def built(self, at: datetime, *, missing: int = 0) -> None:
        self.query("truncate table v_data_quality")
        self.insert("v_data_quality", [(name, at, missing, missing <= 10) for name in RESOURCES])

    def sold(
        self, day: date, event_id: int, tickets: int, revenue: int, currency: str = "RUB"
    ) -> None:
        row = (day, event_id, "Томск", currency, tickets, 0, revenue, 0, revenue)
        self.insert("fact_qtickets_sales_daily", [row])


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return f"fromUnixTimestamp64Milli({round(value.timestamp() * 1000)}, 'UTC')"
    if isinstance(value, date):
        return f"'{value}'"
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"
    return str(value)
