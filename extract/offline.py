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

import operator
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from extract.errors import SettingsError
from extract.payloads import NoRow, mend

_LISTS = ("orders", "events", "discounts", "promo_codes")
_YEARS = range(2000, 2100)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class _Row(NamedTuple):
    """A row as it was saved, and what it can be filtered by."""

    raw: msgspec.Raw
    columns: dict[str, Any]


class _List(NamedTuple):
    """The rows of a list by id, how many the API had, how many a page holds."""

    rows: list[_Row]
    total: int
    per_page: int


def transport(directory: Path) -> httpx.BaseTransport:
    """Return what answers GETs from `directory`, and 404 for what is not saved.

    Reads everything at once. Raises SettingsError with the file, row and key of what is odd.
    """
    said = f"--offline-fixtures-dir {directory}"
    if not directory.is_dir():
        raise SettingsError(f"{said}: there is no such directory.")
    lists = {name: _read_list(directory, name) for name in _LISTS}
    if not any(_files(directory, name) for name in ("orders", "events")):
        raise SettingsError(f"{said}: neither orders.json nor events.json in it.")
    seats = {
        file.parent.name: _envelope(file)["data"] for file in directory.glob("shows/*/seats.json")
    }
    for show, data in seats.items():
        if bytes(data)[:1] not in (b"{", b"["):
            raise SettingsError(f"{directory}/shows/{show}/seats.json: `data` is no object.")
    now = _clock(directory / "now.txt")

    def answer(request: httpx.Request) -> httpx.Response:
        *_, parent, last = request.url.path.split("/")
        found: Any = None
        if last == "seats":
            found = {"data": seats[parent]} if parent in seats else None
        elif last.isdecimal():
            rows = lists[parent.replace("-", "_")].rows
            same = (row.raw for row in rows if row.columns["id"] == int(last))
            found = next(({"data": raw} for raw in same), None)
        else:
            params = msgspec.json.decode(request.content or b"{}")
            found = _page(lists[last.replace("-", "_")], params)
        missing = {"error": "not saved", "status": 404, "code": "NOT_SAVED"}
        return httpx.Response(
            404 if found is None else 200,
            content=msgspec.json.encode(missing if found is None else found),
            headers={"Date": format_datetime(now or datetime.now(UTC), usegmt=True)},
        )

    return httpx.MockTransport(answer)


def _page(saved: _List, params: dict[str, Any]) -> dict[str, Any]:
    rows = saved.rows
    for condition in params.get("where", ()):
        holds, column = _OPERATORS[condition["operator"]], condition["column"]
        wanted = condition["value"]
        wanted = datetime.fromisoformat(wanted) if isinstance(wanted, str) else wanted
        found = ((row, row.columns.get(column)) for row in rows)
        rows = [row for row, value in found if value is not None and holds(value, wanted)]
    # what is not saved belongs to the whole list, nobody knows where in it
    total = saved.total if len(rows) == len(saved.rows) else len(rows)
    if params.get("orderBy", {}).get("id") == "desc":
        rows = rows[::-1]
    number, size = params.get("page", 1), saved.per_page
    return {
        "data": [row.raw for row in rows[(number - 1) * size : number * size]],
        "paging": {"perPage": size, "currentPage": number, "total": total},
    }


def _files(directory: Path, name: str) -> list[Path]:
    one = directory / f"{name}.json"
    return [one] if one.is_file() else sorted((directory / name).glob("*.json"))


def _read_list(directory: Path, name: str) -> _List:
    rows: dict[int, _Row] = {}
    total, per_page = 0, 1
    for file in _files(directory, name):
        envelope = _envelope(file)
        try:
            data = msgspec.json.decode(envelope["data"], type=list[msgspec.Raw])
        except msgspec.ValidationError:
            raise SettingsError(f"{file}: `data` is no list.") from None
        total = max(total, _total(file, envelope))
        per_page = max(per_page, len(data))
        for row in _read_rows(file, data, has_changes=name == "orders"):
            rows[row.columns["id"]] = row
    if not rows:
        # an empty page cannot say that there is more
        if total:
            raise SettingsError(f"{file}: `paging.total` is {total}, and no row is there.")
        return _List([], 0, 1)
    by_id = [rows[id_] for id_ in sorted(rows)]
    return _List(by_id, max(total, len(rows)), min(per_page, len(rows)))


def _read_rows(file: Path, data: list[msgspec.Raw], *, has_changes: bool) -> Iterator[_Row]:
    for number, raw in enumerate(data, start=1):
        try:
            row = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            id_ = msgspec.json.decode(row.get("id", msgspec.Raw(b"null")))
        except msgspec.ValidationError:
            raise SettingsError(f"{file}, row {number}: is no object.") from None
        if type(id_) is not int or not 0 < id_ < 1 << 64:
            raise SettingsError(f"{file}, row {number}: `id` is missing, or no whole number.")
        columns: dict[str, Any] = {"id": id_}
        if has_changes:
            said = f"{file}, row {number} (id {id_})"
            columns["updated_at"] = _instant(said, row, "updated_at")
            # what cannot be read is landed all the same, for dbt to name it; no range finds it
            with suppress(SettingsError):
                columns["payed_at"] = _instant(said, row, "payed_at")
        yield _Row(raw, columns)


def _instant(said: str, row: dict[str, msgspec.Raw], key: str) -> datetime:
    try:
        return _moment(msgspec.json.decode(row[key], type=str))
    except (KeyError, ValueError):  # also what msgspec raises
        raise SettingsError(f"{said}: `{key}` is no instant in ISO 8601 with its offset.") from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS:
        raise ValueError
    return moment


def _clock(file: Path) -> datetime | None:
    if not file.exists():
        return None
    try:
        return _moment(_bytes(file).decode().strip()).astimezone(UTC)
    except ValueError:
        raise SettingsError(f"{file}: no instant in ISO 8601 with its offset.") from None


def _total(file: Path, envelope: dict[str, msgspec.Raw]) -> int:
    """Return how many rows a saved list says that there are; 0 when it says nothing of it."""
    paging = msgspec.json.decode(envelope.get("paging", msgspec.Raw(b"null")))
    total = paging.get("total", 0) if isinstance(paging, dict) else 0
    if type(total) is not int or total < 0:
        raise SettingsError(f"{file}: `paging.total` is no whole number.")
    return total


def _envelope(file: Path) -> dict[str, msgspec.Raw]:
    body = _bytes(file)
    try:
        try:
            envelope = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            envelope = msgspec.json.decode(mend(body), type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        envelope = {}
    except (NoRow, msgspec.DecodeError):
        raise SettingsError(f"{file}: not JSON.") from None
    if "data" not in envelope:
        raise SettingsError(f"{file}: not a saved response of the API: no `data` in it.")
    return envelope


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}.") from None
