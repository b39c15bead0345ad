"""Whether a run could work (--check), how far everything is (--status), and whether that is far
enough (--healthcheck). None of them writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from extract.api import Api
from extract.errors import Incomplete, WarehouseError
from extract.resources import LISTINGS, ORDERS
from extract.settings import Settings
from extract.walk import Reader
from extract.warehouse import Proof, Standing, Warehouse

_REPORT_ZONE = ZoneInfo("Europe/Moscow")
_TOLERATED_SKEW = timedelta(minutes=2)


def check(settings: Settings, api: Api) -> list[str]:
    """Ask the API and ClickHouse for what a run would need; say what was found, line by line.

    Raises ApiError or WarehouseError, which name the setting at fault.
    """
    reader = Reader(api)
    lines = ["settings    fine"]
    for listing in LISTINGS:
        page = reader.page(listing.path, descending=True)
        lines.append(
            f"API         {listing.name}: {page.total:,} there, filters by {reader.encoding}"
        )
    skew = page.date - datetime.now(UTC)
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


def status(settings: Settings) -> list[str]:
    """Say how far each resource is, in Moscow time. Raises WarehouseError or Locked."""
    lines: list[str] = []
    for resource, standing in _standings(settings).items():
        lines += _told(resource, standing)
    return lines or [_nothing(settings)]


def healthcheck(settings: Settings, names: Sequence[str]) -> list[str]:
    """Say in one line that the resources `names` are fresh and complete. Asks ClickHouse alone.

    Raises Incomplete, which says in one line what is not; WarehouseError or Locked.
    """
    found = _standings(settings)
    if not found:
        raise Incomplete(f"unhealthy: {_nothing(settings)}")
    healthy, unhealthy = [], []
    for name in names:
        standing = found.get(name)
        if standing is None or standing.proof is None:
            faults = ["never proven complete"]
        else:
            faults = list(_faults(standing, standing.proof, settings))
            healthy.append(f"{name} {standing.rows:,} rows, {_proven(standing.proof)}")
        if standing and standing.last_error:
            last = f"last run {standing.last_status}: {standing.last_error.rstrip('.')}"
            # a run that failed is no fault while what the one before it proved is fresh
            (faults or healthy).append(last)
        if faults:
            unhealthy.append(f"{name}: {', '.join(faults)}")
    if unhealthy:
        raise Incomplete(f"unhealthy: {'; '.join(unhealthy)}.")
    return [f"healthy: {'; '.join(healthy)}."]


def _faults(standing: Standing, proof: Proof, settings: Settings) -> Iterator[str]:
    """Say what is not fresh or not complete."""
    limit = timedelta(hours=settings.extract_fresh_hours)
    if _age(proof.finished_at) > limit:
        yield f"{_proven(proof)}, EXTRACT_FRESH_HOURS is {settings.extract_fresh_hours:g}"
    if standing.last_status == "unproven":
        yield "not complete"
    if standing.proven_rows < proof.api_total:
        yield f"{standing.proven_rows:,} are left of {proof.api_total:,} that were proven landed"
    # what is due is read by the next run, which may be as late as any
    period = timedelta(hours=settings.extract_sweep_hours)
    oldest = standing.oldest_read
    if oldest and proof.filters != "pages" and _age(oldest) > period + limit:
        yield (
            f"some not compared with the API for {_told_age(oldest)}, "
            f"EXTRACT_SWEEP_HOURS is {settings.extract_sweep_hours:g}"
        )


def _proven(proof: Proof) -> str:
    return f"proven complete {_told_age(proof.finished_at)} ago"


def _nothing(settings: Settings) -> str:
    return f"Nothing was landed yet in ClickHouse ({settings.clickhouse_place})."


def _standings(settings: Settings) -> dict[str, Standing]:
    if settings.clickhouse_host is None and not settings.clickhouse_path.exists():
        return {}
    with closing(Warehouse(settings, run_id="status")) as warehouse:
        return warehouse.standings()


def _told(resource: str, standing: Standing) -> list[str]:
    proven_at = standing.proof.started_at if standing.proof else None
    lines = [
        f"{resource:<11} {standing.rows:,} rows; last proven run {_when(proven_at)}"
        f"; cursor {_when(standing.cursor) if resource == ORDERS.name else 'not needed'}"
    ]
    if resource == ORDERS.name:
        lines.append(
            f"{'':<11} sweep: {standing.slices_swept} of {standing.slices} slices read again in "
            f"time; the longest ago {_when(standing.oldest_read)}"
        )
    if standing.last_status != "proven":
        lines.append(f"{'':<11} last run: {standing.last_status}. {standing.last_error}")
    return lines


def _when(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    return f"{moment.astimezone(_REPORT_ZONE):%Y-%m-%d %H:%M} ({_told_age(moment)} ago)"


def _told_age(moment: datetime) -> str:
    hours, minutes = divmod(int(_age(moment).total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min"


def _age(moment: datetime) -> timedelta:
    return datetime.now(UTC) - moment
