"""What is landed, and the place it is landed in: ClickHouse, or nowhere in a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from extract.resources import Listing, Show

Span = tuple[int, int]
"""Ids with `lo < id <= hi`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to land: its id, its cleaned payload, the payload's hash, and its version.

    `ver`: when it was asked for, in milliseconds, unique to the answer that it came in.
    """

    id: int
    payload: bytes
    dedup_key: int
    ver: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The seats of a show at a moment of the server's (UTC)."""

    show: Show
    taken_at: datetime
    row: Row


@dataclass(frozen=True, slots=True)
class Slice:
    """All ids with `lo < id <= hi`: when (server's time, UTC) last proven read, how many rows."""

    lo: int
    hi: int
    read_at: datetime
    rows: int


@dataclass(slots=True)
class Landed:
    """How many things were new, changed and unchanged, and how many are newly gone."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0

    def __iadd__(self, other: Landed) -> Landed:
        self.new += other.new
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.gone += other.gone
        return self


class Store(Protocol):
    """What a run needs of a place to land in."""

    def prepare(self) -> None: ...
    def close(self) -> None: ...
    def cursor(self, resource: str) -> datetime | None: ...
    def newest_version(self) -> int: ...
    def slices(self, resource: str) -> list[Slice]: ...
    def record_slice(self, resource: str, piece: Slice) -> None: ...
    def land(
        self, listing: Listing, rows: Sequence[Row], span: Span | None = None
    ) -> tuple[Landed, set[int]]: ...
    def ids(self, listing: Listing) -> set[int]: ...
    def count(self, listing: Listing, lo: int, hi: int) -> int: ...
    def mark_gone(self, listing: Listing, ids: Sequence[int], ver: int) -> Landed: ...
    def land_seats(self, snapshots: Sequence[Snapshot]) -> Landed: ...
    def log(self, entry: dict[str, Any]) -> None: ...


class Nowhere:
    """The place that a dry run lands in: everything is new, nothing is written."""

    def __init__(self) -> None:
        self._seen: dict[str, set[int]] = {}

    def prepare(self) -> None: ...
    def close(self) -> None: ...
    def log(self, entry: dict[str, Any]) -> None: ...
    def record_slice(self, resource: str, piece: Slice) -> None: ...

    def cursor(self, resource: str) -> datetime | None:
        return None

    def newest_version(self) -> int:
        return 0

    def slices(self, resource: str) -> list[Slice]:
        return []

    def land(
        self, listing: Listing, rows: Sequence[Row], span: Span | None = None
    ) -> tuple[Landed, set[int]]:
        seen = self._seen.setdefault(listing.name, set())
        found = {row.id for row in rows}
        lo, hi = span or (0, 0)
        missing = {id_ for id_ in seen if lo < id_ <= hi and id_ not in found}
        before = len(seen)
        seen |= found
        return Landed(new=len(seen) - before), missing

    def ids(self, listing: Listing) -> set[int]:
        return self._seen.get(listing.name, set())

    def count(self, listing: Listing, lo: int, hi: int) -> int:
        return sum(lo < id_ <= hi for id_ in self.ids(listing))

    def mark_gone(self, listing: Listing, ids: Sequence[int], ver: int) -> Landed:
        self._seen[listing.name].difference_update(ids)
        return Landed(gone=len(ids))

    def land_seats(self, snapshots: Sequence[Snapshot]) -> Landed:
        return Landed(new=len(snapshots))
