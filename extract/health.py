"""Whether a run could work (--check), and how far everything is (--status). Neither writes."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from extract.api import Api
from extract.errors import WarehouseError
from extract.resources import LISTINGS, ORDERS
from extract.settings import Settings
from extract.walk import Reader
from extract.warehouse import Warehouse

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
    return lines


def status(settings: Settings) -> list[str]:
    """Say how far each resource is, in Moscow time. Raises WarehouseError or Locked."""
    nothing = [f"Nothing was landed yet in ClickHouse ({settings.clickhouse_place})."]
    if settings.clickhouse_host is None and not settings.clickhouse_path.exists():
        return nothing
    with closing(Warehouse(settings, run_id="status")) as warehouse:
        found = warehouse.status()
    lines: list[str] = []
    for resource, state in found:
        lines += _told(resource, state)
    return lines or nothing


def _told(resource: str, state: dict[str, Any]) -> list[str]:
    lines = [
        f"{resource:<11} {state['rows']:,} rows; last proven run {_when(state['proven_at'])}"
        f"; cursor {_when(state['cursor']) if resource == ORDERS.name else 'not needed'}"
    ]
    if resource == ORDERS.name:
        lines.append(
            f"{'':<11} sweep: {state['slices_swept']} of {state['slices']} slices read again in "
            f"time; the longest ago {_when(state['oldest_read'])}"
        )
    if state["last_status"] != "proven":
        lines.append(f"{'':<11} last run: {state['last_status']}. {state['last_error']}")
    return lines


def _when(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    age = datetime.now(UTC) - moment
    hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
    return f"{moment.astimezone(_REPORT_ZONE):%Y-%m-%d %H:%M} ({hours} h {minutes} min ago)"
