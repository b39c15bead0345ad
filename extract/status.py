"""Whether a run could work (--check), and whether all is fresh and complete (--healthcheck).

Neither writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse import utc
from extract.client import Client
from extract.errors import WarehouseError, by_cause
from extract.pages import Pages
from extract.resources import INVENTORY, INVENTORY_TABLE, LISTINGS
from extract.settings import Settings
from extract.warehouse import VERIFIED, Warehouse, believable

_TOLERATED_SKEW = timedelta(minutes=2)
_TABLES = {listing.name: listing.table for listing in LISTINGS} | {INVENTORY: INVENTORY_TABLE}


def check(settings: Settings, client: Client) -> list[str]:
    """Request of the API and of ClickHouse what a run would need; say what was found.

    Raises ApiError or WarehouseError, which name the setting at fault.
    """
    pages = Pages(client)
    lines = ["settings    fine"]
    for listing in LISTINGS:
        page = pages.page(listing, newest_first=True)
        lines.append(
            f"API         {listing.name}: {page.total:,} there, filters by {pages.encoding}"
        )
    skew = client.clock_ahead or page.date - datetime.now(UTC)
    if abs(skew) > _TOLERATED_SKEW:
        lines.append(f"API         its clock is {skew.total_seconds():+.0f} s from ours; no harm")
    place = settings.clickhouse_place
    if settings.clickhouse_host is None and not settings.clickhouse_path.exists():
        return [*lines, f"ClickHouse  {place}: not there yet, the first run creates it"]
    with closing(Warehouse(settings, run_id="check")) as warehouse:
        missing = warehouse.missing_rights()
        if missing:
            raise WarehouseError(
                f"ClickHouse ({place}): CLICKHOUSE_USER {settings.clickhouse_user} lacks "
                f"{', '.join(missing)} on {settings.clickhouse_database}.*"
            )
        lines.append(f"ClickHouse  {place}: version {warehouse.version()}, rights sufficient")
        lines += [
            f"ClickHouse  the next run will {' '.join(statement.split(' (')[0].split())}"
            for statement in warehouse.due()
        ]
    return lines


@dataclass(slots=True)
class Health:
    """How a resource is. `rows`: landed and not deleted. Times are UTC, None before the first.

    `faults`: what is not fresh or not complete. `last_error`: of the newest run.
    """

    resource: str
    rows: int = 0
    verified_at: datetime | None = None
    last_status: str = ""
    last_error: str = ""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """Return it as JSON would have it."""
        verified_at = self.verified_at.isoformat() if self.verified_at else None
        return asdict(self) | {"verified_at": verified_at, "healthy": not self.faults}

    def line(self) -> str:
        """Return it as a line for people."""
        said = [*self.faults, *self.notes]
        if self.verified_at and not any("verified complete" in fault for fault in said):
            said.insert(0, f"verified complete {_age_of(self.verified_at)} ago")
        if self.last_error and self.last_status != "verified":
            said.append(f"last run {self.last_status}: {self.last_error.rstrip('.')}")
        return f"{self.resource:<11} {self.rows:>9,} rows; {'; '.join(said)}"


def health(settings: Settings, names: Sequence[str]) -> list[Health]:
    """Say how the resources `names` are, by ClickHouse alone. Raises WarehouseError or Locked."""
    nothing = [f"nothing was landed yet in {settings.clickhouse_place}"]
    if settings.clickhouse_host is None and not settings.clickhouse_path.exists():
        return [Health(name, faults=nothing) for name in names]
    with closing(Warehouse(settings, run_id="healthcheck")) as warehouse:
        due = [statement for statement in warehouse.due() if " meta_job_runs" in statement]
        if due and due[0].startswith("create"):
            return [Health(name, faults=nothing) for name in names]
        if due:
            fault = "its run log is of an older version, which the next run brings forward"
            return [Health(name, faults=[fault]) for name in names]
        found = [_health(warehouse, settings, name) for name in names]
    # a cause that they share is said once
    for alike in by_cause((each.resource, each.last_error) for each in found).values():
        for each in found:
            if each.last_error and each.resource in alike[1:]:
                each.last_error = f"as {alike[0]}"
    return found


def _health(warehouse: Warehouse, settings: Settings, name: str) -> Health:
    limit = believable()
    runs = (
        "with toUnixTimestamp64Milli(coalesce(finished_at, started_at)) <= {limit:Int64} as past"
        " select argMaxIf(status, started_at, past) as last_status,"
        " argMaxIf(error, started_at, past) as last_error,"
        f" countIf(past and {VERIFIED}) as verified_runs,"
        " argMaxIf((finished_at, started_at, api_total), started_at,"
        f" past and {VERIFIED}) as verified, countIf(not past) as future"
        " from meta_job_runs final"
        " where resource = {resource:String} and mode in ('incremental', 'full')"
    )
    (run,) = warehouse.ask(runs, resource=name, limit=limit)
    found = Health(name, last_status=run["last_status"], last_error=run["last_error"])
    if run["future"]:
        found.notes.append(
            f"not believed: {run['future']} runs that say they ended in the future, as if a clock "
            "had been wrong"
        )
    if not run["verified_runs"]:
        found.faults.append("never verified complete")
    finished_at, started_at, total = run["verified"]
    found.rows, left = _rows(warehouse, name, finished_at, started_at)
    if not run["verified_runs"]:
        return found
    found.verified_at = utc(finished_at)
    fresh = timedelta(hours=settings.extract_fresh_hours)
    if _since(found.verified_at) > fresh:
        found.faults.append(
            f"verified complete {_age_of(found.verified_at)} ago, "
            f"EXTRACT_FRESH_HOURS is {settings.extract_fresh_hours:g}"
        )
    if found.last_status in ("unverified", "unproven"):
        found.faults.append("not complete")
    if total is not None and left < total:
        found.faults.append(f"{left:,} are left of {total:,} rows that were verified")
    # what is due is read by the next run, which may be as late as any
    oldest = min((each.read_at for each in warehouse.checkpoints(name)), default=datetime.now(UTC))
    if _since(oldest) > timedelta(hours=settings.extract_sweep_hours) + fresh:
        found.faults.append(
            f"some not compared with the API for {_age_of(oldest)}, "
            f"EXTRACT_SWEEP_HOURS is {settings.extract_sweep_hours:g}"
        )
    return found


def _rows(
    warehouse: Warehouse, name: str, finished_at: datetime | None, started_at: datetime
) -> tuple[int, int]:
    """Return how many rows are landed, and how many of the last verified run still exist."""
    if name == INVENTORY:
        # a show has a snapshot a day at least, by the API's clock
        left = "uniqExactIf(show_id, toUnixTimestamp64Milli(snapshot_ts) > {then:Int64} - 90000000)"
        kept, then = "true", started_at
    else:
        # what was marked as deleted later was there when the totals were compared
        left, kept = "countIf(not _deleted or _ver > {then:Int64})", "not _deleted"
        then = finished_at or started_at
    (row,) = warehouse.ask(
        f"select countIf({kept}) as rows, {left} as left from {_TABLES[name]} final",
        then=int(utc(then).timestamp() * 1000),
    )
    return row["rows"], row["left"]


def _age_of(moment: datetime) -> str:
    hours, minutes = divmod(int(_since(moment).total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min"


def _since(moment: datetime) -> timedelta:
    return max(timedelta(0), datetime.now(UTC) - moment)
