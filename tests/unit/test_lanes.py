"""What a run reads: gaps, the newest slices, those due, and changes since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from extract.lanes import cut, halves, plan
from extract.store import Slice

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def slices(*ages_in_hours: float) -> list[Slice]:
    return [
        Slice(100 * n, 100 * (n + 1), NOW - timedelta(hours=age), 10)
        for n, age in enumerate(ages_in_hours)
    ]


def test_the_first_run_reads_everything_and_no_changes() -> None:
    made = plan([], 500, now=NOW, cursor=None, period=DAY)
    assert (made.gaps, made.again, made.changes_since) == ([(0, 500)], [], None)


def test_after_a_kill_gaps_are_read_and_changes_since_the_first_slice() -> None:
    known = [
        Slice(0, 100, NOW - timedelta(hours=2), 10),
        Slice(300, 400, NOW - timedelta(hours=3), 10),
    ]
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
            known[lo] = Slice(lo, hi, now, 10)
        last = now
    assert all(piece.read_at > NOW for piece in known.values())


def test_when_only_page_numbers_worked_so_far_there_is_a_cursor_and_no_slice() -> None:
    made = plan([], 500, now=NOW, cursor=NOW - DAY, period=DAY)
    assert (made.gaps, made.again, made.changes_since) == ([(0, 500)], [], NOW - DAY)


def test_everything() -> None:
    made = plan(slices(1, 1, 1, 1), 400, now=NOW, cursor=NOW, period=DAY, everything=True)
    assert made.again == [(0, 100), (100, 200), (200, 300), (300, 400)]


def test_the_share_is_one_of_rows_not_of_slices() -> None:
    known = [
        Slice(0, 100, NOW - timedelta(hours=9), 5),
        Slice(100, 200, NOW - timedelta(hours=8), 5),
        Slice(200, 300, NOW - timedelta(hours=7), 90),
        Slice(300, 400, NOW, 50),
        Slice(400, 500, NOW, 50),
    ]
    cursor = NOW - timedelta(hours=2.4)  # a tenth of a day: twenty rows of two hundred
    made = plan(known, 500, now=NOW, cursor=cursor, period=DAY)
    assert made.again == [(0, 100), (100, 200), (200, 300), (300, 400), (400, 500)]
    assert plan(known, 500, now=NOW, cursor=NOW - timedelta(minutes=6), period=DAY).again == [
        (0, 100),
        (300, 400),
        (400, 500),
    ]


def test_cuts_cover_the_span_without_gap_or_overlap() -> None:
    assert cut((0, 100), 50, 20) == [(0, 33), (33, 66), (66, 100)]
    assert cut((7, 9), 500, 20) == [(7, 8), (8, 9)]
    assert cut((7, 7), 0, 20) == []
    assert cut((5, 50), 0, 20) == [(5, 50)]
    assert halves((5, 50)) == [(5, 27), (27, 50)]
    assert halves((5, 6)) == [(5, 6)]
