"""What is true of the marts that the other `truth_*` leave out, and of names wherever they are.

Events, shows, seats as they are now, money outside tickets, cancelled sales, the plan, what is
landed. As in tests/qtickets_organiser.py the figures are plain Python over the organiser's rows,
without SQL and without the extractor.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.qtickets_organiser import Organiser, Quantity, _entry, _sum, _with_ticket
from tests.qtickets_organiser import Sales as Measured
from tests.qtickets_sample import CITY_NAMES, MOSCOW, Row
from tests.truth_planning import Planning, PlanRow, _day, _ends, _is_on_sale, _shows
from tests.zakaz import Place, assert_same_cells

Cells = dict[Any, tuple[Any, ...]]
NOWHERE = "unknown"

#: When and how long runs were is theirs to say; what they read is for tests of the run log.
OF_RUNS = {
    "v_runs": {
        *("run_id", "resource", "mode", "status", "started_at", "finished_at", "seconds"),
        *("rows_seen", "rows_new", "rows_changed", "rows_deleted", "requests", "retries", "error"),
    },
    "fact_qtickets_pulls": {"first_run_at", "last_run_at", "last_proven_at"},
    "v_data_quality": {"first_run_at", "last_run_at", "last_proven_at", "minutes_since_proven"},
}


@dataclass
class Watched(Place):
    """A place that remembers which columns of which mart were compared."""

    compared: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Query, and note what a plain `select COLUMNS from MART` looks at."""
        if plain := re.fullmatch(r"\s*select (?:distinct )?([\w,\s]+) from (\w+)\s*", sql):
            self.compared[plain[2]] |= {name.strip() for name in plain[1].split(",")}
        return super().query(sql)

    def marts(self) -> dict[str, set[str]]:
        """Return the columns of each public mart of the project that was built here."""
        manifest = json.loads((self.directory / "target" / "manifest.json").read_text())
        return {
            node["name"]: set(node["columns"])
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model" and node["access"] == "public"
        }

    def assert_all_compared(self) -> None:
        """Fail with the columns that no test has looked at."""
        for mart, columns in self.marts().items():
            left = columns - self.compared[mart] - OF_RUNS.get(mart, set())
            assert not left, f"{mart}: {left}"


