"""What is true of an organiser's shows: sales by show and hour, curves, forecasts, comparisons.

As in tests/qtickets_organiser.py the figures are plain Python over the organiser's rows, without
SQL and without the extractor, and as slow and literal as the definitions in DECISIONS.md. `Shows`
looks at one Moscow day, the `report_today` that dbt was given: that day is over by the clock of
the organiser, so nothing depends on when a test runs. How big halls are is taken from the mart of
what is left, which test_truth.py checks.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from tests.qtickets_organiser import Organiser
from tests.qtickets_sample import CITY_NAMES, MOSCOW, Row
from tests.zakaz import Place

DAY = timedelta(days=1)
LONGEST_SHOW, LEAST_SHOWS = 7, 5
HORIZONS = (28, 14, 7, 3, 1)
NOWHERE = "unknown"

Cells = dict[Any, tuple[Any, ...]]
Curve = dict[int, int]  # days before the show -> tickets seen sold by the end of that day


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of a paid order, cancelled or not; days are Moscow days."""

    show_id: int
    event_id: int
    order_id: int
    currency: str
    sold_at: datetime
    quantity: int
    gross: Decimal
    paid_back: Decimal
    refunded_on: date | None
    cancelled_on: date | None

    @property
    def sold_on(self) -> date:
        return self.sold_at.date()

    @property
    def left_on(self) -> date | None:
        """The day on which it stopped being a ticket."""
        days = [day for day in (self.refunded_on, self.cancelled_on) if day]
        return max(min(days), self.sold_on) if days else None

    @property
    def kept(self) -> int:
        """Tickets that still are, as of now."""
        return self.quantity if self.cancelled_on is None and self.refunded_on is None else 0


@dataclass(frozen=True, slots=True)
class Show:
    """A show that an event lists; times are aware."""

    show_id: int
    event_id: int
    starts: datetime | None
    ends: datetime | None
    is_active: bool
    is_deleted: bool
    sale_starts: datetime | None
    sale_ends: datetime | None

    @property
    def day(self) -> date | None:
        return self.starts.astimezone(MOSCOW).date() if self.starts else None

    @property
    def last_day(self) -> date | None:
        return self.ends.astimezone(MOSCOW).date() if self.ends else None


@dataclass(frozen=True, slots=True)
class Example:
    """A show that was over: what it had sold so many days before, and at the end."""

    show: Show
    city: str
    curve: Curve

    @property
    def final(self) -> int:
        return self.curve[min(self.curve)]

    def growth(self, days_before: int) -> float | None:
        sold = self.curve.get(days_before, 0)
        return self.final / sold if sold else None


def quantile(values: Iterable[float], level: float) -> float:
    """The quantile as spreadsheets have it (inclusive), of one value at least."""
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def bounded(expected: float, sold: int, hall: int | None) -> int:
    """Whole tickets, not below what is sold, never above the hall."""
    possible = max(round(expected), sold)
    return possible if hall is None else min(possible, hall)


