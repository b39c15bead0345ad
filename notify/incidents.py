"""When to tell of a problem: pure, for one destination, the clock given.

A problem's subject is `area/cause`. The first time it is told at once; while the same, once a day;
another cause in its area at once, as part of the same outage; then its end. A warning (its area is
`warning`) is told once a day at most, and its end is not told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from notify.state import Memories, Memory

ZONE = ZoneInfo("Europe/Moscow")
# runs come a little earlier or later: by whole days a reminder would move on by a run each day
_DAY = timedelta(hours=24) - timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: a heading, what to do, and lines of detail in the words of who noticed."""

    subject: str
    heading: str
    todo: str = ""
    details: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        """Return the part of the chain that it is about: clickhouse, extract, build or warning."""
        return area_of(self.subject)


def area_of(subject: str) -> str:
    """`extract/api` -> `extract`."""
    return subject.split("/")[0]


@dataclass(slots=True)
class Told:
    """What is to be told now, each with the instant since when; `over` has subjects."""

    new: list[tuple[Problem, datetime]] = field(default_factory=list)
    again: list[tuple[Problem, datetime]] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    over: list[tuple[str, datetime]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.again or self.warnings or self.over)


def step(
    memories: Memories, problems: Sequence[Problem], known: Collection[str], now: datetime
) -> tuple[Told, dict[str, Memory], dict[str, Memory]]:
    """Return what to tell, and what to remember: if it is delivered, and if it is not.

    `known`: the areas that could be looked at. Of the others nothing is concluded.
    """
    told = Told(warnings=[p for p in problems if p.area == "warning" and _is_due(memories, p, now)])
    after = {p.subject: Memory(p.subject, now, now, is_open=False) for p in told.warnings}
    undelivered: dict[str, Memory] = {}
    failures = [problem for problem in problems if problem.area != "warning"]
    seen = {problem.subject for problem in failures}
    vanished = [
        memory
        for subject, memory in memories.items()
        if memory.is_open and area_of(subject) in known and subject not in seen
    ]
    replaced: set[str] = set()
    for problem in failures:
        before = memories.get(problem.subject)
        told_at = before.told_at if before else None
        is_due = _is_due(memories, problem, now)
        if before and before.is_open:
            since = before.since
            if is_due:
                (told.again if told_at else told.new).append((problem, since))
        else:
            replaced.add(problem.area)
            same = [memory.since for memory in vanished if area_of(memory.subject) == problem.area]
            since = min([now, *same])
            # a cause that comes back within the same outage was told of already
            is_due = is_due or (told_at is not None and told_at < since)
            if is_due:
                told.new.append((problem, since))
            if not same:
                undelivered[problem.subject] = Memory(problem.subject, now, None, is_open=True)
        told_at = now if is_due else told_at
        after[problem.subject] = Memory(problem.subject, since, told_at, is_open=True)
    for memory in vanished:
        after[memory.subject] = replace(memory, is_open=False)
        if area_of(memory.subject) not in replaced:
            if memory.told_at is None:
                undelivered[memory.subject] = after[memory.subject]
            else:
                told.over.append((memory.subject, memory.since))
    return told, after, undelivered


def _is_due(memories: Memories, problem: Problem, now: datetime) -> bool:
    """Return whether it was not told on this day: not at all, or a day ago and on another date."""
    before = memories.get(problem.subject)
    if before is None or before.told_at is None:
        return True
    is_later = now.astimezone(ZONE).date() != before.told_at.astimezone(ZONE).date()
    return is_later and now - before.told_at >= _DAY
