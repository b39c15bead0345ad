"""One run: read each resource side by side, land it, prove it, and only then move its cursor."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import orjson

from extract import redact
from extract.api import Answer, Api, Encoding, Tally
from extract.errors import (
    ApiError,
    Doubtful,
    Ignored,
    Incomplete,
    NotFound,
    Refused,
    Stopped,
    ZakazError,
)
from extract.lanes import cut, halves, plan
from extract.progress import Progress
from extract.resources import (
    EVENTS,
    LISTINGS,
    ORDERS,
    SEATS_QUESTION,
    Listing,
    Show,
    shows_to_come,
)
from extract.settings import Settings
from extract.store import Landed, Row, Slice, Snapshot, Span, Store
from extract.walk import Condition, Page, Reader, between

T = TypeVar("T")
R = TypeVar("R")

_SLICE_ROWS = 1000  # a slice is read, landed and remembered as one
_SPLIT_ROWS = 1500  # where a slice that outgrew its size is cut
_WORTH_SHARING = 500  # rows left to read: fewer are read sooner than landed in parts
_SNAPSHOTS = 50  # shows whose seats are landed at once
_MOST_GONE = 500  # ids asked for one by one in a run, to see whether the API has them no more
_PROOFS = 3


@dataclass(slots=True)
class Lane:
    """A row of the ledger in the making: one resource, one way of reading it."""

    resource: str
    name: str
    started_at: datetime
    status: str = "running"
    cursor_from: datetime | None = None
    cursor_to: datetime | None = None
    seen: int = 0
    landed: Landed = field(default_factory=Landed)
    api_total: int | None = None
    filters: str = ""
    error: str = ""
    tally: Tally = field(default_factory=Tally)

    def entry(self) -> dict[str, Any]:
        """Return the lane as columns of meta_job_runs."""
        changed = self.landed.changed + self.landed.gone
        return {
            "job": "extract",
            "resource": self.resource,
            "lane": self.name,
            "started_at": self.started_at,
            "finished_at": None if self.status == "running" else datetime.now(UTC),
            "status": self.status,
            "cursor_from": self.cursor_from,
            "cursor_to": self.cursor_to,
            "requests": self.tally.requests,
            "retries": self.tally.retries,
            "rows_seen": self.seen,
            "rows_changed": changed,
            "rows_landed": self.landed.new + changed,
            "api_total": self.api_total,
            "bytes": self.tally.bytes,
            "filters": self.filters,
            "error": self.error,
        }


@dataclass(slots=True)
class Outcome:
    """What became of a resource: its lanes, and why it is not proven if it is not."""

    resource: str
    lanes: list[Lane] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: ZakazError | None = None

    @property
    def seen(self) -> int:
        """Return how many rows were read; one that two lanes read counts twice."""
        return sum(lane.seen for lane in self.lanes)

    @property
    def landed(self) -> Landed:
        """Return the sum over the lanes."""
        total = Landed()
        for lane in self.lanes:
            total += lane.landed
        return total


@dataclass(frozen=True, slots=True)
class Task:
    """Ids with `lo < id <= hi` (no upper bound: None) that satisfy `where`, to be read.

    A `divisible` task may be shared out when workers have nothing to do.
    """

    lane: Lane
    lo: int
    hi: int | None
    where: tuple[Condition, ...] = ()
    divisible: bool = False

    def until(self, id_: int) -> Task:
        """Return the part of this task up to an id."""
        return replace(self, hi=id_)

    def after(self, id_: int) -> list[Task]:
        """Return what is left of this task after an id, in two parts if it may be shared."""
        if self.hi is None or not self.divisible:
            return [replace(self, lo=id_)]
        return [replace(self, lo=lo, hi=hi) for lo, hi in halves((id_, self.hi))]


@dataclass(frozen=True, slots=True)
class Piece:
    """Proven rows of a task, read at a time of the server's, and what is left of the task."""

    task: Task
    rows: list[Row]
    read_at: datetime
    rest: Sequence[Task] = ()


