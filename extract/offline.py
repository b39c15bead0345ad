"""Saved responses of the API as an httpx transport, for runs without it.

    DIR/orders.json               a saved response of /orders; or several, as orders/*.json
    DIR/events.json               the same of /events; or events/*.json
    DIR/discounts.json            the same of /discounts, if there are any
    DIR/promo_codes.json          the same of /promo-codes
    DIR/shows/SHOW_ID/seats.json  a saved response of /shows/SHOW_ID/seats
    DIR/now.txt                   optional: the API's clock, an instant in ISO 8601 with its offset

Several files of one list together hold its rows; the list is then filtered, ordered and paged as
the API would. Where a file's `paging.total` is above the rows that are there, the whole list says
so in its own total: what is saved can be read, and is not all. A show without a file has no seats.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from extract.errors import SettingsError
from extract.pages import Filter, decode
from extract.payloads import Kept, NoRow, keep
from extract.resources import LISTINGS, ORDERS, Resource, instant

_YEARS = range(2000, 2100)
_MISSING = {"error": "not saved", "status": 404, "code": "NOT_SAVED"}


class _List(NamedTuple):
    """Rows by id, each as it can be filtered and as it was saved; how many the API had of them."""

    rows: dict[int, tuple[Kept, msgspec.Raw]]
    total: int
    per_page: int


def transport(directory: Path) -> httpx.BaseTransport:
    """Return what answers GETs from `directory`, and 404 for what is not saved.

    Reads everything at once. Raises SettingsError with the file, row and key of what is odd.
    """
    said = f"--offline-fixtures-dir {directory}"
    if not directory.is_dir():
        raise SettingsError(f"{said}: there is no such directory.")
    if not any(_files(directory, name) for name in ("orders", "events")):
        raise SettingsError(f"{said}: neither orders.json nor events.json in it.")
    lists = {listing.path[1:]: _read_list(directory, listing) for listing in LISTINGS}
    seats = {file.parent.name: _seats(file) for file in directory.glob("shows/*/seats.json")}
    now = _clock(directory / "now.txt")

    def answer(request: httpx.Request) -> httpx.Response:
        *_, parent, last = request.url.path.split("/")
        found: Any = None
        if last == "seats":
            found = {"data": seats[parent]} if parent in seats else None
        elif last.isdecimal():
            row = lists[parent].rows.get(int(last))
            found = row and {"data": row[1]}
        else:
            params = msgspec.json.decode(request.content or b"{}")
            found = _page(lists[last], params)
        return httpx.Response(
            200 if found else 404,
            content=msgspec.json.encode(found or _MISSING),
            headers={"Date": format_datetime(now or datetime.now(UTC), usegmt=True)},
        )

    return httpx.MockTransport(answer)


def _page(saved: _List, params: dict[str, Any]) -> dict[str, Any]:
    where = [_filter(**each) for each in params.get("where", ())]
    kept = (row for row, _ in saved.rows.values())
    ids = sorted(row.id for row in kept if all(each.holds(row) for each in where))
    # what is not saved belongs to the whole list, nobody knows where in it
    total = saved.total if len(ids) == len(saved.rows) else len(ids)
    if params.get("orderBy", {}).get("id") == "desc":
        ids.reverse()
    number, size = params.get("page", 1), saved.per_page
    return {
        "data": [saved.rows[id_][1] for id_ in ids[(number - 1) * size : number * size]],
        "paging": {"perPage": size, "currentPage": number, "total": total},
    }


def _filter(column: str, operator: str, value: int | str) -> Filter:
    wanted = datetime.fromisoformat(value) if isinstance(value, str) else value
    return Filter(column, operator, wanted)


def _files(directory: Path, name: str) -> list[Path]:
    one = directory / f"{name}.json"
    return [one] if one.is_file() else sorted((directory / name).glob("*.json"))


def _read_list(directory: Path, resource: Resource) -> _List:
    rows: dict[int, tuple[Kept, msgspec.Raw]] = {}
    total, per_page = 0, 1
    for file in _files(directory, resource.name):
        envelope = _envelope(file)
        try:
            data = msgspec.json.decode(envelope["data"], type=list[msgspec.Raw])
        except msgspec.ValidationError:
            raise SettingsError(f"{file}: `data` is no list.") from None
        for number, raw in enumerate(data, start=1):
            said = f"{file}, row {number}"
            try:
                row = keep(resource.kind, raw)
            except NoRow as error:
                raise SettingsError(f"{said}: {error}.") from None
            if resource is ORDERS:
                _instant(f"{said} (id {row.id}): `updated_at` is", row.updated_at)
            rows[row.id] = row, raw
        total = max(total, _total(file, envelope))
        per_page = max(per_page, len(data))
    # an empty page cannot say that there is more
    if total and not rows:
        raise SettingsError(f"{file}: `paging.total` is {total}, and no row is there.")
    return _List(rows, max(total, len(rows)), max(1, min(per_page, len(rows))))


def _instant(said: str, text: str | None) -> datetime:
    moment = instant(text)
    if moment and moment.year in _YEARS:
        return moment.astimezone(UTC)
    raise SettingsError(f"{said} no instant in ISO 8601 with its offset.")


def _clock(file: Path) -> datetime | None:
    if not file.exists():
        return None
    return _instant(f"{file}:", _bytes(file).decode(errors="replace").strip())


def _total(file: Path, envelope: dict[str, msgspec.Raw]) -> int:
    """Return how many rows a saved list says that there are; 0 when it says nothing of it."""
    try:
        paging = decode(bytes(envelope.get("paging", b"null")), Any)
    except (msgspec.MsgspecError, RecursionError):
        raise SettingsError(f"{file}: `paging` cannot be read.") from None
    total = paging.get("total", 0) if isinstance(paging, dict) else 0
    if type(total) is not int or total < 0:
        raise SettingsError(f"{file}: `paging.total` is no whole number.")
    return total


def _seats(file: Path) -> msgspec.Raw:
    data = _envelope(file)["data"]
    if bytes(data)[:1] not in (b"{", b"["):
        raise SettingsError(f"{file}: `data` is no object.")
    return data


def _envelope(file: Path) -> dict[str, msgspec.Raw]:
    try:
        envelope = decode(_bytes(file), dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        envelope = {}
    except (msgspec.DecodeError, RecursionError):
        raise SettingsError(f"{file}: not JSON.") from None
    if "data" not in envelope:
        raise SettingsError(f"{file}: not a saved response of the API: no `data` in it.")
    return envelope


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}.") from None
