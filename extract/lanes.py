"""Which part of a list a run reads: the plan, without any reading.

The id space of a list is cut into slices `(lo, hi]`, each with the time at which it was last proven
read. What no slice covers was never read (backfill); slices are read again in turn (sweep), since a
ticket can change without its order's `updated_at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from extract.store import Slice, Span

_NEWEST = 2  # slices at the new end that every run reads again


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read: spans never read, spans to read again, and changes since when (None: none)."""

    gaps: list[Span]
    again: list[Span]
    changes_since: datetime | None


def plan(
    slices: Sequence[Slice],
    newest_id: int,
    *,
    now: datetime,
    cursor: datetime | None,
    period: timedelta,
    everything: bool = False,
) -> Plan:
    """Decide what a run reads of a list whose newest id is `newest_id`.

    `slices`: those ever proven, by id. `now`: the server's time. Within `period` every slice is
    read again, the ones read longest ago first; the newest ones in every run. `everything` reads
    all of them now.
    """
    gaps: list[Span] = []
    edge = 0
    for piece in slices:
        if piece.lo > edge:
            gaps.append((edge, piece.lo))
        edge = max(edge, piece.hi)
    if cursor is None:  # the first reading has not come to its end yet
        if newest_id > edge or not slices:
            gaps.append((edge, newest_id))
        # what was updated after its slice was read counts as changed
        since = min((piece.read_at for piece in slices), default=None)
        again = {(piece.lo, piece.hi) for piece in slices if everything}
        return Plan(gaps, sorted(again), since)

    newest, older = slices[-_NEWEST:], slices[:-_NEWEST]
    share = 1.0 if everything else min(1.0, (now - cursor) / period)
    due = _oldest(older, share * sum(piece.rows for piece in slices))
    overdue = [piece for piece in older if now - piece.read_at >= period]
    again = {(piece.lo, piece.hi) for piece in (*newest, *due, *overdue)}
    if slices:  # the last one grows with the list
        head = slices[-1]
        again.discard((head.lo, head.hi))
        again.add((head.lo, max(head.hi, newest_id)))
    else:
        gaps.append((0, newest_id))
    return Plan(gaps, sorted(again), cursor)


def cut(span: Span, rows: int, slice_rows: int) -> list[Span]:
    """Cut a span that holds so many rows into equally wide ones of about `slice_rows` each.

    Ids are not spread evenly: a slice that turns out too long is divided while it is read.
    """
    lo, hi = span
    count = max(1, -(-rows // slice_rows))
    edges = sorted({lo + (hi - lo) * number // count for number in range(count + 1)})
    return list(pairwise(edges))


def halves(span: Span) -> list[Span]:
    """Return the lower and the upper half of a span, one span where it holds a single id."""
    return cut(span, 2, 1)


def _oldest(slices: Sequence[Slice], rows: float) -> list[Slice]:
    """Return the slices read longest ago that together have so many rows."""
    found: list[Slice] = []
    taken = 0
    for piece in sorted(slices, key=lambda piece: piece.read_at):
        if taken >= rows:
            break
        found.append(piece)
        taken += piece.rows
    return found