@dataclass
class Shows:
    """The truth of an organiser as of the end of a Moscow day."""

    place: Place
    organiser: Organiser
    today: date

    # --- what there is

    @cached_property
    def events(self) -> dict[int, Row]:
        return {row["id"]: row for row in self.organiser.events.rows()}

    @cached_property
    def shows(self) -> dict[int, Show]:
        return {
            row["id"]: _show(event, row) for event in self.events.values() for row in event["shows"]
        }

    @cached_property
    def tickets(self) -> list[Ticket]:
        return [
            _ticket(order, item, self.shows[item["show_id"]].event_id)
            if item["show_id"] in self.shows
            else _ticket(order, item, order["event_id"])
            for order in self.organiser.orders.rows()
            if order["payed"]
            for item in order["baskets"]
        ]

    @property
    def sold(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.cancelled_on is None]

    def city(self, event_id: int) -> str:
        if event_id not in self.events:
            return NOWHERE
        name: str = self.events[event_id]["city"]["name"]
        return CITY_NAMES.get(name, name)

    def name(self, event_id: int) -> str:
        return self.events[event_id]["name"] if event_id in self.events else NOWHERE

    # --- what dbt made of it

    def assert_true(self) -> None:
        """Compare every cell; call it when dbt has built with this `report_today`."""
        self._assert_shows()
        measures = (
            "orders, tickets_sold, tickets_free, tickets_refunded,"
            " gross_revenue, refunded_amount, revenue"
        )
        by_show = self.by_show_daily()
        self._same(
            "fact_qtickets_sales_by_show_daily",
            "sales_date, show_id, event_id, city, currency",
            f"days_before_show, event_name, {measures},"
            " tickets_cancelled_paid, cancelled_paid_amount",
            by_show,
        )
        for n in (4, 5, 9):  # free, refunded, cancelled
            assert sum(row[n] for row in by_show.values()) > 3, n
        self._same(
            "fact_qtickets_sales_hourly",
            "sales_date, sales_hour, event_id, city, currency",
            f"event_name, {measures}",
            self.hourly(),
        )
        curve = self.curve()
        self._same(
            "fact_qtickets_sales_curve",
            "show_id, currency, days_before_show",
            "event_id, event_name, city, tickets_so_far, revenue_so_far, is_finished,"
            " tickets_seen_then, share_of_final",
            curve,
        )
        assert any(row[3] < row[6] for row in curve.values())  # refunded or cancelled later
        self._assert_forecasts()
        self._assert_accuracy()
        self._assert_compared()

    def _same(self, table: str, key: str, cells: str, expected: Cells) -> None:
        found = self._found(table, key, cells)
        assert found.keys() == expected.keys(), (
            f"{table}: {found.keys() ^ expected.keys()} only on one side"
        )
        wrong = {
            at: (found[at], expected[at])
            for at in found
            if not all(_is_same(*pair) for pair in zip(found[at], expected[at], strict=True))
        }
        assert not wrong, f"{table}: {cells}, found and expected: {wrong}"

    def _found(self, table: str, key: str, cells: str) -> Cells:
        width = len(key.split(","))
        rows = self.place.query(f"select {key}, {cells} from {table}")
        found = {row[:width] if width > 1 else row[0]: row[width:] for row in rows}
        assert len(found) == len(rows) > 0, table
        return found

    def _assert_shows(self) -> None:
        found = self._found(
            "dim_shows",
            "show_id",
            "event_id, event_name, city, starts_at, ends_at, sale_starts_at, sale_ends_at,"
            " show_date, local_start, is_on_sale, is_active, is_deleted, is_known",
        )
        known = {show_id: row[:-1] for show_id, row in found.items() if row[-1]}
        assert known == {show.show_id: self._show_cells(show) for show in self.shows.values()}
        unknown = {ticket.show_id: ticket.event_id for ticket in self.tickets} | {}
        for show_id, event_id in unknown.items():
            if show_id not in self.shows:
                assert found[show_id][:3] == (event_id, self.name(event_id), self.city(event_id))

    def _show_cells(self, show: Show) -> tuple[Any, ...]:
        event = self.events[show.event_id]
        now = datetime(self.today.year, self.today.month, self.today.day, tzinfo=MOSCOW)
        is_on_sale = (
            bool(event["is_active"])
            and show.is_active
            and not show.is_deleted
            and show.ends is not None
            and show.ends > now
            and (show.sale_starts is None or show.sale_starts <= now)
            and (show.sale_ends is None or show.sale_ends > now)
        )
        local = None
        if show.starts:
            zone = ZoneInfo(event["city"]["timezone"])
            local = show.starts.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        moments = (show.starts, show.ends, show.sale_starts, show.sale_ends)
        return (
            *(show.event_id, self.name(show.event_id), self.city(show.event_id)),
            *(_as_found(moment) for moment in moments),
            *(show.day, local, is_on_sale, show.is_active, show.is_deleted),
        )

    # --- sales by show and by hour

    def by_show_daily(self) -> Cells:
        """Per day, show, event, city, currency: days before, name, measures, cancelled but paid."""
        groups = _grouped(
            self.tickets,
            lambda t: (t.sold_on, t.show_id, t.event_id, self.city(t.event_id), t.currency),
        )
        found: Cells = {}
        for key, tickets in groups.items():
            lost = [t for t in tickets if t.cancelled_on and not t.refunded_on]
            measured = _measures([t for t in tickets if not t.cancelled_on])
            if not measured[0] and not lost:
                continue
            show = self.shows.get(key[1])
            days = (show.day - key[0]).days if show and show.day else None
            amount = sum((t.gross - t.paid_back for t in lost), Decimal(0))
            found[key] = (
                *(days, self.name(key[2]), *measured),
                *(sum(t.quantity for t in lost), amount),
            )
        return found

    def hourly(self) -> Cells:
        """Per day, hour, event, city, currency: name and measures."""
        groups = _grouped(
            self.sold,
            lambda t: (
                *(t.sold_on, t.sold_at.hour, t.event_id, self.city(t.event_id), t.currency),
            ),
        )
        return {key: (self.name(key[2]), *_measures(tickets)) for key, tickets in groups.items()}

    # --- curves

    def _days(self, show: Show, tickets: list[Ticket]) -> list[date]:
        """From the first sale to the end of the show, or to today."""
        assert show.last_day is not None
        first, last = min(t.sold_on for t in tickets), min(show.last_day, self.today)
        return [first + n * DAY for n in range((last - first).days + 1)]

    def _with_curves(self) -> Iterator[tuple[Show, list[Ticket]]]:
        of_show = _grouped(self.tickets, lambda t: t.show_id)
        for show in self.shows.values():
            if show.is_deleted or not show.day or not show.last_day or show.show_id not in of_show:
                continue
            if (show.last_day - show.day).days <= LONGEST_SHOW:
                yield show, of_show[show.show_id]

    def curve(self) -> Cells:
        """Per show, currency and days before: where, tickets, revenue, over, seen then, share."""
        found: Cells = {}
        for show, tickets in self._with_curves():
            assert show.day is not None
            assert show.last_day is not None
            is_over = show.last_day < self.today
            for currency, these in _grouped(tickets, lambda t: t.currency).items():
                days = self._days(show, these)
                kept = sum(t.kept for t in these if t.sold_on <= days[-1]) if days else 0
                for day in days:
                    by_then = [t for t in these if t.sold_on <= day]
                    so_far = sum(t.kept for t in by_then)
                    earned = (t.gross - t.paid_back for t in by_then if not t.cancelled_on)
                    found[show.show_id, currency, (show.day - day).days] = (
                        *(show.event_id, self.name(show.event_id), self.city(show.event_id)),
                        *(so_far, sum(earned, Decimal(0)), is_over, _seen(by_then, day)),
                        round(so_far / kept, 4) if is_over and kept else None,
                    )
        return found

    @cached_property
    def curves(self) -> dict[int, Curve]:
        """Per show what was seen sold by days before it, all currencies together."""
        return {
            show.show_id: {
                (show.day - day).days: _seen([t for t in tickets if t.sold_on <= day], day)
                for day in self._days(show, tickets)
            }
            for show, tickets in self._with_curves()
            if show.day
        }

    @cached_property
    def examples(self) -> list[Example]:
        """All shows that are over."""
        return [
            Example(show, self.city(show.event_id), self.curves[show.show_id])
            for show, _ in self._with_curves()
            if show.last_day and show.last_day < self.today and self.curves[show.show_id]
        ]

    # --- the forecast

    def _basis(
        self, show: Show, days_before: int, known_on: date
    ) -> tuple[str, list[Example]] | None:
        """The shows over by the end of a day that a forecast of this one then rests on."""
        city = self.city(show.event_id)
        over = [
            example
            for example in self.examples
            if example.show.last_day
            and example.show.last_day <= known_on
            and example.growth(days_before) is not None
        ]
        of_event = [e for e in over if e.show.event_id == show.event_id]
        of_city = [e for e in over if e.city == city != NOWHERE]
        for basis, examples in (("event", of_event), ("city", of_city), ("all", over)):
            if len(examples) >= LEAST_SHOWS:
                return basis, examples
        return None

    def _assert_forecasts(self) -> None:
        halls = self._found(
            "fact_qtickets_inventory_by_show", "show_id", "tickets_total, tickets_left"
        )
        begins = datetime(self.today.year, self.today.month, self.today.day, tzinfo=MOSCOW)
        errors = self._found("v_forecast_accuracy", "days_before", "median_error")
        expected = {
            show.show_id: self._forecast(show, halls[show.show_id], errors)
            for show in self.shows.values()
            if show.is_active and not show.is_deleted and show.ends and show.ends > begins
        }
        self._same(
            "v_show_forecast",
            "show_id",
            "event_id, days_before_show, tickets_sold, tickets_total,"
            " forecast_tickets, forecast_low, forecast_high, basis, basis_shows,"
            " expected_tickets_now, verdict, will_sell_out, typical_error",
            expected,
        )
        assert sum(row[4] is not None for row in expected.values()) > 5
        assert sum(row[4] is None for row in expected.values()) > 1

    def _forecast(
        self, show: Show, seats: tuple[int | None, ...], errors: Cells
    ) -> tuple[Any, ...]:
        hall, left = seats
        sold = sum(
            t.kept for t in self.tickets if t.show_id == show.show_id and t.sold_on <= self.today
        )
        days_before = (show.day - self.today).days if show.day else None
        about = (show.event_id, days_before, sold, hall)
        is_sold_out = True if left == 0 else None
        nothing = (*about, None, None, None, None, 0, None, None, is_sold_out, None)
        if days_before is None:
            return nothing
        # today is not over: what is known is what was sold by the end of yesterday
        full_days = days_before + 1
        by_yesterday = self.curves.get(show.show_id, {}).get(full_days, 0)
        basis = self._basis(show, full_days, self.today - DAY)
        if not by_yesterday or basis is None:
            return nothing
        name, examples = basis
        growths = [e.growth(full_days) or 0 for e in examples]
        low, middle, high = (
            bounded(by_yesterday * quantile(growths, level), sold, hall)
            for level in (0.25, 0.5, 0.75)
        )
        usual = verdict = None
        if name == "event":
            before = [e.curve[full_days] for e in examples]
            usual, verdict = round(quantile(before, 0.5)), "on track"
            if by_yesterday > quantile(before, 0.75):
                verdict = "ahead"
            if by_yesterday < quantile(before, 0.25):
                verdict = "behind"
        near = [
            (abs(n - full_days), -n, error) for n, (error,) in errors.items() if error is not None
        ]
        return (
            *(*about, middle, low, high, name, len(examples), usual, verdict),
            is_sold_out if is_sold_out or hall is None else middle >= hall,
            min(near)[2] if near else None,
        )

    def _assert_accuracy(self) -> None:
        expected: Cells = {}
        for horizon in HORIZONS:
            errors = [pair for e in self.examples if (pair := self._errors(e, horizon)) is not None]
            curve, of_pace = (
                quantile((pair[n] for pair in errors), 0.5) if errors else None for n in (0, 1)
            )
            is_better = len(errors) >= LEAST_SHOWS and round(curve or 0, 1) < round(of_pace or 0, 1)
            expected[horizon] = (len(errors), curve, of_pace, is_better)
        found = self._found(
            "v_forecast_accuracy",
            "days_before",
            "shows, median_error, median_error_pace, is_better_than_pace",
        )
        assert found.keys() == expected.keys()
        for horizon, (shows, curve, pace, is_better) in expected.items():
            row = found[horizon]
            assert (row[0], row[3]) == (shows, is_better), horizon
            assert _is_near(row[1], curve, 0.0501), horizon
            assert _is_near(row[2], pace, 0.0501), horizon
        assert found[7][0] > 5

    def _errors(self, example: Example, horizon: int) -> tuple[float, float] | None:
        """How wrong the forecast and the pace would have been, per cent; None: no forecast."""
        show, curve = example.show, example.curve
        assert show.day is not None
        assert show.last_day is not None
        known_on = show.day - horizon * DAY
        sold, final = curve.get(horizon, 0), example.final
        basis = self._basis(show, horizon, known_on)
        if not sold or not final or basis is None:
            return None
        growth = quantile((e.growth(horizon) or 0 for e in basis[1]), 0.5)
        a_day = (sold - curve.get(horizon + 7, 0)) / 7
        pace = sold + a_day * (show.last_day - known_on).days
        # seats were first read after all these days, so that no hall was known
        curve_guess, pace_guess = bounded(sold * growth, sold, None), bounded(pace, sold, None)
        return 100 * abs(curve_guess - final) / final, 100 * abs(pace_guess - final) / final

    # --- comparison

    def _assert_compared(self) -> None:
        measures = ("orders", "tickets_sold", "gross_revenue", "revenue", "average_price")
        sides = [f"{side}{name}" for side in ("", "previous_", "year_ago_") for name in measures]
        changes = ["orders_change", "tickets_change", "gross_change", "revenue_change"]
        changes += ["average_price_change", "revenue_change_year"]
        expected = self.compared()
        self._same(
            "v_sales_compared",
            "period, scope, event_id, city, currency",
            ", ".join(["event_name", "date_from", "date_to", *sides, *changes]),
            expected,
        )
        assert sum(row[-1] is not None for row in expected.values()) > 5
        assert sum(row[-3] is not None for row in expected.values()) > 20

    def _periods(self) -> Iterator[tuple[str, date, date, date, date]]:
        """Each period, its first and last day, and those of the one before."""
        today = self.today
        for name, days in (("today", 1), ("7_days", 7), ("14_days", 14), ("30_days", 30)):
            first, back = today - (days - 1) * DAY, max(days, 7) * DAY
            yield name, first, today, first - back, today - back
        yield "yesterday", today - DAY, today - DAY, today - 2 * DAY, today - 2 * DAY
        first, tomorrow = today.replace(day=1), today + DAY
        # to the same number, and of a whole month to the end of the one before
        yield "month", first, today, _months_ago(first, 1), _months_ago(tomorrow, 1) - DAY

    def compared(self) -> Cells:
        """Per period, scope, event, city, currency: name, days, three times measures, changes."""
        scopes: dict[str, Callable[[Ticket], tuple[int, str]]] = {
            "all": lambda _: (0, ""),
            "city": lambda t: (0, self.city(t.event_id)),
            "event": lambda t: (t.event_id, self.city(t.event_id)),
        }
        found: Cells = {}
        for scope, of in scopes.items():
            keyed = _grouped(self.sold, lambda t: (*of(t), t.currency))  # noqa: B023
            for (event_id, city, currency), tickets in keyed.items():
                since = min(t.sold_on for t in tickets)
                over = None
                if scope == "event":
                    opened, over = self._sale(event_id)
                    since = min(since, opened or since)
                for name, first, last, first_before, last_before in self._periods():
                    year_ago = (_months_ago(first, 12), _months_ago(last + DAY, 12) - DAY)
                    now = _summed(tickets, first, last)
                    before = _summed(tickets, first_before, last_before)
                    if not now[0] and not before[0]:
                        continue
                    if first_before < since:
                        before = (None,) * 5
                    then: tuple[Any, ...] = (None,) * 5
                    if year_ago[0] >= since:
                        then = _summed(tickets, *year_ago)
                    began = datetime(first.year, first.month, first.day, tzinfo=MOSCOW)
                    pairs = [*zip(now, before, strict=True), (now[3], then[3])]
                    changes = [_change(*pair) for pair in pairs]
                    if over and over < began:
                        changes = [None] * len(changes)
                    found[name, scope, event_id, city, currency] = (
                        *(self.name(event_id) if scope == "event" else "", first, last),
                        *(*now, *before, *then, *changes),
                    )
        return found

    def _sale(self, event_id: int) -> tuple[date | None, datetime | None]:
        """Since when an event is on sale, if told; when its sale was over, if it has an end."""
        event = self.events.get(event_id)
        if event is None:
            return None, None
        shows = [s for s in self.shows.values() if s.event_id == event_id and not s.is_deleted]
        opened = [s.sale_starts.astimezone(MOSCOW).date() for s in shows if s.sale_starts]
        ends = [s.sale_ends or s.ends for s in shows if s.ends]
        closed = [max(ends)] if ends and len(ends) == len(shows) else []
        if event["deleted_at"]:
            closed.append(datetime.fromisoformat(event["deleted_at"]))
        return min(opened, default=None), min(closed, default=None)


