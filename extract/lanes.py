"""Which part of a list a run reads: the plan, without any reading.

The id space of a list is cut into slices `(lo, hi]`, each with the time at which it was last proven
read. What no slice covers was never read (backfill); slices are read again in turn (sweep), since a
ticket can change without its order's `updated_at`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from extract.store import Slice

Span = tuple[int, int]
"""Ids with `lo < id <= hi`."""

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
    if not slices:
        return Plan(gaps=[(0, newest_id)], again=[], changes_since=cursor)

    # orders updated after a slice was read and before the first proven run count as changes too
    since = cursor or min(piece.read_at for piece in slices)
    newest, older = slices[-_NEWEST:], slices[:-_NEWEST]
    share = 1.0 if everything else min(1.0, (now - since) / period)
    by_age = sorted(older, key=lambda piece: piece.read_at)
    due = by_age[: math.ceil(len(slices) * share)]
    overdue = [piece for piece in older if now - piece.read_at >= period]
    again = {(piece.lo, piece.hi) for piece in (*newest, *due, *overdue)}
    # the last slice grows with the list
    head = slices[-1]
    again.discard((head.lo, head.hi))
    again.add((head.lo, max(head.hi, newest_id)))
    return Plan(gaps=gaps, again=sorted(again), changes_since=since)
