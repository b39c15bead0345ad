"""What a run reads: gaps, the newest slices, those due, and changes since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from extract.lanes import plan
from extract.store import Slice

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def slices(*ages_in_hours: float) -> list[Slice]:
    return [
        Slice(100 * n, 100 * (n + 1), NOW - timedelta(hours=age))
        for n, age in enumerate(ages_in_hours)
    ]


def test_the_first_run_reads_everything_and_no_changes() -> None:
    made = plan([], 500, now=NOW, cursor=None, period=DAY)
    assert (made.gaps, made.again, made.changes_since) == ([(0, 500)], [], None)


def test_after_a_kill_gaps_are_read_and_changes_since_the_first_slice() -> None:
    known = [Slice(0, 100, NOW - timedelta(hours=2)), Slice(300, 400, NOW - timedelta(hours=3))]
    made = plan(known, 500, now=NOW, cursor=None, period=DAY)
    assert made.gaps == [(100, 300), (400, 500)]
    assert made.changes_since == NOW - timedelta(hours=3)
    assert made.again == []


def test_the_last_slice_grows_with_the_list() -> None:
    made = plan(slices(1, 1, 1), 350, now=NOW, cursor=NOW, period=DAY)
    assert made.again == [(100, 200), (200, 350)]


def test_the_share_that_is_due_is_read_oldest_first() -> None:
    ages = (5, 9, 7, 3, 1, 1, 1, 1, 1, 1)
    cursor = NOW - timedelta(hours=2.4)  # a tenth of a day: one slice of ten
    made = plan(slices(*ages), 1000, now=NOW, cursor=cursor, period=DAY)
    assert made.again == [(100, 200), (800, 900), (900, 1000)]


def test_what_is_overdue_is_read_whatever_its_share() -> None:
    ages = (25, 30, 1, 1, 1, 1)
    cursor = NOW - timedelta(minutes=1)
    made = plan(slices(*ages), 600, now=NOW, cursor=cursor, period=DAY)
    assert made.again[:2] == [(0, 100), (100, 200)]


def test_within_a_period_every_slice_is_read_again() -> None:
    known = {piece.lo: piece for piece in slices(*[24 - n / 4 for n in range(40)])}
    last = NOW
    for run in range(1, 49):
        now = NOW + timedelta(minutes=30 * run)
        ordered = [known[lo] for lo in sorted(known)]
        for lo, hi in plan(ordered, 4000, now=now, cursor=last, period=DAY).again:
            known[lo] = Slice(lo, hi, now)
        last = now
    assert all(piece.read_at > NOW for piece in known.values())


def test_when_only_page_numbers_worked_so_far_there_is_a_cursor_and_no_slice() -> None:
    made = plan([], 500, now=NOW, cursor=NOW - DAY, period=DAY)
    assert (made.gaps, made.again, made.changes_since) == ([(0, 500)], [], NOW - DAY)


def test_everything() -> None:
    made = plan(slices(1, 1, 1, 1), 400, now=NOW, cursor=NOW, period=DAY, everything=True)
    assert made.again == [(0, 100), (100, 200), (200, 300), (300, 400)]
