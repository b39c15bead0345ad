"""The state of the data, a sentence a cause, by the rule of `python -m extract --healthcheck`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from report import words
from report.figures import MOSCOW, Row, Rows

# a run log of version 1 says proven and unproven
VERIFIED, _UNVERIFIED = ("proven", "verified"), ("unproven", "unverified")
# what a sentence calls a resource: «заказы», «по заказам»
RESOURCES = {
    "orders": ("Заказы", "заказам"),
    "events": ("Мероприятия", "мероприятиям"),
    "inventory": ("Остатки", "остаткам"),
    "discounts": ("Скидки", "скидкам"),
    "promo_codes": ("Промокоды", "промокодам"),
}
# what the run log says -> what it means to a reader; the first that is found counts
_CAUSES = (
    ("accept-deletions", "из QTickets разом пропало слишком многое"),
    (r": 40[13]\b|refuses the token", "QTickets не принимает токен"),
    (r"certificate|\bTLS\b|\bSSL", "не удаётся защищённое соединение с QTickets"),
    ("clickhouse", "загрузка не смогла записать данные"),
    (
        r": (429|5\d\d)\b|no (whole )?(answer|response)|timed out|connect|resolve|reset"
        r"|let us through|too many requests|has a fault|not JSON|cut short",
        "QTickets не отвечает",
    ),
)


@dataclass(frozen=True, slots=True)
class State:
    """`level` is good, warn or bad. `at` is the time of the data: of the orders, in Moscow."""

    level: str
    at: datetime | None
    sentences: Sequence[str]


def state(quality: Rows, now: datetime) -> State:
    """Say how fresh and complete the data is. A run that failed is no fault while it is fresh."""
    proven = {row["resource"]: row["proven_at"] for row in quality if row["proven_at"]}
    at = proven.get("orders", min(proven.values(), default=None))
    if not quality:
        return State("bad", None, ["Данные ещё ни разу не загружались"])
    order = {resource: n for n, resource in enumerate(RESOURCES)}
    quality = sorted(quality, key=lambda row: order.get(row["resource"], len(order)))
    stale = [row for row in quality if not row["is_fresh"]]
    sentences = []

    def key(row: Row) -> tuple[str, bool]:
        return cause(row, now), row["proven_at"] is None

    for (why, is_new), rows in groupby(sorted(stale, key=key), key=key):
        found = list(rows)
        names = [name(row["resource"], 1) for row in found]
        since = "" if is_new else _time(min(row["proven_at"] for row in found), now)
        whose = "" if len(names) == len(quality) else f" по {_listed(names)}"
        what = f"Новых данных{whose} нет с {since}" if since else f"Данных{whose} ещё нет"
        sentences.append(f"{what}: {why}")
    for row in quality:
        if row["last_status"] in _UNVERIFIED and row["is_fresh"]:
            sentences.append(f"{name(row['resource'])}: {cause(row, now)}")
        elif not row["is_complete"] and row["proven_at"]:
            landed, total = words.number(row["rows_landed"]), words.number(row["api_total"])
            sentences.append(f"{name(row['resource'])} загружены не все: {landed} из {total}")
    is_bad = any(
        row["is_late"] or not row["is_complete"] or row["last_status"] in _UNVERIFIED
        for row in quality
    )
    level = "bad" if is_bad else "warn" if stale else "good"
    return State(level, at and at.astimezone(MOSCOW), sentences)


def cause(row: Row, now: datetime) -> str:
    """Say why a resource has nothing new: what its last run met, or that none ran."""
    if row["last_status"] in VERIFIED:
        return "загрузка не запускалась"
    if row["last_status"] == "running":
        return f"загрузка идёт с {_time(row['run_at'], now)}"
    if row["last_status"] == "stopped":
        return "загрузку остановили"
    causes = _CAUSES[:1] if row["last_status"] in _UNVERIFIED else _CAUSES
    other = "загрузка не удалась" if causes is _CAUSES else "загруженное не сошлось с QTickets"
    found = (says for pattern, says in causes if re.search(pattern, row["last_error"], re.I))
    return next(found, other)


def name(resource: str, case: int = 0) -> str:
    """Return what a resource is called: «Заказы», or of the second case «заказам»."""
    return RESOURCES.get(resource, (resource, resource))[case]


def _time(moment: datetime, now: datetime) -> str:
    local = moment.astimezone(MOSCOW)
    return f"{local:%H:%M}" if local.date() == now.date() else words.instant(local)


def _listed(names: Sequence[str]) -> str:
    return " и ".join(filter(None, (", ".join(names[:-1]), names[-1])))
