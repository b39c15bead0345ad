"""The figures of the page, by SQL from the marts: queries/*.sql, with one "now" for all of them."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from extract.errors import WarehouseError
from extract.settings import Settings
from extract.warehouse import Warehouse

QUERIES = Path(__file__).parent / "queries"

# where days begin and end, as in dbt's var report_timezone
ZONE = "Europe/Moscow"

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows of the queries, named as their files. Times are Moscow's, money is Decimal."""

    built_at: datetime
    today: date
    quality: Rows
    totals: Rows
    days: Rows
    cities: Rows
    left: Rows
    shows: Rows
    plan: Rows
    sources: Rows
    promo: Rows
    refunds: Rows
    cash: Rows
    buyers: Rows


def read(settings: Settings) -> Figures:
    """Ask for all figures.

    Raises WarehouseError; Locked when another process uses the embedded database.
    """
    place = f"ClickHouse ({settings.clickhouse_place})"
    if settings.clickhouse_host is None and not settings.clickhouse_path.exists():
        raise WarehouseError(f"{place}: nothing there yet. Run `python -m extract`, `dbt build`.")
    with closing(Warehouse(settings, run_id="report")) as warehouse:
        missing = _marts() - {row["name"] for row in warehouse.ask("show tables")}
        if missing:
            raise WarehouseError(
                f"{place}: no {', '.join(sorted(missing))} in {settings.clickhouse_database}, or"
                " no right to see it. Run `dbt build` first."
            )
        (clock,) = warehouse.ask(_sql("clock"), zone=ZONE)
        now = {"zone": ZONE, "today": clock["today"]}
        names = [field.name for field in fields(Figures) if field.name not in ("built_at", "today")]
        rows: dict[str, Rows] = {name: warehouse.ask(_sql(name), **now) for name in names}
    return Figures(
        datetime.fromisoformat(clock["built_at"]).replace(tzinfo=ZoneInfo(ZONE)),
        date.fromisoformat(clock["today"]),
        **rows,
    )


def _sql(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text()


def _marts() -> set[str]:
    """Return the marts that the queries read."""
    texts = [path.read_text() for path in QUERIES.glob("*.sql")]
    return {name for text in texts for name in re.findall(r"\b(?:dim|fact|v)_\w+", text)}
