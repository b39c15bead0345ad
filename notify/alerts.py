"""Alerts for operators: look, compare with what each destination was told, tell what is new."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime

from notify import deliver, incidents, state, texts, watch
from notify.settings import Failures, Settings
from reader import Reader, ReaderError


def run(settings: Settings, exits: Mapping[str, str], now: datetime, *, is_dry: bool) -> Failures:
    """Tell what there is to tell, and return what went wrong with that.

    `exits`: how `extract` and `build` ended, when it is known. Raises ReaderError of the state.
    """
    to, failures = deliver.destinations("NOTIFY_ALERT_URLS", settings.get("NOTIFY_ALERT_URLS"))
    pulse = settings.get("NOTIFY_HEARTBEAT_URL")
    if not (to or pulse or is_dry):
        return failures
    with ExitStack() as stack:
        reader = None
        try:
            reader = stack.enter_context(Reader(settings.env))
            seen = watch.in_clickhouse(reader, settings.fresh_hours, now)
            seen.add(watch.in_run_results(settings.run_results, now))
        except ReaderError as error:
            if error.kind == "busy":
                raise
            failures.append((error.exit_code, str(error)))
            seen = watch.Seen([watch.unreadable(error)], {"clickhouse"})
        seen.add(watch.in_exits(exits, seen, now))
        if is_dry:
            told, *_ = incidents.step({}, seen.problems, seen.known, now)
            texts.show(*texts.alert(told, settings.organiser, now))
            return failures
        memory = stack.enter_context(state.opened(settings.state_path, reader))
        for one in to:
            failures += _tell(one, memory, seen, settings.organiser, now)
    is_well = not failures and all(p.area == "warning" for p in seen.problems)
    if pulse and is_well:
        failures += deliver.heartbeat(pulse)
    return failures


def _tell(
    to: deliver.Destination, memory: state.State, seen: watch.Seen, organiser: str, now: datetime
) -> Failures:
    before = memory.of(to.id, now)
    problems, known = watch.with_memory(seen, before)
    told, after, undelivered = incidents.step(before, problems, known, now)
    failures = deliver.send(to, *texts.alert(told, organiser, now)) if told else []
    memory.save(to.id, undelivered if failures else after)
    return failures
