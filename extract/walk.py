"""All rows of a list between two ids, proven complete.

Each page is asked for as `id > last`, so nothing is lost when rows move between pages, and each
page proves itself: its rows satisfy the filter and the order, and it has exactly
`min(perPage, total)` rows, `total` being what is left after `last`. The walk ends when nothing is
left, never because a page looks small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from extract.api import Api, Encoding, Tally
from extract.errors import Doubtful, Ignored, Incomplete

Row = dict[str, Any]

# the offset that the API itself writes; a `+0300` without a colon was seen to be ignored
_API_ZONE = ZoneInfo("Europe/Moscow")
_PASSES = 5


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column: an id (int), or an instant (aware datetime)."""

    column: str
    operator: str
    value: int | datetime

    def as_json(self) -> dict[str, Any]:
        """Return the condition as the API reads it."""
        return {"column": self.column, "operator": self.operator, "value": self.text}

    @property
    def text(self) -> int | str:
        """Return the value as the API reads it."""
        if isinstance(self.value, datetime):
            return self.value.astimezone(_API_ZONE).isoformat(timespec="seconds")
        return self.value

    def holds(self, row: Row) -> bool:
        """Tell whether a row of the answer satisfies it."""
        found = row.get(self.column)
        if isinstance(self.value, datetime):
            try:
                found = datetime.fromisoformat(found)  # type: ignore[arg-type]
                return _compare(found, self.operator, self.value)
            except (TypeError, ValueError):
                return False
        return isinstance(found, int) and _compare(found, self.operator, self.value)


def _compare(left: Any, operator: str, right: Any) -> bool:
    match operator:
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
    raise ValueError(f"no such operator here: {operator}")


def between(lo: int, hi: int | None) -> tuple[Condition, ...]:
    """Conditions for `lo < id <= hi`; no upper bound where `hi` is None."""
    above = (Condition("id", ">", lo),) if lo else ()
    below = (Condition("id", "<=", hi),) if hi is not None else ()
    return above + below


@dataclass(frozen=True, slots=True)
class Page:
    """One proven page: its rows, how many rows there were from here on, and the server's time."""

    rows: Sequence[Row]
    total: int
    per_page: int
    date: datetime


@dataclass(slots=True)
class Reader:
    """Reads lists from `api`, in the way of asking that was found to work."""

    api: Api
    encoding: Encoding = "body"

    def page(
        self,
        path: str,
        where: Sequence[Condition] = (),
        *,
        descending: bool = False,
        tally: Tally | None = None,
    ) -> Page:
        """Return the first page of the rows that satisfy `where`, by id, proven.

        Raises Ignored when the API applies the filter in neither encoding; ApiError otherwise.
        """
        question = {
            "where": [condition.as_json() for condition in where],
            "orderBy": {"id": "desc" if descending else "asc"},
        }
        check = partial(prove, path=path, where=where, descending=descending)
        asked = self.encoding
        try:
            answer = self.api.get(path, question, encoding=asked, check=check, tally=tally)
        except Ignored:
            if asked == "query":
                raise
            answer = self.api.get(path, question, encoding="query", check=check, tally=tally)
            self.encoding = "query"
        paging = answer.json["paging"]
        return Page(answer.json["data"], paging["total"], paging["perPage"], answer.date)

    def walk(
        self,
        path: str,
        lo: int = 0,
        hi: int | None = None,
        where: Sequence[Condition] = (),
        tally: Tally | None = None,
    ) -> Iterator[Page]:
        """Yield all rows with `lo < id <= hi` that satisfy `where`, by id, page by page.

        The last page yielded is the one after which nothing is left; it may be empty.
        """
        last = lo
        while True:
            page = self.page(path, (*between(last, hi), *where), tally=tally)
            yield page
            if len(page.rows) == page.total:
                return
            last = page.rows[-1]["id"]

    def walk_pages(self, path: str, tally: Tally | None = None) -> Iterator[Page]:
        """Yield everything by page number, for an API that ignores filters; possibly repeatedly.

        Passes over all pages are repeated until one finds as many distinct ids as the API says
        there are, the count standing still meanwhile. Raises Incomplete when none does.
        """
        for _ in range(_PASSES):
            seen: set[int] = set()
            totals: set[int] = set()
            number = 1
            previous: list[Row] = []
            while True:
                check = partial(prove_numbered, path=path, number=number, previous=previous)
                try:
                    answer = self.api.get(
                        path, {"page": number}, encoding="query", check=check, tally=tally
                    )
                except Ignored:
                    raise Incomplete(
                        f"GET {path}: the API ignores filters and page numbers alike, so that only "
                        "its first page can be read. Nothing more is to be had until it heeds one."
                    ) from None
                rows, paging = answer.json["data"], answer.json["paging"]
                seen.update(row["id"] for row in rows)
                totals.add(paging["total"])
                yield Page(rows, paging["total"], paging["perPage"], answer.date)
                if number * paging["perPage"] >= paging["total"]:
                    break
                number, previous = number + 1, rows
            if totals == {len(seen)}:
                return
        raise Incomplete(
            f"GET {path}: the API ignores filters, and its list kept changing while all of it was "
            f"read {_PASSES} times: {len(seen)} distinct ids where it says {sorted(totals)}. "
            "What was read is landed; the next run tries again."
        )


def prove_size(answer: dict[str, Any], *, path: str, number: int) -> None:
    """Check that a page has the shape of one, and as many rows as its own totals say.

    Raises Doubtful, which says what was wrong.
    """
    rows, paging = answer["data"], answer.get("paging")
    if not isinstance(rows, list) or not isinstance(paging, dict):
        raise Doubtful(f"GET {path}: the answer is not a list with `paging`.")
    total, per_page = paging.get("total"), paging.get("perPage")
    if type(total) is not int or type(per_page) is not int or total < 0 or per_page < 1:
        raise Doubtful(f"GET {path}: `paging` lacks a usable `total` and `perPage`.")
    if not all(isinstance(row, dict) and type(row.get("id")) is int for row in rows):
        raise Doubtful(f"GET {path}: a row has no id.")
    due = max(0, min(per_page, total - (number - 1) * per_page))
    if len(rows) != due:
        raise Doubtful(
            f"GET {path}: a page of {len(rows)} rows where {due} were due "
            f"(total {total}, {per_page} a page)."
        )


def prove_numbered(
    answer: dict[str, Any], *, path: str, number: int, previous: Sequence[Row]
) -> None:
    """Check a page asked for by number alone: its size, and that it is not the one before again."""
    rows = answer["data"]
    if rows and rows == previous:
        raise Ignored(f"GET {path}: page {number} repeats the page before it.")
    prove_size(answer, path=path, number=number)


def prove(
    answer: dict[str, Any],
    *,
    path: str,
    where: Sequence[Condition],
    descending: bool,
) -> None:
    """Check that a page is what was asked for: its filter, its order, its size.

    Raises Ignored where the filter or order was not applied, Doubtful where the page is wrong
    otherwise.
    """
    rows = answer["data"]
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        for condition in where:
            if not all(condition.holds(row) for row in rows):
                raise Ignored(
                    f"GET {path}: rows that do not satisfy "
                    f"{condition.column} {condition.operator} {condition.text}."
                )
    prove_size(answer, path=path, number=1)
    ids = [row["id"] for row in rows]
    if not all(b < a if descending else a < b for a, b in pairwise(ids)):
        raise Ignored(f"GET {path}: rows that are not in the order of their ids.")