class Versions:
    """Numbers that only grow: milliseconds since 1970, never one twice, never below `floor`.

    The floor is what is landed already, so that a clock set back cannot hide a new fetch.
    """

    def __init__(self, floor: int) -> None:
        self._last = floor
        self._lock = Lock()

    def next(self) -> int:
        """Return the next version, from any thread."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000_000)
            return self._last


class Run:
    """One run over the resources that were asked for."""

    def __init__(
        self,
        settings: Settings,
        api: Api,
        store: Store,
        progress: Progress,
        *,
        everything: bool = False,
        payed_between: tuple[datetime | None, datetime | None] | None = None,
    ) -> None:
        self._settings = settings
        self._api = api
        self._store = store
        self._progress = progress
        self._everything = everything
        self._payed_between = payed_between
        self._reader = Reader(api)
        self._seats_encoding: Encoding | None = None
        self._versions = Versions(0)
        self._started_at = datetime.now(UTC)
        self._events: Outcome | None = None
        self._shows: set[Show] = set()
        self._idle = False  # whether a worker has nothing to do

    def pull(self, names: Sequence[str]) -> Iterator[Outcome]:
        """Pull the resources `names`, yielding what became of each.

        An API that fails ends its resource only. Raises WarehouseError and Stopped, which end all.
        """
        self._store.prepare()
        self._versions = Versions(self._store.newest_version())
        listings = {listing.name: listing for listing in LISTINGS}
        for name in names:
            outcome = Outcome(name)
            try:
                if name in listings:
                    self._pull_listing(listings[name], outcome)
                else:
                    self._pull_inventory(outcome)
            except (ApiError, Incomplete) as error:
                outcome.error = error
                self._close_lanes(outcome, error)
                if isinstance(error, Refused) and not self._api.answered:
                    raise  # the others would hear the same
            except Stopped as stopped:
                self._close_lanes(outcome, stopped)
                raise
            finally:
                self._progress.stop()
            if name == "events":
                self._events = outcome
            yield outcome

    def _close_lanes(self, outcome: Outcome, error: ZakazError) -> None:
        status = "unproven" if isinstance(error, Incomplete) else "failed"
        for lane in outcome.lanes:
            if lane.status == "running":
                lane.status, lane.error = status, str(error)
                self._log(lane)

    # ---- lists

    def _pull_listing(self, listing: Listing, outcome: Outcome) -> None:
        try:
            if self._payed_between and listing is ORDERS:
                self._pull_range(listing, outcome)
            else:
                self._pull_all(listing, outcome)
        except Ignored:
            self._pull_pages(listing, outcome)

    def _pull_all(self, listing: Listing, outcome: Outcome) -> None:
        last = "changes" if listing.has_changes else "all"
        closing = self._lane(outcome, last)
        head = self._reader.page(listing.path, descending=True, tally=closing.tally)
        newest_id = head.rows[0]["id"] if head.rows else 0
        cursor = self._store.cursor(listing.name)
        todo = plan(
            self._store.slices(listing.name),
            newest_id,
            now=head.date,
            cursor=cursor,
            period=timedelta(hours=self._settings.extract_sweep_hours),
            everything=self._everything or not listing.has_changes,
        )
        tasks: deque[Task] = deque()
        if listing.has_changes and todo.changes_since:
            overlap = timedelta(minutes=self._settings.extract_overlap_minutes)
            closing.cursor_from = todo.changes_since - overlap
            changed = Condition("updated_at", ">=", closing.cursor_from)
            tasks.append(Task(closing, 0, None, (changed,)))
        if todo.gaps:
            lane = self._lane(outcome, "backfill") if listing.has_changes else closing
            for gap in todo.gaps:
                whole = gap == (0, newest_id)
                rows = head.total if whole else self._total(listing, gap, lane)
                spans = cut(gap, rows, _SLICE_ROWS)
                tasks.extend(Task(lane, *span, divisible=True) for span in spans)
        if todo.again:
            lane = self._lane(outcome, "sweep") if listing.has_changes else closing
            tasks.extend(Task(lane, *span) for span in todo.again)

        self._progress.start(
            listing.name, head.total if self._reads_all(todo.gaps) else None, "rows"
        )
        self._read_and_land(listing, tasks, outcome)
        self._prove(listing, newest_id, closing, outcome)
        closing.cursor_to = head.date
        self._close_proven(outcome)

    def _reads_all(self, gaps: list[Span]) -> bool:
        return self._everything or any(lo == 0 for lo, _ in gaps)

    def _pull_range(self, listing: Listing, outcome: Outcome) -> None:
        lane = self._lane(outcome, "range")
        where = self._range_conditions()
        self._progress.start(listing.name, None, "rows")
        self._read_and_land(listing, deque([Task(lane, 0, None, where)]), outcome)
        self._close_proven(outcome)

    def _range_conditions(self) -> tuple[Condition, ...]:
        since, until = self._payed_between or (None, None)
        conditions = []
        if since:
            conditions.append(Condition("payed_at", ">=", since))
        if until:
            conditions.append(Condition("payed_at", "<", until))
        return tuple(conditions)

    def _pull_pages(self, listing: Listing, outcome: Outcome) -> None:
        """Read everything by page number, since the API applies no filter."""
        ranged = bool(self._payed_between) and listing is ORDERS
        where = self._range_conditions() if ranged else ()
        for lane in outcome.lanes:
            lane.status = "unproven"
            lane.error = "the API ignored the filters; read again by page number"
            self._log(lane)
        last = "range" if ranged else "changes" if listing.has_changes else "all"
        outcome.lanes = [lane for lane in outcome.lanes if lane.name != last]
        lane = self._lane(outcome, last)
        lane.filters = "pages"
        started: datetime | None = None
        seen: set[int] = set()
        for page, rows in self._stamped(listing, self._reader.walk_pages(listing.path, lane.tally)):
            started = started or page.date
            if not seen:
                self._progress.start(listing.name, page.total, "rows")
            seen.update(row.id for row in rows)
            satisfy = [all(c.holds(row) for c in where) for row in page.rows]
            fitting = [row for row, fits in zip(rows, satisfy, strict=True) if fits]
            self._land(lane, listing, fitting, page.date)
            lane.api_total = page.total
        if not ranged:
            self._mark_gone(listing, self._store.ids(listing) - seen, lane, outcome)
            lane.cursor_to = started
        outcome.notes.append("the API ignores filters: everything was read by page number")
        self._close_proven(outcome)

    def _read_and_land(self, listing: Listing, tasks: deque[Task], outcome: Outcome) -> None:
        for piece in self._side_by_side(tasks, partial(self._read, listing)):
            self._land_piece(listing, piece, outcome)
            tasks.extendleft(piece.rest)

    def _read(self, listing: Listing, task: Task) -> Piece:
        """Read a task until it ends or has enough rows for one landing. Runs in a worker."""
        rows: list[Row] = []
        began: list[datetime] = []
        walk = self._reader.walk(listing.path, task.lo, task.hi, task.where, task.lane.tally)
        for page, cleaned in self._stamped(listing, walk):
            began.append(page.date)
            rows += cleaned
            left = page.total - len(page.rows)
            shared = self._idle and task.divisible and left > _WORTH_SHARING
            if left and (shared or len(rows) >= _SPLIT_ROWS):
                return Piece(task.until(rows[-1].id), rows, began[0], task.after(rows[-1].id))
        return Piece(task, rows, began[0])

    def _stamped(self, listing: Listing, pages: Iterator[Page]) -> Iterator[tuple[Page, list[Row]]]:
        """Clean the rows of each page, with a version from before the page was asked for."""
        while True:
            version = self._versions.next()
            page = next(pages, None)
            if page is None:
                return
            yield page, [_row(row["id"], listing.clean(row), version) for row in page.rows]

    def _land_piece(self, listing: Listing, piece: Piece, outcome: Outcome) -> None:
        task = piece.task
        if task.where or task.hi is None:
            self._land(task.lane, listing, piece.rows, piece.read_at)
            return
        span = (task.lo, task.hi)
        missing = self._land(task.lane, listing, piece.rows, piece.read_at, span)
        self._mark_gone(listing, missing, task.lane, outcome)
        done = Slice(task.lo, task.hi, piece.read_at, len(piece.rows))
        self._store.record_slice(listing.name, done)

    def _land(
        self,
        lane: Lane,
        listing: Listing,
        rows: list[Row],
        now: datetime,
        span: Span | None = None,
    ) -> set[int]:
        """Land rows; return the ids that are landed within `span` and are not among the rows."""
        if listing is EVENTS:
            self._shows.update(shows_to_come((orjson.loads(row.payload) for row in rows), now))
        landed, missing = self._store.land(listing, rows, span)
        lane.landed += landed
        lane.seen += len(rows)
        self._progress.advance(len(rows))
        return missing

    def _mark_gone(
        self, listing: Listing, missing: Iterable[int], lane: Lane, outcome: Outcome
    ) -> None:
        """Mark as gone what was not in the list and, where that can be asked, not by its id."""
        suspects = sorted(missing)
        if not suspects:
            return
        left = _MOST_GONE - outcome.landed.gone
        gone = [id_ for id_ in suspects[:left] if self._is_gone(listing, id_, lane)]
        lane.landed += self._store.mark_gone(listing, gone, self._versions.next())
        if len(suspects) > left:
            raise Incomplete(
                f"the API no longer lists {len(suspects)} of those landed, more "
                f"than the {_MOST_GONE} that one run checks by id. Is QTICKETS_API_TOKEN that of "
                "the same organiser? If so, the next runs mark the rest."
            )

    def _is_gone(self, listing: Listing, id_: int, lane: Lane) -> bool:
        if not listing.has_singles:
            return True
        try:
            self._api.get(f"{listing.path}/{id_}", tally=lane.tally)
        except NotFound:
            return True
        return False

    def _prove(self, listing: Listing, newest_id: int, lane: Lane, outcome: Outcome) -> None:
        """Compare how many there are with how many are landed; read again where they differ."""
        for _ in range(_PROOFS):
            total = self._total(listing, (0, newest_id), lane)
            lane.api_total, here = total, self._store.count(listing, 0, newest_id)
            if total == here:
                return
            spans = [(s.lo, min(s.hi, newest_id)) for s in self._store.slices(listing.name)]
            spans = [(lo, hi) for lo, hi in spans if lo < hi] or [(0, newest_id)]
            differing = deque(Task(lane, *span) for span in self._differing(listing, spans, lane))
            self._read_and_land(listing, differing, outcome)
        raise Incomplete(
            f"the API says {total}, {here} are landed, and reading again where "
            "they differ did not settle it. What was read is landed; the next run tries again."
        )

    def _differing(self, listing: Listing, spans: list[Span], lane: Lane) -> list[Span]:
        """Find, by halving, the spans whose count is not the API's."""
        whole = (spans[0][0], spans[-1][1])
        if self._total(listing, whole, lane) == self._store.count(listing, *whole):
            return []
        if len(spans) == 1:
            return spans
        middle = len(spans) // 2
        return self._differing(listing, spans[:middle], lane) + self._differing(
            listing, spans[middle:], lane
        )

    def _total(self, listing: Listing, span: Span, lane: Lane) -> int:
        return self._reader.page(listing.path, between(*span), tally=lane.tally).total

    # ---- seats

    def _pull_inventory(self, outcome: Outcome) -> None:
        lane = self._lane(outcome, "snapshot")
        shows = deque(self._known_shows(lane))
        self._progress.start("inventory", len(shows), "shows")
        waiting: list[Snapshot] = []
        without = 0
        for snapshot in self._side_by_side(shows, partial(self._seats, lane)):
            if snapshot is None:
                without += 1
            else:
                waiting.append(snapshot)
            if len(waiting) == _SNAPSHOTS:
                self._land_seats(lane, waiting)
                waiting = []
            self._progress.advance(1)
        self._land_seats(lane, waiting)
        if without:
            outcome.notes.append(f"{without} shows to come for which the API has no seats")
        lane.api_total = lane.seen
        self._close_proven(outcome)

    def _land_seats(self, lane: Lane, snapshots: Sequence[Snapshot]) -> None:
        lane.landed += self._store.land_seats(snapshots)
        lane.seen += len(snapshots)

    def _known_shows(self, lane: Lane) -> list[Show]:
        if self._events is None:
            for page in self._reader.walk(EVENTS.path, tally=lane.tally):
                self._shows.update(shows_to_come(map(redact.event, page.rows), page.date))
        elif self._events.error:
            # it failed as they did: not complete, or the API
            kind = Incomplete if isinstance(self._events.error, Incomplete) else ApiError
            raise kind("the shows are not known, since the events failed.")
        return sorted(self._shows, key=lambda show: show.show_id)

    def _seats(self, lane: Lane, show: Show) -> Snapshot | None:
        """Read a show's seats; None where the API has none. Runs in a worker."""
        path = f"/shows/{show.show_id}/seats"
        version = self._versions.next()
        ask = partial(self._api.get, path, SEATS_QUESTION, tally=lane.tally)
        check = partial(_is_seats, path)
        try:
            encoding = self._seats_encoding or self._reader.encoding
            answer: Answer = ask(encoding=encoding, check=check)
            if _are_zones(answer) and self._seats_encoding is None and encoding == "body":
                # the question may have been lost on the way; if not, zones are what there is
                answer = ask(encoding="query", check=check)
                self._seats_encoding = "body" if _are_zones(answer) else "query"
        except NotFound:
            return None
        row = _row(show.show_id, redact.seats(answer.json["data"]), version)
        return Snapshot(show, answer.date, row)

    # ---- side by side, and the ledger

    def _side_by_side(self, work: deque[T], do: Callable[[T], R]) -> Iterator[R]:
        """Yield `do(item)` of all items of `work`, as they come; `work` may grow meanwhile.

        After a failure nothing new is begun; what is under way is still yielded, then it raises.
        """
        # more workers than connections, so that a connection is in use while a worker cleans rows;
        # and work that waits for a free worker, so that none idles while we land what others read
        workers = self._api.connections + max(1, self._api.connections // 4)
        at_hand = workers + max(1, self._api.connections // 2)
        pool = ThreadPoolExecutor(workers)
        running: set[Future[R]] = set()
        failure: ApiError | None = None

        def hand_out() -> None:
            while work and not failure and len(running) < at_hand:
                running.add(pool.submit(do, work.popleft()))
            self._idle = not work and len(running) < workers

        try:
            hand_out()
            while running:
                done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                if self._api.stop:
                    raise self._api.stop
                for future in done:
                    running.remove(future)
                    try:
                        result = future.result()
                    except ApiError as error:
                        failure = failure or error
                    else:
                        yield result
                    hand_out()
            if failure:
                raise failure
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _lane(self, outcome: Outcome, name: str) -> Lane:
        lane = Lane(outcome.resource, name, self._started_at)
        outcome.lanes.append(lane)
        self._log(lane)
        return lane

    def _close_proven(self, outcome: Outcome) -> None:
        """Write the lanes down as proven; the one that holds the cursor last."""
        for lane in sorted(outcome.lanes, key=lambda lane: lane.cursor_to is not None):
            if lane.status == "running":
                lane.status = "proven"
                lane.filters = lane.filters or self._reader.encoding
                self._log(lane)

    def _log(self, lane: Lane) -> None:
        self._store.log(lane.entry())


def _row(id_: int, thing: Any, version: int) -> Row:
    # a copy, since what orjson returns holds on to a buffer several times as long
    payload = bytes(memoryview(orjson.dumps(thing)))
    # the first 8 bytes of the hash: enough to tell one thing's versions apart
    key = int.from_bytes(hashlib.sha256(payload).digest()[:8], "little")
    return Row(id_, payload, key, version)


def _is_seats(path: str, answer: dict[str, Any]) -> None:
    data = answer["data"]
    if not (isinstance(data, dict) or data == []):
        raise Doubtful(f"GET {path}: `data` is not an object of seats.")


def _are_zones(answer: Answer) -> bool:
    data = answer.json["data"]
    return any(isinstance(entry, dict) and "seats" in entry for entry in dict(data).values())
