"""The figures of the pages, by SQL from the marts: queries/*.sql, with one "now" for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reader import Reader, ReaderError

QUERIES = Path(__file__).parent / "queries"

# where days begin and end, as in dbt's var report_timezone
ZONE = "Europe/Moscow"
MOSCOW = ZoneInfo(ZONE)

Row = dict[str, Any]
Rows = list[Row]


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows of the queries. Instants are aware, days Moscow days, money is Decimal.

    `of` has the rows of queries/NAME.sql by NAME, `files` those of queries/csv/NAME.sql.
    """

    now: datetime
    today: date
    of: dict[str, Rows]
    files: dict[str, Rows]


def read(reader: Reader) -> Figures:
    """Ask for all figures. Raises ReaderError, also when a mart of any query is missing."""
    missing = marts() - reader.tables()
    if missing:
        raise ReaderError(
            "missing",
            f"ClickHouse ({reader.place}): no {', '.join(sorted(missing))} in {reader.database}, or"
            " no right to see it. Run `dbt build` first.",
        )
    (clock,) = reader.rows(_sql(QUERIES / "clock.sql"), zone=ZONE)
    names = [path for path in sorted(QUERIES.glob("*.sql")) if path.stem != "clock"]
    return Figures(
        clock["now"].astimezone(MOSCOW),
        clock["today"],
        {path.stem: reader.rows(_sql(path), zone=ZONE, today=clock["today"]) for path in names},
        {path.stem: reader.rows(_sql(path)) for path in sorted(QUERIES.glob("csv/*.sql"))},
    )


def marts() -> set[str]:
    """Return the names of the marts that the queries read."""
    texts = [_sql(path) for path in QUERIES.rglob("*.sql")]
    return {
        name for text in texts for name in re.findall(r"\b(?:from|join) ((?:dim|fact|v)_\w+)", text)
    }


def _sql(path: Path) -> str:
    return path.read_text(encoding="utf-8")