def _show(event: Row, row: Row) -> Show:
    starts, finish = _moment(row["start_date"]), _moment(row["finish_date"])
    is_backwards = starts is not None and finish is not None and finish < starts
    return Show(
        show_id=row["id"],
        event_id=event["id"],
        starts=starts,
        ends=starts if is_backwards else finish or starts,
        is_active=row["is_active"] == 1,
        is_deleted=row["deleted_at"] is not None or event["deleted_at"] is not None,
        sale_starts=_moment(row["sale_start_date"]),
        sale_ends=_moment(row["sale_finish_date"]),
    )


def _ticket(order: Row, item: Row, event_id: int) -> Ticket:
    gross = Decimal(str(item["price"])) * item["quantity"]
    paid_back = Decimal(0)
    if item["refunded_amount"] is not None:
        paid_back = Decimal(str(item["refunded_amount"]))
    elif item["refunded_at"] is not None:
        paid_back = gross - Decimal(str(item["refunded_deduction_amount"] or 0))
    cancelled = [day for row in (order, item) if (day := _day(row["deleted_at"]))]
    sold_at = _moment(order["payed_at"])
    assert sold_at is not None
    return Ticket(
        show_id=item["show_id"],
        event_id=event_id,
        order_id=order["id"],
        currency=order["currency_id"],
        sold_at=sold_at.astimezone(MOSCOW),
        quantity=item["quantity"],
        gross=gross,
        paid_back=paid_back,
        refunded_on=_day(item["refunded_at"]),
        cancelled_on=min(cancelled, default=None),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _day(text: str | None) -> date | None:
    return datetime.fromisoformat(text).astimezone(MOSCOW).date() if text else None


def _as_found(moment: datetime | None) -> datetime | None:
    # the driver gives UTC columns as naive datetimes
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _grouped(tickets: Iterable[Ticket], key: Callable[[Ticket], Any]) -> dict[Any, list[Ticket]]:
    found: dict[Any, list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        found[key(ticket)].append(ticket)
    return found


def _measures(tickets: list[Ticket]) -> tuple[Any, ...]:
    """Orders, tickets sold, free, refunded, gross, paid back, revenue."""
    valid = [t for t in tickets if t.refunded_on is None]
    gross = sum((t.gross for t in tickets), Decimal(0))
    paid_back = sum((t.paid_back for t in tickets), Decimal(0))
    return (
        len({t.order_id for t in tickets}),
        sum(t.quantity for t in valid),
        sum(t.quantity for t in valid if not t.gross),
        sum(t.quantity for t in tickets if t.refunded_on),
        *(gross, paid_back, gross - paid_back),
    )


def _summed(tickets: list[Ticket], first: date, last: date) -> tuple[Any, ...]:
    """Orders, tickets sold, gross, revenue and average price of some days."""
    orders, sold, free, refunded, gross, _, revenue = _measures(
        [t for t in tickets if first <= t.sold_on <= last]
    )
    charged = sold + refunded - free
    kopeck = Decimal("0.01")
    average = (gross / charged).quantize(kopeck, ROUND_HALF_UP) if charged else None
    return orders, sold, gross, revenue, average


def _seen(tickets: list[Ticket], day: date) -> int:
    return sum(t.quantity for t in tickets if t.left_on is None or t.left_on > day)


def _months_ago(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _change(now: Any, before: Any) -> float | None:
    return float(100 * (now - before) / before) if now is not None and before else None


def _is_near(found: float | None, expected: float | None, by: float) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= by


def _is_same(found: Any, expected: Any) -> bool:
    # only percentages and shares are floats, and they are rounded
    return _is_near(found, expected, 0.0501) if isinstance(expected, float) else found == expected
