"""Which ids of a list a run reads: the plan, without any reading.

The ids are cut into spans, each with a checkpoint: when it was last read and landed. What no
checkpoint covers was never read. Spans are read again in turn (resync), since a ticket can change
without its order's `updated_at`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

_NEWEST = 2  # spans at the new end that every run reads again


class Span(NamedTuple):
    """Ids with `lo < id <= hi`."""

    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A span: when (server's time, UTC) last read and landed, and how many rows it had."""

    span: Span
    read_at: datetime
    rows: int


def plan(
    done: Sequence[Checkpoint],
    newest_id: int,
    *,
    now: datetime,
    cursor: datetime | None,
    period: timedelta,
) -> list[Span]:
    """Return what to read of a list up to `newest_id`: what was never read, and what is due again.

    `done`: by id. `now`: the server's time. Within `period` (0: now) every span is read again,
    those read longest ago first; the newest ones in every run, and the last one grows with the
    list. Without a `cursor` the first reading has not come to its end yet, and only what is overdue
    is read again: what a wrong clock says was read in the future, say.
    """
    spans = set(_due(done, now, cursor, period))
    if done and done[-1].span in spans:
        last = done[-1].span
        spans.remove(last)
        spans.add(Span(last.lo, max(last.hi, newest_id)))
        newest_id = last.hi
    edge = 0
    for lo, hi in (*(checkpoint.span for checkpoint in done), Span(newest_id, newest_id)):
        if lo > edge:
            spans.add(Span(edge, lo))
        edge = max(edge, hi)
    return sorted(spans)


def _due(
    done: Sequence[Checkpoint], now: datetime, cursor: datetime | None, period: timedelta
) -> list[Span]:
    if not period:
        return [checkpoint.span for checkpoint in done]
    overdue = [checkpoint for checkpoint in done if now - checkpoint.read_at >= period]
    if cursor is None:
        return [checkpoint.span for checkpoint in overdue]
    newest, older = done[-_NEWEST:], done[:-_NEWEST]
    share = min(1.0, max(0.0, (now - cursor) / period))
    due = _oldest(older, share * sum(checkpoint.rows for checkpoint in done))
    return [checkpoint.span for checkpoint in (*newest, *due, *overdue)]


def cut(span: Span, rows: int, span_rows: int) -> list[Span]:
    """Cut a span that holds so many rows into equally wide ones of about `span_rows` each.

    Ids are not spread evenly: one that turns out to hold too many is cut again.
    """
    lo, hi = span
    count = max(1, -(-rows // span_rows))
    edges = sorted({lo + (hi - lo) * number // count for number in range(count + 1)})
    return [Span(lo, hi) for lo, hi in pairwise(edges)]


def _oldest(done: Sequence[Checkpoint], rows: float) -> list[Checkpoint]:
    """Return the checkpoints of longest ago that together have so many rows."""
    found: list[Checkpoint] = []
    taken = 0
    for checkpoint in sorted(done, key=lambda checkpoint: checkpoint.read_at):
        if taken >= rows:
            break
        found.append(checkpoint)
        taken += checkpoint.rows
    return found
