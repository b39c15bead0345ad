"""When something is told: first at once, then silence, once a day, another cause, the end."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from notify.incidents import ZONE, Problem, Told, step
from notify.state import Memory

START = datetime(2026, 1, 1, 7, 10, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
AREAS = {"clickhouse", "extract", "build", "marts"}

API = Problem("extract/api", "QTickets не отвечает как должен")
TOKEN = Problem("extract/token", "QTickets не принимает токен")
FAILING = Problem("build/assert_x", "Проверка не прошла")
WARNING = Problem("warning/assert_y", "Предупреждение")


class Told_to:  # noqa: N801
    """One destination, to which everything is delivered unless it is `deaf`."""

    def __init__(self) -> None:
        self.memories: dict[str, Memory] = {}
        self.is_deaf = False

    def run(self, now: datetime, *problems: Problem, known: set[str] = AREAS) -> Told:
        told, after, undelivered = step(self.memories, problems, known, now)
        self.memories |= undelivered if told and self.is_deaf else after
        return told


def subjects(told: Told) -> dict[str, list[str]]:
    """Return what was told, by kind; kinds with nothing are left out."""
    found = {
        "new": [problem.subject for problem, _ in told.new],
        "again": [problem.subject for problem, _ in told.again],
        "warnings": [problem.subject for problem in told.warnings],
        "over": [subject for subject, _ in told.over],
    }
    return {kind: names for kind, names in found.items() if names}


def test_a_failure_is_told_once_and_its_end_with_how_long_it_lasted() -> None:
    to = Told_to()
    assert not to.run(START)
    told = to.run(START + HALF_HOUR, API)
    assert subjects(told) == {"new": ["extract/api"]}
    for n in range(2, 14):
        assert not to.run(START + n * HALF_HOUR, API)
    told = to.run(START + 14 * HALF_HOUR)
    assert told.over == [("extract/api", START + HALF_HOUR)]
    assert not to.run(START + 15 * HALF_HOUR)
    assert subjects(to.run(START + 16 * HALF_HOUR, API)) == {"new": ["extract/api"]}


def test_another_cause_is_told_as_part_of_the_same_outage_and_each_cause_once_a_day() -> None:
    to = Told_to()
    to.run(START, API)
    told = to.run(START + HALF_HOUR, TOKEN)
    assert told.new == [(TOKEN, START)]
    assert not told.over
    for n, problem in enumerate((API, TOKEN, API, TOKEN), start=2):
        assert not to.run(START + n * HALF_HOUR, problem)
    told = to.run(START + 6 * HALF_HOUR)
    assert told.over == [("extract/token", START)]
    # a new outage, on the same day, is told again
    assert subjects(to.run(START + 7 * HALF_HOUR, API)) == {"new": ["extract/api"]}


def test_two_causes_at_once_end_one_by_one() -> None:
    to = Told_to()
    to.run(START, API)
    assert subjects(to.run(START + HALF_HOUR, API, TOKEN)) == {"new": ["extract/token"]}
    assert subjects(to.run(START + 2 * HALF_HOUR, TOKEN)) == {"over": ["extract/api"]}
    assert subjects(to.run(START + 3 * HALF_HOUR)) == {"over": ["extract/token"]}


def test_of_an_area_that_could_not_be_looked_at_nothing_is_concluded() -> None:
    to = Told_to()
    down = Problem("clickhouse/unreachable", "ClickHouse не отвечает")
    to.run(START, API, FAILING)
    assert subjects(to.run(START + HALF_HOUR, down, known={"clickhouse"})) == {
        "new": ["clickhouse/unreachable"]
    }
    assert subjects(to.run(START + 2 * HALF_HOUR, API, known={"clickhouse", "extract"})) == {
        "over": ["clickhouse/unreachable"]
    }
    assert subjects(to.run(START + 3 * HALF_HOUR)) == {"over": ["extract/api", "build/assert_x"]}


def test_what_was_not_delivered_is_told_the_next_time_and_counts_from_the_beginning() -> None:
    to = Told_to()
    to.is_deaf = True
    for n in range(3):
        told = to.run(START + n * HALF_HOUR, API)
        assert told.new == [(API, START)]
    to.is_deaf = False
    assert to.run(START + 3 * HALF_HOUR, API).new == [(API, START)]
    to.is_deaf = True
    assert to.run(START + 4 * HALF_HOUR, TOKEN).new == [(TOKEN, START)]
    assert to.run(START + 5 * HALF_HOUR).over == [("extract/api", START)]
    to.is_deaf = False
    assert to.run(START + 6 * HALF_HOUR).over == [("extract/api", START)]
    assert not to.run(START + 7 * HALF_HOUR)


def test_a_failure_that_nobody_heard_of_ends_in_silence() -> None:
    to = Told_to()
    to.is_deaf = True
    to.run(START, API)
    to.is_deaf = False
    assert not to.run(START + HALF_HOUR)


def test_a_year_of_one_failure_is_a_message_a_day() -> None:
    to, rng = Told_to(), Random(1)
    days: Counter[str] = Counter()
    now = START
    while now < START + timedelta(days=365):
        # cron is never quite on time
        told = to.run(now + timedelta(seconds=rng.randrange(90)), API, WARNING)
        for kind, names in subjects(told).items():
            days[f"{kind} {now.astimezone(ZONE):%F}"] += len(names)
        now += HALF_HOUR
    assert set(days.values()) == {1}
    assert sum(key.startswith("new") for key in days) == 1
    assert sum(key.startswith("again") for key in days) == 364
    assert sum(key.startswith("warnings") for key in days) == 365


def test_a_year_of_outages_is_told_twice_each() -> None:
    to, rng = Told_to(), Random(2)
    outages, heard = [], []
    now, down_until = START, START
    for _ in range(365 * 48):
        if now >= down_until and rng.random() < 0.01:
            down_until = now + rng.randrange(1, 40) * HALF_HOUR
            outages.append((now, down_until))
        told = to.run(now, *([API] if now < down_until else []))
        heard += [(now, kind) for kind in subjects(told)]
        now += HALF_HOUR
    wanted = [(start, "new") for start, _ in outages] + [(end, "over") for _, end in outages]
    assert len(outages) > 100
    # an outage that begins as another ends is one
    starts, ends = {start for start, _ in outages}, {end for _, end in outages}
    joined = starts & ends
    assert heard == sorted(pair for pair in wanted if pair[0] not in joined and pair[0] < now)