@dataclass
class Rest:
    """The truth of an organiser as it stands by its clock, which stands still."""

    place: Watched
    organiser: Organiser
    planning: Planning
    events: dict[int, Row] = field(init=False)
    shows: dict[int, tuple[Row, Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.events = {event["id"]: event for event in self.organiser.events.rows()}
        self.shows = {show["id"]: (event, show) for event, show in _shows(self.organiser)}

    def assert_true(self) -> None:
        """Compare every cell; call it when extract and dbt have run and nothing changed since."""
        self._assert_names()
        self._same(
            "dim_events",
            "event_id",
            "event_name, city, city_timezone, place_name, currency, is_known, is_active,"
            " is_deleted, shows, first_show_at, last_show_at, last_show_ends_at, created_at,"
            " updated_at, deleted_at",
            self.dim_events(),
        )
        self._same(
            "dim_shows",
            "show_id",
            "event_id, place_name, currency, timezone, doors_at, price_from, price_to, is_known",
            self.dim_shows(),
        )
        about = ("show_id", "currency, starts_at, local_start")
        shows = self._found("dim_shows", *about)
        for show_id, cells in self._found("v_show_forecast", *about).items():
            assert cells == shows[show_id], show_id
        for table, shelf in (
            ("dim_discounts", self.organiser.discounts),
            ("dim_promo_codes", self.organiser.promo_codes),
        ):
            names = ("active_from", "active_to", "created_at", "updated_at", "deleted_at")
            key = f"{table.removeprefix('dim_').removesuffix('s')}_id"
            found = self._found(table, key, ", ".join(names))
            expected = {
                (id_,): tuple(
                    _utc(shelf.row(id_)[name]) if id_ in shelf else None for name in names
                )
                for (id_,) in found
            }
            assert found == expected, table
        self._same(
            "fact_qtickets_cancelled_daily",
            "sales_date, event_id, city, currency",
            "tickets_cancelled, cancelled_amount, refunded_amount, kept_amount",
            self.cancelled_daily(),
        )
        outside = self.outside_tickets()
        self._same(
            "fact_qtickets_orders_outside_tickets",
            "order_id",
            "sales_date, currency, order_amount, tickets_amount, service_fee, outside_amount",
            outside,
        )
        self._assert_inventory()
        self._same(
            "fact_plan_sales_daily",
            "plan_date, event_id, city, currency",
            "planned_tickets, planned_revenue, plan_rows",
            self.planned(),
        )
        self._assert_complete(len(outside))
        self._assert_latest()

    # --- how it is compared

    def _found(self, table: str, key: str, cells: str) -> Cells:
        width = key.count(",") + 1
        rows = self.place.query(f"select {key}, {cells} from {table}")
        found = {row[:width]: row[width:] for row in rows}
        assert len(found) == len(rows) > 0, table
        return found

    def _same(self, table: str, key: str, cells: str, expected: Cells) -> None:
        found = self._found(table, key, cells)
        assert_same_cells(f"{table}: {cells}", found, expected)

    # --- names

    def name(self, event_id: int) -> str:
        event = self.events.get(event_id)
        return (" ".join(event["name"].split()) if event else "") or NOWHERE

    def city(self, event_id: int) -> str:
        if event_id not in self.events:
            return NOWHERE
        name: str = self.events[event_id]["city"]["name"]
        return CITY_NAMES.get(name, name)

    def _assert_names(self) -> None:
        """Wherever an event has a name or a city, it is its own."""
        marts = self.place.marts()
        named = [mart for mart, columns in marts.items() if {"event_id", "event_name"} <= columns]
        assert len(named) > 20
        for mart in named:
            names = ["event_id", "event_name", *({"city"} & marts[mart])]
            for event_id, name, *city in self.place.query(
                f"select distinct {', '.join(names)} from {mart}"
            ):
                if event_id or mart not in ("fact_plan_sales_daily", "v_plan_vs_fact"):
                    all_ = not event_id and mart == "v_sales_compared"
                    assert name == ("" if all_ else self.name(event_id)), mart
                    assert all_ or not city or city == [self.city(event_id)], mart
                else:
                    assert name == "all other", mart

    # --- events and shows

    def _tickets(self) -> Iterator[tuple[Row, Row, int]]:
        """Yield each ticket of each order, paid or not, with its event."""
        for order in self.organiser.orders.rows():
            for item in order["baskets"]:
                event, _ = self.shows.get(item["show_id"], (None, None))
                yield order, item, event["id"] if event else order["event_id"]

    def dim_events(self) -> Cells:
        """Per event: name, where, what it is, how many shows and when, its own times."""
        unknown = (*(NOWHERE,) * 5, False, False, False, 0, *(None,) * 6)
        found: Cells = {(id_,): unknown for _, _, id_ in self._tickets() if id_ not in self.events}
        for id_, event in self.events.items():
            # with an event its shows are deleted
            shows = [s for s in event["shows"] if not (s["deleted_at"] or event["deleted_at"])]
            starts = [_at(show["start_date"]) for show in shows]
            ends = [_at(show["finish_date"] or show["start_date"]) for show in shows]
            found[id_,] = (
                *(self.name(id_), self.city(id_), event["city"]["timezone"], event["place_name"]),
                *(event["currency_id"], True, event["is_active"] == 1),
                *(event["deleted_at"] is not None, len(shows)),
                *(min(starts, default=None), max(starts, default=None), max(ends, default=None)),
                *(_utc(event[name]) for name in ("created_at", "updated_at", "deleted_at")),
            )
        return found

    def dim_shows(self) -> Cells:
        """Per show, known or not: its event, hall, currency, zone, doors, prices."""
        last: dict[int, tuple[int, int, int]] = {}
        for order, item, _ in self._tickets():
            named = (order["id"], item["id"], order["event_id"])
            last[item["show_id"]] = max(last.get(item["show_id"], named), named)
        found: Cells = {}
        for show_id in {*last, *self.shows}:
            event, show = self.shows.get(show_id, (None, None))
            event_id = event["id"] if event else last[show_id][2]
            event = self.events.get(event_id)
            about = (event_id, NOWHERE, NOWHERE, "Europe/Moscow")
            if event:
                zone = event["city"]["timezone"]
                about = (event_id, event["place_name"], event["currency_id"], zone)
            sold: tuple[Any, ...] = (None, None, None, False)
            if show:
                prices = [Decimal(str(price["default_price"])) for price in show["prices"]]
                sold = (_utc(show["open_date"]), min(prices), max(prices), True)
            found[show_id,] = (*about, *sold)
        return found

    # --- money that is no sale

    def cancelled_daily(self) -> Cells:
        """Per day of sale, event, city, currency: tickets, gross, paid back, kept."""
        found: dict[Any, Measured] = defaultdict(Measured)
        for order, item, event_id in self._tickets():
            if order["payed"] and (order["deleted_at"] or item["deleted_at"]):
                key = (_day(order["payed_at"]), event_id, self.city(event_id), order["currency_id"])
                found[key] = _with_ticket(found[key], item)
        return {
            key: (
                *(m.tickets_sold + m.tickets_refunded, m.gross_revenue),
                *(m.refunded_amount, m.revenue),
            )
            for key, m in found.items()
        }

    def outside_tickets(self) -> Cells:
        """Per paid order whose price its tickets do not explain: day, currency, amounts."""
        found: Cells = {}
        for order in self.organiser.orders.rows():
            if not order["payed"] or order["deleted_at"]:
                continue
            valid = _total(item for item in order["baskets"] if item["deleted_at"] is None)
            price = Decimal(str(order["price"]))
            if price not in (valid, _total(order["baskets"])):
                services = _total(
                    sold for one in (order, *order["baskets"]) for sold in one.get("services") or []
                )
                found[order["id"],] = (
                    *(_day(order["payed_at"]), order["currency_id"], price, valid, services),
                    price - valid,
                )
        return found

    # --- seats

    def _assert_inventory(self) -> None:
        now = self.organiser.clock()
        at = _naive(now)
        sold, last_week = self._sold_by_show()
        in_season = self._seats_in_season()
        by_show: Cells = {}
        seats: Cells = {}
        for id_, (event, show) in self.shows.items():
            ends = _ends(show)
            if not _is_on_sale(event, show) or ends is None or ends <= now:
                continue
            total, left, paid = self._seats(id_)
            taken = None if total is None or left is None else total - left
            unexplained = None if paid is None else paid - sold[id_] - in_season[id_]
            starts = _at(show["start_date"])
            by_show[id_,] = (
                *(event["id"], self.city(event["id"]), _day(show["start_date"]), starts),
                *(_naive(ends), total, left, at, sold[id_], paid, in_season[id_]),
            )
            seats[id_,] = (
                *(event["id"], starts, sold[id_], paid, taken, unexplained, at, in_season[id_]),
            )
        self._same(
            "fact_qtickets_inventory_by_show",
            "show_id",
            "event_id, city, show_date, starts_at, ends_at, tickets_total, tickets_left,"
            " snapshot_at, tickets_sold, tickets_paid_in_hall, tickets_in_season",
            by_show,
        )
        self._same(
            "v_seats_vs_sales",
            "show_id",
            "event_id, starts_at, tickets_sold, tickets_paid_in_hall, tickets_taken,"
            " tickets_unexplained, snapshot_at, tickets_in_season",
            seats,
        )
        of_event: dict[int, list[tuple[int, tuple[Any, ...]]]] = defaultdict(list)
        for (id_,), row in by_show.items():
            of_event[row[0]].append((id_, row))
        latest, pace, selling = {}, {}, {}
        for event_id, shows in of_event.items():
            rows = [row for _, row in shows]
            total, left = (_sum(*(row[n] for row in rows)) for n in (5, 6))
            unknown = sum(row[5] is None or row[6] is None for row in rows)
            latest[event_id,] = (self.city(event_id), total, left, len(rows), unknown, at)
            days = sorted(row[3] for row in rows)
            pace[event_id,] = (days[0], days[-1], sum(last_week[id_] for id_, _ in shows))
            selling[event_id,] = (len(rows), at)
        self._same(
            "fact_qtickets_inventory_latest",
            "event_id",
            "city, tickets_total, tickets_left, shows_to_come, shows_unknown, snapshot_at",
            latest,
        )
        self._same(
            "fact_qtickets_pace_latest",
            "event_id",
            "first_show_at, last_show_at, tickets_sold_7d",
            pace,
        )
        self._same("v_sell_through", "event_id", "shows_to_come, inventory_snapshot_at", selling)
        self._same(
            "fact_qtickets_inventory_daily",
            "inventory_date, event_id, city",
            "snapshot_at",
            self.planning.inventory_seen(),
        )

    def _seats(self, show_id: int) -> tuple[Quantity, Quantity, Quantity]:
        """Total, left, and what the hall calls paid; None where it does not say."""
        seats = list((self.organiser.seats(show_id) or {}).values())
        entries = [_entry(seat) for seat in seats]
        if self.organiser.ignores_flat(show_id):
            entries = [(1, None) for _ in seats]
        return (
            _sum(*(entry[0] for entry in entries)),
            _sum(*(entry[1] for entry in entries)),
            _sum(*(seat.get("payed_quantity") for seat in seats)),
        )

    def _sold_by_show(self) -> tuple[Counter[int], Counter[int]]:
        """Valid tickets by show: all, and of the seven days before today."""
        today = self.organiser.clock().astimezone(MOSCOW).date()
        found: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
        for order, item, _ in self._valid():
            found[0][item["show_id"]] += item["quantity"]
            if 0 < (today - _day(order["payed_at"])).days <= 7:
                found[1][item["show_id"]] += item["quantity"]
        return found

    def _valid(self) -> Iterator[tuple[Row, Row, int]]:
        for order, item, event_id in self._tickets():
            if order["payed"] and not (
                order["deleted_at"] or item["deleted_at"] or item["refunded_at"]
            ):
                yield order, item, event_id

    def _seats_in_season(self) -> Counter[int]:
        found: Counter[int] = Counter()
        for _, item, _ in self._valid():
            for part in item["related_baskets"]:
                if not (part["deleted_at"] or part["refunded_at"]):
                    found[part["show_id"]] += part["quantity"]
        return found

    # --- plan, run log, last days

    def planned(self) -> Cells:
        """Per day, event, city, currency: tickets, revenue, rows."""
        spelled = {name.lower(): known for name, known in CITY_NAMES.items()}
        found: dict[Any, list[PlanRow]] = defaultdict(list)
        for row in self.planning.plan:
            city = spelled.get(row.city.lower(), row.city)
            if row.event_id:
                city = self.city(row.event_id)
            found[row.day, row.event_id, city, row.currency.upper()].append(row)
        return {
            key: (sum(r.tickets for r in rows), sum(r.revenue for r in rows), len(rows))
            for key, rows in found.items()
        }

    def _assert_complete(self, outside: int) -> None:
        """All is landed that the organiser has."""
        for table, more in (
            ("fact_qtickets_pulls", ""),
            ("v_data_quality", ", is_fresh, is_complete, orders_outside_tickets, report_today"),
        ):
            found = self._found(
                table,
                "resource",
                "last_status, last_error, api_total, rows_landed, rows_missing, rows_surplus,"
                f" rows_unreadable{more}",
            )
            today = self.organiser.clock().astimezone(MOSCOW).date()
            expected: Cells = {}
            for name in ("orders", "events", "discounts", "promo_codes"):
                rows = len(getattr(self.organiser, name).ids)
                of_orders = outside if name == "orders" else 0
                expected[name,] = ("verified", "", rows, rows, 0, 0, 0)
                if more:
                    expected[name,] += (True, True, of_orders, today)
            seats = found.pop(("inventory",))
            assert seats[:2] + seats[4:7] == ("verified", "", 0, 0, 0), seats
            assert found == expected, table

    def _assert_latest(self) -> None:
        """The last days are those of the daily fact, with the seats of the event."""
        keys = "sales_date, event_id, city, currency"
        measures = "tickets_sold, tickets_refunded, gross_revenue, refunded_amount, revenue"
        daily = self.organiser.daily_sales()
        today = self.organiser.clock().astimezone(MOSCOW).date()
        seats = self._found(
            *("fact_qtickets_inventory_latest", "event_id"),
            "tickets_total, tickets_left, snapshot_at",
        )
        last: Cells = {}
        summed: dict[Any, list[Any]] = defaultdict(
            lambda: [0, 0, Decimal(0), Decimal(0), Decimal(0)]
        )
        for key, s in daily.items():
            if 0 <= (today - key[0]).days < 14:
                of_day = (
                    *(s.tickets_sold, s.tickets_refunded, s.gross_revenue),
                    *(s.refunded_amount, s.revenue),
                )
                last[key] = (*of_day, *seats.get((key[1],), (None, None, None)))
                sums = summed[key[1:]]
                summed[key[1:]] = [a + b for a, b in zip(sums, of_day, strict=True)]
        self._same(
            "v_sales_latest",
            keys,
            f"{measures}, tickets_total, tickets_left, inventory_snapshot_at",
            last,
        )
        self._same(
            "v_sales_14d",
            "event_id, city, currency",
            measures,
            {key: tuple(sums) for key, sums in summed.items()},
        )


def _total(items: Any) -> Decimal:
    return sum((Decimal(str(i["price"])) * i["quantity"] for i in items), Decimal(0))


def _naive(moment: datetime) -> datetime:
    # the driver gives UTC columns as naive datetimes
    return moment.astimezone(UTC).replace(tzinfo=None)


def _at(instant: str) -> datetime:
    return _naive(datetime.fromisoformat(instant))


def _utc(instant: str | None) -> datetime | None:
    return None if instant is None else _at(instant)
