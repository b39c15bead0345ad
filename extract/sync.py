"""One run: read each resource, land it, verify it, and only then move its cursor.

Spans first, changes after: what lands later was read later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from tqdm import tqdm

from extract.client import Client, Encoding, Traffic
from extract.errors import (
    ApiError,
    Incomplete,
    InvalidPage,
    NotFound,
    Stopped,
    Unauthorized,
    Unreachable,
    ZakazError,
)
from extract.pages import Filter, Pages, decode, within
from extract.payloads import Kept, NoRow, keep_seats
from extract.plan import Checkpoint, Span, cut, plan
from extract.pool import side_by_side
from extract.resources import (
    EVENTS,
    INVENTORY,
    LISTINGS,
    ORDERS,
    SEATS_PARAMS,
    Resource,
    Show,
    shows_to_come,
)
from extract.settings import Settings
from extract.warehouse import Counts, Snapshot, Warehouse

T = TypeVar("T")
R = TypeVar("R")

_SPAN_ROWS = 1000  # a span is read, landed and remembered as one
_MOST_ROWS = 1500  # a span with more is cut
_SNAPSHOTS = 50  # shows whose seats are landed at once
_ROUNDS = 3  # of verifying
_RECOGNISED_BY = 50  # ids landed last, of which the API has to know one
_FEW_DELETED, _FEW_SHARE, _MOST_SHARE = 20, 0.05, 0.5
_SEATS_FAILED = 20  # shows that fail before one is answered: then none will be


@dataclass(slots=True)
class Result:
    """What became of a resource. Times are UTC; `error`: why it is not verified.

    `odd`: the ids below rows that could not be read, having no usable id of their own.
    """

    resource: str
    mode: str
    source: str
    started_at: datetime
    status: str = "running"
    seen: int = 0
    odd: set[int] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)
    api_total: int | None = None
    cursor_from: datetime | None = None
    cursor_to: datetime | None = None
    filters: str = ""
    traffic: Traffic = field(default_factory=Traffic)
    notes: list[str] = field(default_factory=list)
    error: ZakazError | None = None

    def columns(self) -> dict[str, Any]:
        """Return it as columns of meta_job_runs."""
        own = ("resource", "mode", "source", "started_at", "status", "cursor_from", "cursor_to")
        counts = ("new", "changed", "deleted", "redacted")
        return {
            **{name: getattr(self, name) for name in (*own, "api_total", "filters")},
            **asdict(self.traffic),
            **{f"rows_{name}": getattr(self.counts, name) for name in counts},
            "rows_seen": self.seen,
            "finished_at": None if self.status == "running" else datetime.now(UTC),
            "error": str(self.error or ""),
        }


@dataclass(frozen=True, slots=True)
class _Read:
    """The rows of a span, when their first page was read (server's time), what is left to read."""

    span: Span
    rows: list[Kept]
    odd: list[int]
    read_at: datetime
    rest: list[Span]


@dataclass(slots=True)
class Run:
    """One run over the resources that were requested.

    `paid_from`, `paid_before`: of orders only those paid within, where one is given.
    """

    settings: Settings
    client: Client
    warehouse: Warehouse
    full: bool = False
    paid_from: datetime | None = None
    paid_before: datetime | None = None
    accept_deletions: bool = False
    _pages: Pages = field(init=False)
    _recognised: bool = False  # whether the API knows some of what is landed
    _seats_encoding: Encoding | None = None
    _shows: dict[int, Show] | None = None  # to come, of the events of this run
    _events_failed: ZakazError | None = None
    _bar: Any = None

    def __post_init__(self) -> None:
        self._pages = Pages(self.client)

    def sync(self, names: Sequence[str]) -> Iterator[Result]:
        """Sync the resources `names`, yielding what became of each.

        An API that fails ends its resource only, unless nothing was ever answered. Raises
        ApiError then; WarehouseError and Stopped, which end all.
        """
        resources = {resource.name: resource for resource in LISTINGS}
        started_at = datetime.now(UTC)
        for name in names:
            ranged = (self.paid_from or self.paid_before) and name == ORDERS.name
            mode = "range" if ranged else "full" if self.full else "incremental"
            result = Result(name, mode, self.client.source, started_at)
            before = replace(self.client.traffic)
            self.warehouse.log(result.columns())
            try:
                if mode == "range":
                    self._sync_range(result)
                elif name == INVENTORY:
                    self._sync_inventory(result)
                else:
                    self._sync_list(resources[name], result)
                result.status = "verified"
            except (ApiError, Incomplete) as error:
                result.status = "unverified" if isinstance(error, Incomplete) else "failed"
                result.error = error
                if name == EVENTS.name:
                    self._events_failed = error
            except Stopped:
                result.status = "stopped"
                with suppress(Exception):  # whatever a signal interrupted
                    self._close(result, before)
                raise
            finally:
                self._progress(None)
            self._close(result, before)
            dead = isinstance(result.error, Unauthorized | Unreachable)
            if dead and result.error and not self.client.answered:
                raise result.error  # the others would hear the same
            yield result

    def _close(self, result: Result, before: Traffic) -> None:
        result.filters = self._pages.encoding
        result.traffic = self.client.traffic - before
        self.warehouse.log(result.columns())

    # ---- lists

    def _sync_list(self, resource: Resource, result: Result) -> None:
        head = self._pages.page(resource, newest_first=True)
        newest_id = head.rows[0].id if head.rows else 0
        result.odd.update(head.odd)
        self._recognise(resource, head.rows)
        everything = self.full or not resource.incremental
        period = timedelta(0 if everything else self.settings.extract_sweep_hours / 24)
        done = self.warehouse.checkpoints(resource.name)
        cursor = self.warehouse.cursor(resource) if resource.incremental else None
        spans = plan(done, newest_id, now=head.date, cursor=cursor, period=period)
        self._progress(resource.name, head.total if everything or not done else None, "rows")
        if resource is EVENTS:
            self._shows = {}
        self._read_spans(resource, spans, result)
        # what was updated after its span was read counts as changed; what is overdue was just read
        read_at = (each.read_at for each in done if head.date - each.read_at < period)
        since = cursor or min(read_at, default=None)
        if since and not everything:
            overlap = timedelta(minutes=self.settings.extract_overlap_minutes)
            result.cursor_from = since - overlap
            changed = Filter("updated_at", ">=", result.cursor_from)
            self._read_where(resource, [changed], result)
        self._verify(resource, newest_id, result)
        result.cursor_to = head.date

    def _sync_range(self, result: Result) -> None:
        head = self._pages.page(ORDERS, newest_first=True)
        self._recognise(ORDERS, head.rows)
        self._progress(ORDERS.name, None, "rows")
        bounds = (">=", self.paid_from), ("<", self.paid_before)
        where = [Filter("payed_at", operator, bound) for operator, bound in bounds if bound]
        self._read_where(ORDERS, where, result)
        self._refuse_odd(ORDERS, result)

    def _read_spans(self, resource: Resource, spans: Sequence[Span], result: Result) -> None:
        """Read spans side by side, land each with its checkpoint, mark what they lack."""
        work = deque(spans)
        missing: set[int] = set()
        failure: ApiError | None = None
        for _, read in self._side_by_side(work, lambda span: self._read_span(resource, span)):
            if isinstance(read, ApiError):
                failure = failure or read
                work.clear()  # what is under way is still landed
                continue
            work.extendleft(read.rest if not failure else ())
            lacking = self._land(resource, read.rows, read.read_at, result, read.span)
            missing |= set() if read.odd else lacking
            result.odd.update(read.odd)
            checkpoint = Checkpoint(read.span, read.read_at, len(read.rows))
            self.warehouse.record(resource, checkpoint)
        if failure:
            raise failure
        self._mark_deleted(resource, missing, result)

    def _read_span(self, resource: Resource, span: Span) -> _Read:
        """Read a span, or of one with too many rows the first page. Runs in a worker."""
        rows: list[Kept] = []
        odd: list[int] = []
        began: datetime | None = None
        for page in self._pages.read(resource, *span):
            began = began or page.date
            rows += page.rows
            odd += page.odd
            if rows and page.left and len(rows) + page.left > _MOST_ROWS:
                last = rows[-1].id
                rest = cut(Span(last, span.hi), page.left, _SPAN_ROWS)
                return _Read(Span(span.lo, last), rows, odd, began, rest)
        assert began  # noqa: S101  # there is one page at least
        return _Read(span, rows, odd, began, [])

    def _read_where(self, resource: Resource, where: Sequence[Filter], result: Result) -> None:
        """Read and land all rows that satisfy `where`, in the order of their ids."""
        rows: list[Kept] = []
        for page in self._pages.read(resource, 0, None, where):
            rows += page.rows
            result.odd.update(page.odd)
            if len(rows) >= _SPAN_ROWS or not page.left:
                self._land(resource, rows, page.date, result)
                rows = []

    def _land(
        self,
        resource: Resource,
        rows: Sequence[Kept],
        now: datetime,
        result: Result,
        span: Span | None = None,
    ) -> set[int]:
        """Land rows; return the ids that are landed within `span` and are not among the rows."""
        if resource is EVENTS and self._shows is not None:
            self._shows |= _shows(rows, now)
        counts, missing = self.warehouse.land(resource, rows, span)
        result.counts += counts
        result.seen += len(rows)
        self._bar.update(len(rows))
        return missing

    # ---- guards

    def _recognise(self, resource: Resource, rows: Sequence[Kept]) -> None:
        """Raise Incomplete when the API knows nothing of what was landed last.

        `rows`: some just listed. Where nothing of this list is landed, another list decides.
        """
        if self.accept_deletions:
            return
        for known in (resource, *LISTINGS):
            if self._recognised and known is not resource:
                return
            landed = self.warehouse.newest_ids(known, _RECOGNISED_BY)
            if not landed:
                continue
            listed = {row.id for row in rows} if known is resource else set()
            if not listed.intersection(landed):
                where = within(min(landed) - 1, max(landed))
                listed = {row.id for row in self._pages.page(known, where).rows}
            if not listed.intersection(landed):
                raise Incomplete(
                    f"the API knows none of those that were landed last ({known.name}), so nothing "
                    "is landed. Is QTICKETS_API_TOKEN that of the same organiser? If they were "
                    "deleted indeed, run once with --accept-deletions."
                )
            self._recognised = True
            return

    def _mark_deleted(self, resource: Resource, missing: set[int], result: Result) -> None:
        """Mark as deleted what the list lacks and, where that can be requested, its id too."""
        if not missing:
            return
        lost = len(missing) + result.counts.deleted
        landed = self.warehouse.count(resource) + result.counts.deleted
        few = max(_FEW_DELETED, _FEW_SHARE * landed)
        if not self.accept_deletions and (lost > few or lost > _MOST_SHARE * landed):
            raise Incomplete(
                f"the API no longer lists {lost} of {landed} {resource.name} that are landed, and "
                "nothing was marked as deleted. Is QTICKETS_API_TOKEN that of the same organiser? "
                "If they were deleted indeed, run once with --accept-deletions."
            )
        deleted = sorted(missing)
        if resource.has_singles:
            exists = self._all(deleted, lambda id_: self._exists(resource, id_))
            deleted = [id_ for id_ in deleted if not exists[id_]]
        for first in range(0, len(deleted), _SPAN_ROWS):
            self.warehouse.delete(resource, deleted[first : first + _SPAN_ROWS])
        result.counts.deleted += len(deleted)

    def _exists(self, resource: Resource, id_: int) -> bool:
        try:
            self.client.get(f"{resource.path}/{id_}", lambda body: decode(body, _Single))
        except NotFound:
            return False
        return True

    def _verify(self, resource: Resource, newest_id: int, result: Result) -> None:
        """Compare how many there are with how many are landed; read again where they differ."""
        count = self.warehouse.count
        for _ in range(_ROUNDS):
            total = self._pages.total(resource, 0, newest_id)
            result.api_total, landed = total, count(resource, 0, newest_id)
            self._refuse_odd(resource, result)
            if total == landed:
                return
            done = (checkpoint.span for checkpoint in self.warehouse.checkpoints(resource.name))
            spans = [Span(lo, min(hi, newest_id)) for lo, hi in done if lo < newest_id]
            totals = self._all(spans, lambda span: self._pages.total(resource, *span))
            differing = [span for span in spans if totals[span] != count(resource, *span)]
            self._read_spans(resource, differing, result)
        raise Incomplete(
            f"the API says {total}, {landed} are landed, and reading again where "
            "they differ did not settle it. What was read is landed; the next run tries again."
        )

    def _refuse_odd(self, resource: Resource, result: Result) -> None:
        if result.odd:
            after = ", ".join(map(str, sorted(result.odd)[:5]))
            raise Incomplete(
                f"GET {resource.path}: rows without a usable `id`, or with one twice, in "
                f"{len(result.odd)} places (after id {after}). They are not landed, the others are."
            )

    # ---- seats

    def _sync_inventory(self, result: Result) -> None:
        if self._events_failed and not self._shows:
            raise self._events_failed  # no shows are known
        if self._shows is None:
            self._shows = self._read_shows(result)
        shows = [self._shows[show_id] for show_id in sorted(self._shows)]
        self._progress(INVENTORY, len(shows), "shows")
        if failed := self._read_seats(shows, result):
            if len(failed) > 1:
                others = f"(the first of {len(failed)} of {len(shows)} shows)"
                failed[0].args = (f"{failed[0]} {others}",)
            raise failed[0]
        if self._events_failed:
            raise self._events_failed  # not all shows are known
        self._refuse_odd(EVENTS, result)
        result.api_total = result.seen

    def _read_seats(self, shows: Sequence[Show], result: Result) -> list[ApiError]:
        """Read and land the seats of shows; return what failed, each costs its show only."""
        waiting: list[Snapshot] = []
        failed: list[ApiError] = []
        without = 0
        for _, snapshot in self._side_by_side(shows, self._seats):
            if isinstance(snapshot, ApiError):
                failed.append(snapshot)
                if len(failed) >= _SEATS_FAILED and not result.seen and not waiting:
                    break
            elif snapshot is None:
                without += 1
            else:
                waiting.append(snapshot)
            if len(waiting) == _SNAPSHOTS:
                self._land_seats(waiting, result)
                waiting = []
            self._bar.update(1)
        self._land_seats(waiting, result)
        if without:
            result.notes.append(f"{without} shows to come for which the API has no seats")
        return failed

    def _land_seats(self, snapshots: Sequence[Snapshot], result: Result) -> None:
        result.counts += self.warehouse.land_seats(snapshots)
        result.seen += len(snapshots)

    def _read_shows(self, result: Result) -> dict[int, Show]:
        self._recognise(EVENTS, self._pages.page(EVENTS, newest_first=True).rows)
        shows: dict[int, Show] = {}
        for page in self._pages.read(EVENTS, 0, None):
            shows |= _shows(page.rows, page.date)
            result.odd.update(page.odd)
        return shows

    def _seats(self, show: Show) -> Snapshot | None:
        """Read a show's seats; None where the API has none. Runs in a worker."""
        path = f"/shows/{show.show_id}/seats"

        def parse(body: bytes) -> tuple[bytes, int]:
            try:
                payload, redacted = keep_seats(decode(body, _Single).data)
            except NoRow:
                payload, redacted = b'"', 0
            if not payload.startswith((b"{", b"[]")):
                raise InvalidPage(f"GET {path}: `data` is not an object of seats.")
            return payload, redacted

        encoding = self._seats_encoding or self._pages.encoding
        try:
            (payload, redacted), date = self.client.get(path, parse, SEATS_PARAMS, encoding)
            if self._seats_encoding is None and encoding == "body" and _are_zones(payload):
                # the params may have been lost on the way; if not, zones are what there is
                (payload, redacted), date = self.client.get(path, parse, SEATS_PARAMS, "query")
                self._seats_encoding = "body" if _are_zones(payload) else "query"
        except NotFound:
            return None
        return Snapshot(show, date, payload, redacted)

    # ---- side by side

    def _progress(self, what: str | None, total: int | None = None, unit: str = "") -> None:
        """Begin a bar on stderr, where that is a terminal; end the one that is there."""
        if self._bar is not None:
            self._bar.close()
        self._bar = what and tqdm(
            desc=what, total=total, unit=f" {unit}", leave=False, disable=None
        )

    def _all(self, work: Sequence[T], do: Callable[[T], R]) -> dict[T, R]:
        """Return what became of each, done side by side; raise the first ApiError."""
        done: dict[T, R] = {}
        for item, result in self._side_by_side(work, do):
            if isinstance(result, ApiError):
                raise result
            done[item] = result
        return done

    def _side_by_side(
        self, work: Iterable[T], do: Callable[[T], R]
    ) -> Iterator[tuple[T, R | ApiError]]:
        work = work if isinstance(work, deque) else deque(work)
        connections = self.settings.extract_connections
        # more than there are connections, so that none idles while a worker decodes
        return side_by_side(connections + max(1, connections // 4), work, do)


class _Single(msgspec.Struct):
    """A response that is not paged."""

    data: msgspec.Raw


def _shows(rows: Sequence[Kept], now: datetime) -> dict[int, Show]:
    events = (msgspec.json.decode(row.payload) for row in rows)
    return {show.show_id: show for show in shows_to_come(events, now)}


def _are_zones(payload: bytes) -> bool:
    # the first entry shows it; seats have a key of this name nowhere
    return b'"seats":{' in payload
