"""The figures as HTML pages that need nothing else: no script, no font, no network.

One page of all, and one of each event, to be sent to a partner: it shows no other event.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report import charts, state, words
from report.figures import MOSCOW, Figures, Row, Rows

# cities and shows on the first page; the others are in tables and on pages of their own
_DRAWN = 12
_BEST = 8


def draw(figures: Figures, docs: str | None = None) -> dict[str, str]:
    """Return the pages by their paths: index.html, and events/ID.html of each event.

    `docs` is where the first links to for the meaning of each number, if anywhere.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,  # names of events and cities come from outside
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"w": words, "state_of": state}
    pages = _Pages(figures)
    index = environment.get_template("index.html.j2")
    event = environment.get_template("event.html.j2")
    found = {"index.html": index.render(pages.index(), docs=docs)}
    for row in pages.events:
        found[f"events/{row['event_id']}.html"] = event.render(pages.event(row))
    return found


class _Pages:
    """What the templates show, in one order: currencies by tickets, in each events by revenue."""

    def __init__(self, figures: Figures) -> None:
        self.of = figures.of
        self.figures = figures
        self.days = [figures.today - timedelta(days=n) for n in range(13, -1, -1)]
        self.compared = _grouped(self.of["compared"], "scope", "event_id", "city")
        all_of_14 = [row for row in self._compared("all") if row["period"] == "14_days"]
        self.total = {row["currency"]: row for row in all_of_14}
        codes = sorted(self.total, key=lambda code: (-self.total[code]["tickets_sold"], code))
        self.place_of_currency = {code: n for n, code in enumerate(codes)}
        of_14 = [
            r for r in self.of["compared"] if (r["scope"], r["period"]) == ("event", "14_days")
        ]
        revenue = _summed(of_14, "event_id", "revenue")
        self.events = sorted(
            self.of["events"],
            key=lambda row: (
                self._currency(row),
                -revenue[row["event_id"]],
                row["event_name"],
                row["event_id"],
            ),
        )
        self.place = {row["event_id"]: n for n, row in enumerate(self.events)}
        self.curves = {row["show_id"]: row for row in self.of["curves"]}
        self.past = {row["event_id"]: row for row in self.of["past"]}
        self.shows = _grouped((self._show(row) for row in self.of["shows"]), "event_id")
        self.common = {
            "now": figures.now,
            "today": figures.today,
            "days": self.days,
            "quality": self.of["quality"],
            "state": state.state(self.of["quality"], figures.now),
        }

    def index(self) -> Row:
        """Return what the first page shows."""
        rows = self._compared("all")
        days = self.of["days"]
        next_shows = [
            shows[0] | {"event": event}
            for event in self.events
            if (shows := [show for show in self._shows(event) if show["begins"]])
        ]
        by_city = _grouped(days, "city")
        cities = sorted(by_city, key=lambda city: (*self._rank(by_city[city]), city))
        week = {(row["weekday"], row["hour"]): row["tickets"] for row in self.of["hours"]}
        return self.common | {
            "headline": self._headline(rows),
            "periods": self._periods(rows),
            "paid_share": self._paid_share(),
            "refunded_share": _ratio(
                _sum(self.of["refunds"], "tickets_refunded"),
                _sum(self.of["refunds"], "tickets_ever_sold"),
            ),
            "events": self._events(),
            "next_shows": next_shows[:_DRAWN],
            "more_shows": len(next_shows[_DRAWN:]),
            "accuracy": self.of["accuracy"],
            "charts": self._charts(days),
            "sold_on": self._sold_on(days),
            "cities": [self._city(name, by_city[name,]) for (name,) in cities[:_DRAWN]],
            "more_cities": len(cities[_DRAWN:]),
            "city_days": self._city_days(days),
            "plan": sorted(self.of["plan"], key=self._currency),
            "week": week,
            "week_svg": charts.week(week),
            "sources": self._sources(self.of["sources"]),
            "types": self._best(self.of["types"], "ticket_type_name"),
            "promo": self._best(self.of["promo"], *_OFFER),
            "left": [
                event | {"shows": self._shows(event)}
                for event in self.events
                if event["shows_to_come"]
            ],
            "attendance": [self._attended(row) for row in self.of["attendance"][:10]],
            "refunds": sorted(
                (r for r in self.of["refunds"] if r["tickets_refunded"] or r["refunded_amount"]),
                key=self._place,
            ),
            "cash": _grouped(sorted(self.of["cash"], key=self._currency), "currency"),
            "buyers": sorted(self.of["buyers"], key=self._place),
        }

    def event(self, event: Row) -> Row:
        """Return what the page of an event shows, and nothing of any other."""
        rows = self._compared("event", event["event_id"], event["city"])
        own = {name: found.get((event["event_id"],), []) for name, found in self._by_event.items()}
        return self.common | {
            "event": event,
            "headline": self._headline(rows),
            "periods": self._periods(rows),
            "shows": self._shows(event),
            "charts": self._charts(own["days"]),
            "sold_on": self._sold_on(own["days"]),
            "types": sorted(
                (row for row in own["types"] if row["tickets"] or row["revenue"]),
                key=lambda row: (-row["revenue"], -row["tickets"]),
            ),
            "sources": self._sources(own["event_sources"]),
            "seats": own["seats"],
            "attendance": [self._attended(row) for row in own["attendance"][:6]],
        }

    @cached_property
    def _by_event(self) -> dict[str, dict[tuple[Any, ...], Rows]]:
        names = ("days", "types", "event_sources", "seats", "attendance")
        return {name: _grouped(self.of[name], "event_id") for name in names}

    def _compared(self, scope: str, event_id: int = 0, city: str = "") -> Rows:
        return self.compared.get((scope, event_id, city), [])

    def _currency(self, row: Row) -> tuple[int, str]:
        code = row["currency"]
        return self.place_of_currency.get(code, len(self.place_of_currency)), code

    def _place(self, row: Row) -> int:
        return self.place.get(row["event_id"], len(self.place))

    def _rank(self, rows: Rows) -> tuple[Any, ...]:
        """Return what to sort sales by: their first currency, then what they earned in it."""
        first = min(self._currency(row) for row in rows)
        return first, -sum(row["revenue"] for row in rows if self._currency(row) == first)

    def _headline(self, rows: Rows) -> Row:
        """Return the last 14 days: tickets of all currencies together, money of each by itself."""
        of = sorted((r for r in rows if r["period"] == "14_days"), key=self._currency)
        before = [row["previous_tickets_sold"] for row in of]
        sold = _sum(of, "tickets_sold")
        known = of and all(n is not None for n in before)
        return {
            "rows": of,
            "tickets": sold,
            "tickets_change": 100 * (sold / sum(before) - 1) if known and sum(before) else None,
            "today": sum(r["tickets_sold"] for r in rows if r["period"] == "today"),
            "yesterday": sum(r["tickets_sold"] for r in rows if r["period"] == "yesterday"),
        }

    def _periods(self, rows: Rows) -> list[tuple[str, Rows]]:
        by_period = _grouped(sorted(rows, key=self._currency), "period")
        names = ("today", "yesterday", "7_days", "14_days", "30_days", "month")
        return [(name, by_period[name,]) for name in names if (name,) in by_period]

    def _events(self) -> Rows:
        """Return each event and currency of the last 14 days, with its share of the currency."""
        rows = [
            row
            | {
                "event": self.events[self._place(row)],
                "share": _ratio(row["revenue"], self.total[row["currency"]]["revenue"]),
            }
            for row in self.of["compared"]
            if (row["scope"], row["period"]) == ("event", "14_days")
            if row["event_id"] in self.place and row["currency"] in self.total
        ]
        rows.sort(key=lambda row: (self._currency(row), -row["revenue"], self._place(row)))
        most: dict[str, Decimal] = {}
        for row in rows:
            best = most.setdefault(row["currency"], row["revenue"])
            row["width"] = max(_ratio(row["revenue"], best) or 0, 0)
        return rows

    def _show(self, row: Row) -> Row:
        """Return a show to come, with its curve; `begins` is whether it has not begun."""
        curve = self.curves.get(row["show_id"])
        past = self.past.get(row["event_id"])
        # the forecast rests on whole days: it is judged as of yesterday, like its typical error
        days = row["days_before_show"] + 1
        nearest = min(
            (of for of in self.of["accuracy"] if of["median_error"] is not None),
            key=lambda of: (abs(of["days_before"] - days), -of["days_before"]),
            default=None,
        )
        is_trusted = bool(nearest and nearest["is_better_than_pace"])
        forecast = None
        if row["forecast_tickets"] is not None:
            expected = row["forecast_tickets"] if is_trusted else None
            forecast = (expected, row["forecast_low"], row["forecast_high"])
        begins = row["starts_at"] is not None and row["starts_at"] > self.figures.now
        svg = None
        if begins and curve:
            svg = charts.curve(
                list(zip(curve["days"], curve["tickets"], strict=True)),
                list(zip(past["days"], past["low"], past["middle"], past["high"], strict=True))
                if past
                else [],
                forecast,
            )
        return row | {
            "begins": begins,
            "starts": _starts(row),
            "svg": svg,
            "past_shows": past["shows"] if past else 0,
            "is_trusted": is_trusted,
        }

    def _shows(self, event: Row) -> Rows:
        return self.shows.get((event["event_id"],), [])

    def _attended(self, row: Row) -> Row:
        return row | {"starts": _starts(row)}

    def _paid_share(self) -> float | None:
        (row,) = self.of["funnel"] or [{"paid": 0, "made": 0}]
        return _ratio(row["paid"], row["made"])

    def _charts(self, days: Rows) -> Rows:
        """Draw the revenue of each day, each currency by itself, and the tickets."""
        drawn = []
        by_currency = _grouped(sorted(days, key=self._currency), "currency")
        for (code,), rows in by_currency.items():
            revenue = _summed(rows, "day", "revenue")
            unit, _ = charts.unit(max(revenue.values()))
            title = f"Выручка, {unit}{words.currency(code)}"
            drawn.append({"title": title, "svg": charts.bars(self.days, revenue, always_axis=True)})
        if days:
            svg = charts.bars(self.days, _summed(days, "day", "tickets_sold"))
            drawn.insert(1, {"title": "Билеты, шт.", "svg": svg})
        return drawn

    def _sold_on(self, days: Rows) -> Rows:
        """Return what was sold on each day, newest first. A day without a row sold nothing."""
        by_day = _grouped(sorted(days, key=self._currency), "day")
        found = []
        for day in reversed(self.days):
            rows = by_day.get((day,), [])
            revenue = _summed(rows, "currency", "revenue")
            found.append({"day": day, "tickets": _sum(rows, "tickets_sold"), "revenue": revenue})
        return found

    def _city(self, name: str, rows: Rows) -> Row:
        compared = [r for r in self._compared("city", 0, name) if r["period"] == "14_days"]
        return {
            "name": name,
            "tickets": _sum(rows, "tickets_sold"),
            "compared": sorted(compared, key=self._currency),
            "svg": charts.small(self.days, _summed(rows, "day", "tickets_sold")),
        }

    def _city_days(self, days: Rows) -> Rows:
        found = [
            {
                "day": day,
                "city": city,
                "currency": code,
                "tickets": _sum(rows, "tickets_sold"),
                "revenue": _sum(rows, "revenue"),
            }
            for (day, city, code), rows in _grouped(days, "day", "city", "currency").items()
        ]
        return sorted(found, key=lambda r: (-r["day"].toordinal(), *self._currency(r), r["city"]))

    def _sources(self, rows: Rows) -> Rows:
        """Return the best sources, with their share of tickets, and ROMI where costs are known."""
        total = _sum(rows, "tickets")
        found = self._best(rows, "utm_source", "utm_campaign")
        for source in found:
            source["share"] = _ratio(source["tickets"], total)
            for row in source["rows"]:
                spend = row.get("spend")
                row["romi"] = _ratio(row["revenue"] - spend, spend) if spend else None
        return found

    def _best(self, rows: Rows, *names: str) -> Rows:
        """Return those that sold most tickets, and the rest as one whose names are None.

        Each has its `tickets`, and `rows`: the sums of its measures, one a currency.
        """
        groups = _grouped(rows, *names)
        order = sorted(groups, key=lambda key: (-_sum(groups[key], "tickets"), key))
        parts = [(key, groups[key]) for key in order[:_BEST]]
        if order[_BEST:]:
            rest = [row for key in order[_BEST:] for row in groups[key]]
            parts.append(((None,) * len(names), rest))
        return [
            dict(zip(names, key, strict=True))
            | {"tickets": _sum(of, "tickets"), "rows": self._added_up(of)}
            for key, of in parts
        ]

    def _added_up(self, rows: Rows) -> Rows:
        measures = ("tickets", "tickets_paid", "gross_revenue", "revenue", "spend", "discount_cost")
        found = [
            {"currency": code} | {name: _sum(of, name) for name in measures if name in of[0]}
            for (code,), of in _grouped(rows, "currency").items()
        ]
        return sorted(found, key=self._currency)


_OFFER = ("promo_code", "promo_code_id", "discount_id", "discount_name")


def _starts(row: Row) -> str:
    """Say when a show starts in its hall's own zone, and which that is where it is not Moscow's."""
    if row["starts_at"] is None:
        return "время неизвестно"
    moscow = row["starts_at"].astimezone(MOSCOW).replace(tzinfo=None)
    local = datetime.fromisoformat(row["local_start"]) if row["local_start"] else moscow
    minutes = round((local - moscow).total_seconds() / 60)
    text = f"{words.day(local)}, {words.weekday(local)}, {local:%H:%M}"
    return f"{text} ({words.zone(minutes)})" if minutes else text


def _grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], Rows]:
    found: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row)
    return dict(found)


def _summed(rows: Iterable[Row], name: str, measure: str) -> Mapping[Any, Any]:
    found: Counter[Any] = Counter()
    for row in rows:
        found[row[name]] += row[measure]
    return found


def _sum(rows: Sequence[Row], name: str) -> Any:
    return sum(row[name] for row in rows if row[name] is not None)


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None
