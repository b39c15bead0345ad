"""The figures as one HTML page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report import charts, words
from report.figures import Figures, Rows

_CITIES_DRAWN = 12
_RESOURCES = {
    "discounts": "Скидки",
    "events": "Мероприятия",
    "inventory": "Остатки",
    "orders": "Заказы",
    "promo_codes": "Промокоды",
}


def draw(figures: Figures, docs: str | None = None) -> str:
    """Return the page. `docs` is where it links to for the meaning of each number, if anywhere."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # names of events and cities come from outside
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["w"] = words
    days = [figures.today - timedelta(days=n) for n in range(13, -1, -1)]
    return environment.get_template("page.html.j2").render(
        figures=figures,
        docs=docs,
        days=days,
        quality=[_resource(row) for row in figures.quality],
        periods=[_period(figures, *period) for period in _periods(figures)],
        charts=_charts(figures, days) if figures.days else [],
        sold_on=_sold_on(figures),
        cities=_cities(figures, days),
        city_days=sorted(figures.cities, key=lambda row: row["day"], reverse=True),
        left=figures.left,
        shows=_shows(figures),
    )


def _resource(row: dict[str, Any]) -> dict[str, Any]:
    """Say of a resource what is wrong with it, if anything."""
    wrong = []
    if row["proven_at"] is None:
        wrong.append("ещё ни разу не загружались целиком")
    elif not row["is_fresh"]:
        wrong.append("давно не обновлялись")
    if not row["is_complete"]:
        wrong.append("загружены не все")
    if row["last_status"] not in ("verified", "proven"):
        wrong.append("последняя загрузка не удалась")
    proven_at = row["proven_at"] and datetime.fromisoformat(row["proven_at"])
    name = _RESOURCES.get(row["resource"], row["resource"])
    return row | {"name": name, "proven_at": proven_at, "wrong": ", ".join(wrong)}


def _periods(figures: Figures) -> list[tuple[str, str, str]]:
    today = figures.today
    first = today - timedelta(days=13)
    return [
        ("today", "Сегодня", f"{words.day(today)} к {figures.built_at:%H:%M}"),
        ("yesterday", "Вчера", words.day(today - timedelta(days=1))),
        ("fortnight", "14 дней", f"{words.day(first)} – {words.day(today)}"),
    ]


def _period(figures: Figures, key: str, title: str, when: str) -> dict[str, Any]:
    """Return what was sold in a period. Without a row nothing was: 0."""
    rows = [row for row in figures.totals if row["period"] == key]
    return {
        "key": key,
        "title": title,
        "when": when,
        "tickets": rows[0]["tickets_of_period"] if rows else 0,
        "refunded": rows[0]["refunded_of_period"] if rows else 0,
        "revenue": [(row["revenue"], row["currency"]) for row in rows],
    }


def _charts(figures: Figures, days: list[date]) -> list[dict[str, Any]]:
    """Draw the tickets of each day, and the revenue, each currency by itself."""
    names = [f"{day.day}|{words.weekday(day)}" for day in days]
    sold = {row["day"]: row["tickets_of_day"] for row in figures.days}
    drawn = [{"title": "Билеты, шт.", "svg": charts.tickets(days, sold, names)}]
    for row in figures.totals:
        if row["period"] == "fortnight":
            currency = row["currency"]
            revenue = {r["day"]: r["revenue"] for r in figures.days if r["currency"] == currency}
            unit, svg = charts.money(days, revenue, names)
            drawn.append({"title": f"Выручка, {unit}{words.currency(currency)}", "svg": svg})
    return drawn


def _sold_on(figures: Figures) -> list[dict[str, Any]]:
    """Return what was sold on each day, newest first. A day without a row sold nothing."""
    found = []
    for n in range(14):
        day = figures.today - timedelta(days=n)
        rows = [row for row in figures.days if row["day"] == day]
        found.append(
            {
                "day": day,
                "tickets": rows[0]["tickets_of_day"] if rows else 0,
                "revenue": [(row["revenue"], row["currency"]) for row in rows],
            }
        )
    return found


def _cities(figures: Figures, days: list[date]) -> list[dict[str, Any]]:
    """Draw the tickets of each city, those that sell most first."""
    names = [words.day(day) for day in days]
    most = max((row["tickets_of_day"] for row in figures.cities), default=0)
    found: list[dict[str, Any]] = []
    for name, group in groupby(figures.cities, key=lambda row: row["city"]):
        rows: Rows = list(group)
        sold = {row["day"]: row["tickets_of_day"] for row in rows}
        svg = charts.small(days, sold, names, most) if len(found) < _CITIES_DRAWN else None
        found.append({"name": name, "tickets": rows[0]["tickets_of_city"], "svg": svg})
    return found


def _shows(figures: Figures) -> dict[int, Rows]:
    """Return the shows of each event."""
    return {
        event_id: [row | {"starts_at": datetime.fromisoformat(row["starts_at"])} for row in rows]
        for event_id, rows in groupby(figures.shows, key=lambda row: row["event_id"])
    }
