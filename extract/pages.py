"""Pages of a list that check themselves, and all rows between two ids.

Each page is requested as `id > last`, so nothing is lost when rows move between pages. A page is
believed when its rows satisfy the filter and the order, and there are exactly
`min(perPage, total)` of them, `total` being what is left after `last`. A read ends when nothing is
left, never because a page looks small.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from extract.client import Client, Encoding
from extract.errors import FatalError, Ignored, InvalidPage
from extract.payloads import Kept, NoRow, keep, mend
from extract.resources import Resource

T = TypeVar("T")

# the offset that the API itself writes; a `+0300` without a colon was seen to be ignored
_API_ZONE = ZoneInfo("Europe/Moscow")

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a column that `Kept` has: an id (int), or an instant (aware datetime)."""

    column: str
    operator: str
    value: int | datetime

    def as_json(self) -> dict[str, Any]:
        """Return the filter as the API reads it."""
        value: int | str | datetime = self.value
        if isinstance(value, datetime):
            value = value.astimezone(_API_ZONE).isoformat(timespec="seconds")
        return {"column": self.column, "operator": self.operator, "value": value}

    def holds(self, row: Kept) -> bool:
        """Return whether a row satisfies it."""
        found = getattr(row, self.column)
        try:
            if isinstance(self.value, datetime):
                found = datetime.fromisoformat(found)
            return _OPERATORS[self.operator](found, self.value)
        except (TypeError, ValueError):
            return False


def within(lo: int, hi: int | None) -> list[Filter]:
    """Return the filters for `lo < id <= hi`; no upper bound where `hi` is None."""
    above = [Filter("id", ">", lo)] if lo else []
    below = [Filter("id", "<=", hi)] if hi is not None else []
    return above + below


class Paging(msgspec.Struct):
    """What a list says of itself: rows that a page can hold, rows that satisfy the filter."""

    total: Annotated[int, msgspec.Meta(ge=0)]
    per_page: Annotated[int, msgspec.Meta(ge=1)] = msgspec.field(name="perPage")


class Envelope(msgspec.Struct):
    """A list as the API answers it, its rows not decoded yet."""

    data: list[msgspec.Raw]
    paging: Paging


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was checked: its rows, how many there were from here on, the server's time.

    `odd`: of each row without a usable id, or with one that was there already, the id below it.
    """

    rows: list[Kept]
    odd: list[int]
    total: int
    date: datetime

    @property
    def left(self) -> int:
        """How many rows there are after those of this page."""
        return self.total - len(self.rows) - len(self.odd)


class Pages:
    """Reads lists from `client`, with filters in the encoding that was found to work."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.encoding: Encoding = "body"

    def page(
        self, resource: Resource, where: Sequence[Filter] = (), *, newest_first: bool = False
    ) -> Page:
        """Return the first page of the rows that satisfy `where`, by id, checked.

        Raises FatalError when the API applies filters in neither encoding; ApiError otherwise.
        """
        order = {"id": "desc" if newest_first else "asc"}
        params = {"where": [each.as_json() for each in where], "orderBy": order}
        parse = partial(_checked, resource=resource, where=where, newest_first=newest_first)
        other: Encoding = "query" if self.encoding == "body" else "body"
        ignored = ""
        for encoding in (self.encoding, other):
            try:
                (rows, odd, paging), date = self.client.get(resource.path, parse, params, encoding)
            except Ignored as error:
                ignored = str(error)
                continue
            self.encoding = encoding
            return Page(rows, odd, paging.total, date)
        raise FatalError(
            f"{ignored} The API ignores filters in the body and in the query: what it lists could "
            "not be verified, so it is not read."
        )

    def read(
        self, resource: Resource, lo: int, hi: int | None, where: Sequence[Filter] = ()
    ) -> Iterator[Page]:
        """Yield all rows with `lo < id <= hi` that satisfy `where`, by id, page by page.

        The last page is the one after which nothing is left; it may be empty.
        """
        while True:
            page = self.page(resource, [*within(lo, hi), *where])
            yield page
            if page.left == 0:
                return
            if not page.rows:
                raise InvalidPage(f"GET {resource.path}: no row of a page has a usable `id`.")
            lo = page.rows[-1].id

    def total(self, resource: Resource, lo: int, hi: int) -> int:
        """Return how many rows the API has with `lo < id <= hi`."""
        return self.page(resource, within(lo, hi)).total


def decode(body: bytes, type_: type[T]) -> T:
    """Decode a response; raise what msgspec raises.

    JSON with half an emoji in it, or with bytes that are no UTF-8, is mended first, so that one
    text costs itself and not its page.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        with suppress(NoRow):
            return msgspec.json.decode(mend(body), type=type_)
        raise msgspec.DecodeError("no JSON") from None


def _checked(
    body: bytes, *, resource: Resource, where: Sequence[Filter], newest_first: bool
) -> tuple[list[Kept], list[int], Paging]:
    """Decode a page and check that it is what was requested: its filter, its order, its size.

    Return its rows, and where the odd ones are. Raises Ignored where the filter or order was not
    applied, InvalidPage where the page is wrong otherwise, and what msgspec raises.
    """
    envelope = decode(body, Envelope)
    said = f"GET {resource.path}"
    above = [each.value for each in where if isinstance(each.value, int) and each.operator == ">"]
    lo = above[0] if above else 0
    rows: list[Kept] = []
    odd: list[int] = []
    for raw in envelope.data[::-1] if newest_first else envelope.data:
        try:
            row = keep(resource.kind, raw)
        except NoRow:
            odd.append(rows[-1].id if rows else lo)
            continue
        if rows and rows[-1].id == row.id:
            odd.append(row.id)
            rows.pop()
        rows.append(row)
    for each in where:
        if not all(map(each.holds, rows)):
            shown = each.as_json()
            raise Ignored(
                f"{said}: rows that do not satisfy {each.column} {each.operator} {shown['value']}."
            )
    total, per_page = envelope.paging.total, envelope.paging.per_page
    due = min(per_page, total)
    if len(envelope.data) != due:
        raise InvalidPage(
            f"{said}: a page of {len(envelope.data)} rows where {due} were due "
            f"(total {total}, {per_page} a page)."
        )
    if not all(a.id < b.id for a, b in pairwise(rows)):
        raise Ignored(f"{said}: rows that are not in the order of their ids.")
    return rows[::-1] if newest_first else rows, odd, envelope.paging
