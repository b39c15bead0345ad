"""The words of alerts, in Russian, as plain text that reads well on a phone and as mail."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from notify.incidents import ZONE, Problem, Told
from report import words

Rows = list[dict[str, Any]]

LIMIT = 3800  # signs; with the title below the 4,096 of Telegram
_DETAIL = 300
_AT_ONCE = 8
_MINUTE = 60  # seconds
_RUSSIAN_CAPITALS = "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЭЮЯ"
_RESOURCES = {
    "orders": "заказы",
    "events": "мероприятия",
    "inventory": "места",
    "promo_codes": "промокоды",
    "discounts": "скидки",
}
_OVER = {
    "clickhouse": "ClickHouse снова отвечает",
    "extract": "Загрузка из QTickets снова работает",
    "build": "dbt снова строит витрины",
    "marts": "Витрины снова обновляются",
    "site": "Отчёт и документация снова обновляются",
}


def sql(name: str) -> str:
    """Return the query of that name."""
    return (Path(__file__).parent / "queries" / f"{name}.sql").read_text("utf-8")


def show(title: str, text: str) -> None:
    """Print a message, for who tries it out."""
    with suppress(BrokenPipeError, AttributeError):  # nobody reads, or there is no stdout
        sys.stdout.write(f"{title}\n\n{text}\n")
        sys.stdout.flush()


def alert(told: Told, organiser: str, now: datetime) -> tuple[str, str]:
    """Return title and text of the one message for all that is to be told now."""
    blocks = [_failure(*pair, now) for pair in told.new]
    blocks += [_failure(*pair, now, " Это напоминание, раз в сутки.") for pair in told.again]
    blocks += [_over(*pair, now) for pair in told.over]
    blocks += [("🟡 ", problem.heading, _lines(problem)) for problem in told.warnings]
    who = organiser or "zakaz"
    if not blocks:
        return f"{who}: всё в порядке", "Рассказывать не о чем."
    sign, heading, text = blocks[0]
    title = f"{sign}{who}: {_in_sentence(heading)}"
    if len(blocks) > 1:
        title += f" (+{len(blocks) - 1})"
        told_of = [f"{sign}{heading}\n{text}" for sign, heading, text in blocks[:_AT_ONCE]]
        rest = len(blocks) - len(told_of)
        told_of += [f"И ещё {rest}: смотрите журнал."] if rest else []
        text = "\n\n".join(told_of)
    return title[:200], text[:LIMIT]


def _failure(
    problem: Problem, since: datetime, now: datetime, more: str = ""
) -> tuple[str, str, str]:
    lines = _lines(problem)
    if (now - since).total_seconds() >= _MINUTE:
        lines += f"\nДлится {lasted(since, now)}: с {when(since)}.{more}"
    return "🔴 ", problem.heading, lines


def _lines(problem: Problem) -> str:
    lines = [" ".join(detail.split()) for detail in problem.details]
    short = [f"{line[:_DETAIL]}…" if len(line) > _DETAIL else line for line in lines]
    return "\n".join([*short, f"Что делать: {problem.todo}"])


def _over(subject: str, since: datetime, now: datetime) -> tuple[str, str, str]:
    area, cause = subject.split("/", 1)
    heading = _OVER[area]
    if area == "build" and not cause.startswith(("error", "exit-")):
        heading = f"Проверка данных снова проходит: {cause}"
    return "🟢 ", heading, f"Не работало {lasted(since, now)}: с {when(since)}."


def _in_sentence(heading: str) -> str:
    """Begin small what begins with a Russian word."""
    return heading[0].lower() + heading[1:] if heading[0] in _RUSSIAN_CAPITALS else heading


def lasted(since: datetime, now: datetime) -> str:
    """Say how long: «6 ч 10 мин», «2 дня 3 ч»."""
    minutes = int((now - since).total_seconds()) // _MINUTE
    if minutes < 1:
        return "меньше минуты"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    told = [words.count(days, "день", "дня", "дней")] if days else []
    told += [f"{hours} ч"] if hours else []
    told += [f"{minutes} мин"] if minutes and not days else []
    return " ".join(told)


def when(moment: datetime) -> str:
    """Say an instant in Moscow: «25 ноя, 09:40»."""
    return words.instant(moment.astimezone(ZONE))


def resource_names(names: Iterable[str]) -> str:
    """Name what is loaded, the most important first: «заказы, мероприятия»."""
    order = list(_RESOURCES)
    places = sorted(names, key=lambda name: order.index(name) if name in order else len(order))
    return ", ".join(_RESOURCES.get(name, name) for name in places)


def and_more(names: Sequence[str], most: int) -> str:
    """Name the first few: «a, b и ещё 3»."""
    text = ", ".join(names[:most])
    return text if len(names) <= most else f"{text} и ещё {len(names) - most}"
