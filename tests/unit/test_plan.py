"""What a run reads: spans never read, the newest ones, those due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from extract.plan import Checkpoint, Span, cut, plan

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = timedelta(0)


def checkpoint(lo: int, hi: int, hours_ago: float, rows: int = 10) -> Checkpoint:
    return Checkpoint(Span(lo, hi), NOW - timedelta(hours=hours_ago), rows)


def checkpoints(*ages_in_hours: float) -> list[Checkpoint]:
    return [checkpoint(100 * n, 100 * (n + 1), age) for n, age in enumerate(ages_in_hours)]


def planned(done: list[Checkpoint], newest_id: int, **more: Any) -> list[Span]:
    return plan(done, newest_id, **{"now": NOW, "cursor": NOW, "period": DAY} | more)


def test_the_first_run_reads_everything() -> None:
    assert planned([], 500, cursor=None) == [(0, 500)]
    assert planned([], 0, cursor=None) == []


def test_after_a_kill_what_was_never_read_is_read() -> None:
    known = [checkpoint(0, 100, 2), checkpoint(300, 400, 3)]
    assert planned(known, 500, cursor=None) == [(100, 300), (400, 500)]


def test_what_a_wrong_clock_read_in_the_future_is_read_before_there_is_a_cursor() -> None:
    known = [checkpoint(0, 100, 500_000), checkpoint(100, 200, 3)]
    assert planned(known, 200, cursor=None) == [(0, 100)]


def test_the_last_span_grows_with_the_list() -> None:
    assert planned(checkpoints(1, 1, 1), 350) == [(100, 200), (200, 350)]
    assert planned(checkpoints(1), 350, period=NOTHING) == [(0, 350)]


def test_the_share_that_is_due_is_read_oldest_first() -> None:
    ages = (5, 9, 7, 3, 1, 1, 1, 1, 1, 1)
    cursor = NOW - timedelta(hours=2.4)  # a tenth of a day: one span of ten
    assert planned(checkpoints(*ages), 1000, cursor=cursor) == [(100, 200), (800, 900), (900, 1000)]


def test_what_is_overdue_is_read_whatever_its_share() -> None:
    ages = (25, 30, 1, 1, 1, 1)
    again = planned(checkpoints(*ages), 600, cursor=NOW - timedelta(minutes=1))
    assert again[:2] == [(0, 100), (100, 200)]


def test_a_cursor_ahead_of_the_server_makes_nothing_due() -> None:
    again = planned(checkpoints(1, 1, 1), 300, cursor=NOW + DAY)
    assert again == [(100, 200), (200, 300)]


def test_within_a_period_every_span_is_read_again() -> None:
    known = {found.span.lo: found for found in checkpoints(*[24 - n / 4 for n in range(40)])}
    last = NOW
    for run in range(1, 49):
        now = NOW + timedelta(minutes=30 * run)
        ordered = [known[lo] for lo in sorted(known)]
        for span in planned(ordered, 4000, now=now, cursor=last):
            known[span.lo] = Checkpoint(span, now, 10)
        last = now
    assert all(found.read_at > NOW for found in known.values())


def test_everything() -> None:
    again = planned(checkpoints(1, 1, 1, 1), 400, period=NOTHING)
    assert again == [(0, 100), (100, 200), (200, 300), (300, 400)]


def test_the_share_is_one_of_rows_not_of_spans() -> None:
    known = [
        checkpoint(0, 100, 9, 5),
        checkpoint(100, 200, 8, 5),
        checkpoint(200, 300, 7, 90),
        checkpoint(300, 400, 0, 50),
        checkpoint(400, 500, 0, 50),
    ]
    # a tenth of a day: twenty rows of two hundred
    again = planned(known, 500, cursor=NOW - timedelta(hours=2.4))
    assert again == [(0, 100), (100, 200), (200, 300), (300, 400), (400, 500)]
    again = planned(known, 500, cursor=NOW - timedelta(minutes=6))
    assert again == [(0, 100), (300, 400), (400, 500)]


def test_cuts_cover_the_span_without_gap_or_overlap() -> None:
    assert cut(Span(0, 100), 50, 20) == [(0, 33), (33, 66), (66, 100)]
    assert cut(Span(7, 9), 500, 20) == [(7, 8), (8, 9)]
    assert cut(Span(7, 7), 0, 20) == []
    assert cut(Span(5, 50), 0, 20) == [(5, 50)]
