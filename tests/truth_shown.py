"""What is true of an organiser in the marts that show the rest of what is landed.

Sales by type and channel, orders and how they ended, attendance, seats by zone and price. As in
tests/qtickets_organiser.py the figures are plain Python over the organiser's rows, without SQL and
without the extractor.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any, Protocol

from tests.qtickets_organiser import Organiser, Quantity, Sales, _entry, _sum, _tag, _with_ticket
from tests.qtickets_sample import CITY_NAMES, MOSCOW, Row
from tests.zakaz import assert_same_cells

Key = tuple[Any, ...]
Cells = dict[Key, tuple[Any, ...]]

METHODS = {
    "card": "Банковская карта",
    "invoice": "По счёту",
    "pushka_card": "Пушкинская карта",
}


CHANNELS = {
    ("vk", "cpc"): "Реклама ВКонтакте",
    ("vk", ""): "ВКонтакте",
    ("yandex", "cpc"): "Яндекс Директ",
    ("yandex", ""): "Яндекс",
    ("telegram", "cpc"): "Реклама в Telegram",
    ("telegram", ""): "Telegram",
    ("email", ""): "Рассылка",
}
KOPECK = Decimal("0.01")
COSTS_TABLE = "costs_of_the_organiser"


@dataclass(frozen=True, slots=True)
class AdCost:
    """A row of what the organiser spent: five tags as typed, money in `currency`."""

    day: date
    tags: tuple[str, str, str, str, str]
    currency: str
    spend: Decimal
    impressions: int
    clicks: int


class Asked(Protocol):
    """Where the marts are: rows of a query as tuples."""

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...


@dataclass
class Cell:
    """Sales that share a row of a mart."""

    sales: Sales = field(default_factory=Sales)
    orders: set[int] = field(default_factory=set)
    free: int = 0
    fee: Decimal = Decimal(0)

    def add(self, order: Row, item: Row) -> None:
        self.sales = _with_ticket(self.sales, item)
        self.orders.add(order["id"])
        is_free = item["refunded_at"] is None and not item["price"]
        self.free += item["quantity"] * is_free
        self.fee += Decimal(str(item["service_fee_amount"])) * item["quantity"]

    @property
    def common(self) -> tuple[Any, ...]:
        """The measures that all facts of sales have, in their order."""
        s = self.sales
        return (
            *(len(self.orders), s.tickets_sold, self.free, s.tickets_refunded),
            *(s.gross_revenue, s.refunded_amount, s.revenue),
        )

    @property
    def average_price(self) -> Decimal | None:
        paid = self.sales.tickets_sold + self.sales.tickets_refunded - self.free
        return (self.sales.gross_revenue / paid).quantize(KOPECK, ROUND_HALF_UP) if paid else None


COMMON = (
    "orders, tickets_sold, tickets_free, tickets_refunded, gross_revenue, refunded_amount, revenue"
)
DAY = "sales_date, event_id, city, currency"
TAGS = "utm_source, utm_medium, utm_campaign, utm_content, utm_term"


def write_costs(place: Asked, today: date) -> list[AdCost]:
    """Fill `COSTS_TABLE` with costs of the last days, and return them; dbt has to be told of it."""
    none, days = ("", "", "", "", ""), [today - timedelta(days=n) for n in range(40)]
    costs = [
        AdCost(day, tags, currency, Decimal("350.55") * n, 1000 * (n % 3), 7 * (n % 5))
        for n, day in enumerate(days, 1)
        for tags, currency in (
            (("VK ", "cpc", "", "", ""), "RUB"),
            (("vk", "cpc", "osen-2025", "", ""), "rub"),
            (("yandex", "", "71093344", "", "афиша  выставки"), "RUB"),
            (("", "", "", "62384014", ""), "RUB"),
            (("email", "", "", "", ""), "KZT"),
        )
    ]
    costs += [
        AdCost(days[1], none, "RUB", Decimal(100), 0, 0),
        AdCost(days[2], ("radio", "", "", "", ""), "RUB", Decimal(5000), 0, 0),
        AdCost(today - timedelta(days=400), ("vk", "", "", "", ""), "RUB", Decimal(1), 10, 1),
    ]
    place.query(
        f"create table {COSTS_TABLE} (spend_date Date, utm_source String, utm_medium String,"
        " utm_campaign String, utm_content String, utm_term String, currency String,"
        " spend Decimal(18, 2), impressions Int64, clicks Int64) engine = MergeTree order by ()"
    )
    rows = (
        f"('{c.day}', {str(c.tags)[1:-1]}, '{c.currency}', {c.spend}, {c.impressions}, {c.clicks})"
        for c in costs
    )
    place.query(f"insert into {COSTS_TABLE} values {', '.join(rows)}")
    return costs


def assert_shown_is_true(place: Asked, organiser: Organiser, costs: Iterable[AdCost] = ()) -> None:
    """Compare every cell; call it when extract and dbt have run and nothing has changed since.

    `costs` are what dbt was told that advertising cost.
    """
    with organiser.lock:
        truth = Truth(organiser, list(costs))
        for table, key, measures, expected in truth.tables():
            rows = place.query(f"select {key}, {measures} from {table}")
            width = key.count(",") + 1
            found = {row[:width]: row[width:] for row in rows}
            assert len(found) == len(rows), f"{table}: a key twice"
            assert_same_cells(f"{table}: {measures}", found, expected)
            assert expected, f"{table}: nothing to compare"


class Truth:
    """The expected cells of one organiser as it stands."""

    def __init__(self, organiser: Organiser, costs: list[AdCost]) -> None:
        self.organiser = organiser
        self.costs = costs
        self.now = organiser.clock()
        self.events = {event["id"]: event for event in organiser.events.rows()}
        self.shows = {s["id"]: (e, s) for e in self.events.values() for s in e["shows"]}

    def tables(self) -> Iterator[tuple[str, str, str, Cells]]:
        """Every mart: its name, its key, what is measured, and the expected cells."""
        daily = self.divided(lambda order, item: ())
        by_tags = self.divided(lambda order, item: _tags(order))
        by_code = self.divided(
            lambda order, item: (order["promo_code_id"] or 0, order["discount_id"] or 0)
        )
        two = "orders, tickets_free"
        for table, more, cells in (
            ("fact_qtickets_sales_daily", "", daily),
            ("fact_qtickets_sales_utm_daily", f", {TAGS}", by_tags),
            ("fact_qtickets_sales_promo_daily", ", promo_code_id, discount_id", by_code),
        ):
            yield table, DAY + more, two, {k: (len(c.orders), c.free) for k, c in cells.items()}
        three = f"{two}, average_price"
        for table, more, cells in (
            ("v_qtickets_sales_utm_daily", f", {TAGS}", by_tags),
            ("v_qtickets_sales_promo", ", promo_code_id, discount_id", by_code),
            ("v_sales_latest", "", self.last_days(daily)),
        ):
            expected = {k: (len(c.orders), c.free, c.average_price) for k, c in cells.items()}
            yield table, DAY + more, three, expected
        yield "v_sales_14d", "event_id, city, currency", three, self.fourteen_days()

        yield (
            *("fact_qtickets_sales_by_type_daily", f"{DAY}, ticket_type, tariff, price"),
            *(f"{COMMON}, ticket_type_name, event_name", self.by_type()),
        )
        yield (
            *("fact_qtickets_sales_by_channel_daily", f"{DAY}, channel, site, payment_method"),
            *(f"{COMMON}, service_fee, event_name", self.by_channel()),
        )
        yield (
            *("fact_qtickets_orders_daily", "order_date, event_id, city, currency, utm_source"),
            "orders_made, orders_paid, orders_lapsed, orders_open, amount_made, amount_paid,"
            " amount_lapsed, amount_open, median_minutes_to_payment, event_name",
            self.orders_daily(),
        )
        yield (
            *("fact_qtickets_attendance_by_show", "show_id"),
            "event_id, event_name, city, starts_at, tickets_valid, tickets_scanned, no_show_share,"
            " first_scan_at, last_scan_at",
            self.attendance(),
        )
        yield (
            *("fact_qtickets_attendance_arrivals", "show_id, quarter_at"),
            *("event_id, event_name, city, tickets_scanned", self.arrivals()),
        )
        yield (
            *("fact_qtickets_inventory_by_price", "show_id, zone, price, currency"),
            "event_id, event_name, city, starts_at, tickets_total, tickets_left, left_value",
            self.inventory_by_price(),
        )
        yield (
            *("v_romi_daily", f"spend_date, {TAGS}, currency"),
            "channel, spend, impressions, clicks, orders, tickets_sold, revenue, cost_per_click,"
            " cost_per_ticket, cost_per_order, ctr, romi",
            self.romi(),
        )

    # --- of events

    def name(self, event_id: int) -> str:
        return (
            " ".join(self.events[event_id]["name"].split())
            if event_id in self.events
            else "unknown"
        )

    def city(self, event_id: int) -> str:
        if event_id not in self.events:
            return "unknown"
        name: str = self.events[event_id]["city"]["name"]
        return CITY_NAMES.get(name, name)

    def event_of(self, order: Row, item: Row) -> int:
        if item["show_id"] in self.shows:
            found: int = self.shows[item["show_id"]][0]["id"]
            return found
        return int(order["event_id"])

    def of_show(self, show_id: int) -> tuple[int, str, str, datetime | None]:
        """Event, its name and city, and the start of a show; of a lost one what tickets say."""
        if show_id in self.shows:
            event, show = self.shows[show_id]
            return (
                event["id"],
                self.name(event["id"]),
                self.city(event["id"]),
                _utc(show["start_date"]),
            )
        last = max(
            (item["id"], order["event_id"])
            for order in self.organiser.orders.rows()
            for item in order["baskets"]
            if item["show_id"] == show_id
        )
        return last[1], self.name(last[1]), self.city(last[1]), None

    # --- sales

    def sold(self) -> Iterator[tuple[Row, Row]]:
        for order in self.organiser.orders.rows():
            if order["payed"] and order["deleted_at"] is None:
                for item in order["baskets"]:
                    if item["deleted_at"] is None:
                        yield order, item

    def divided(self, by: Callable[[Row, Row], Key]) -> dict[Key, Cell]:
        """Cells by day, event, city, currency and whatever `by` says of an order and a ticket."""
        found: dict[Key, Cell] = defaultdict(Cell)
        for order, item in self.sold():
            event_id = self.event_of(order, item)
            key = (_day(order["payed_at"]), event_id, self.city(event_id), order["currency_id"])
            found[*key, *by(order, item)].add(order, item)
        return found

    def last_days(self, daily: dict[Key, Cell]) -> dict[Key, Cell]:
        today = self.now.astimezone(MOSCOW).date()
        first = today - timedelta(days=13)
        return {key: cell for key, cell in daily.items() if first <= key[0] <= today}

    def fourteen_days(self) -> Cells:
        today = self.now.astimezone(MOSCOW).date()
        found: dict[Key, Cell] = defaultdict(Cell)
        for order, item in self.sold():
            if 0 <= (today - _day(order["payed_at"])).days < 14:
                event_id = self.event_of(order, item)
                found[event_id, self.city(event_id), order["currency_id"]].add(order, item)
        return {k: (len(c.orders), c.free, c.average_price) for k, c in found.items()}

    def by_type(self) -> Cells:
        names: dict[Key, str] = {}
        for order, item in sorted(self.sold(), key=lambda sold: (sold[0]["id"], sold[1]["id"])):
            names[self.event_of(order, item), _zone(item["seat_id"])] = _without_place(
                item["seat_name"]
            )
        cells = self.divided(
            lambda order, item: (
                _zone(item["seat_id"]),
                item["multiprice_code"] or order.get("multiprice_code") or "(none)",
                Decimal(str(item["price"])),
            )
        )
        return {
            key: (*cell.common, names[key[1], key[4]], self.name(key[1]))
            for key, cell in cells.items()
        }

    def by_channel(self) -> Cells:
        named = {
            str(payment["id"]): payment["name"]
            for event in self.events.values()
            for payment in event["payments"]
        }
        named |= METHODS
        cells = self.divided(
            lambda order, item: (
                "cabinet" if order["backend_user_id"] else "online",
                order["site"]["host"],
                named[order["payment_type_id"]],
            )
        )
        return {key: (*c.common, c.fee, self.name(key[1])) for key, c in cells.items()}

    # --- advertising

    def romi(self) -> Cells:
        spent: dict[Key, list[AdCost]] = defaultdict(list)
        for cost in self.costs:
            spent[cost.day, *_tidy_tags(cost.tags), cost.currency.upper()].append(cost)
        found: dict[Key, Cell] = {key: Cell() for key in spent}
        for order, item in self.sold():
            tags, day, currency = _tags(order), _day(order["payed_at"]), order["currency_id"]
            has_it = [key for key in spent if _names(key, day, tags, currency)]
            # the cost that names most tags, and of two such the one that names the earlier ones
            best = max(has_it, key=_named, default=(day, *tags, currency))
            found.setdefault(best, Cell()).add(order, item)
        return {key: self._return(key, cell, spent.get(key, [])) for key, cell in found.items()}

    def _return(self, key: Key, cell: Cell, costs: list[AdCost]) -> tuple[Any, ...]:
        spend = sum((cost.spend for cost in costs), Decimal(0))
        impressions, clicks = sum(c.impressions for c in costs), sum(c.clicks for c in costs)
        orders, tickets, revenue = len(cell.orders), cell.sales.tickets_sold, cell.sales.revenue
        prices = (
            (spend / n).quantize(KOPECK, ROUND_HALF_UP) if spend and n else None
            for n in (clicks, tickets, orders)
        )
        return (
            CHANNELS.get((key[1], key[2])) or CHANNELS.get((key[1], ""), _no_channel(key)),
            *(spend, impressions, clicks, orders, tickets, revenue, *prices),
            round(100 * clicks / impressions, 2) if impressions else None,
            round(100 * float(revenue - spend) / float(spend), 1) if spend else None,
        )

    # --- orders

    def orders_daily(self) -> Cells:
        found: dict[Key, list[Row]] = defaultdict(list)
        for order in self.organiser.orders.rows():
            event_id = self.event_of(order, order["baskets"][0])
            key = (_day(order["created_at"]), event_id, self.city(event_id), order["currency_id"])
            source = _tag(order["utm"] or {}, "utm_source").lower()
            found[*key, source].append(order)
        return {key: self._funnel(orders, key[1]) for key, orders in found.items()}

    def _funnel(self, orders: list[Row], event_id: int) -> tuple[Any, ...]:
        paid = [order for order in orders if order["payed"]]
        lapsed = [order for order in orders if not order["payed"] and order["deleted_at"]]
        still_open = [order for order in orders if not order["payed"] and not order["deleted_at"]]
        groups = (orders, paid, lapsed, still_open)
        # paid before it was made, by a clock or by hand: at once
        took = (_moment(order["payed_at"]) - _moment(order["created_at"]) for order in paid)
        minutes = [max(one.total_seconds(), 0) / 60 for one in took]
        return (
            *(len(group) for group in groups),
            *(sum((Decimal(str(o["price"])) for o in group), Decimal(0)) for group in groups),
            round(median(minutes), 3) if minutes else None,
            self.name(event_id),
        )

    # --- who came

    def valid(self) -> Iterator[tuple[int, int, datetime | None]]:
        """Yield the show of each valid ticket, how many it admits, and when it was scanned."""
        for _, item in self.sold():
            if item["refunded_at"] is None:
                yield item["show_id"], item["quantity"], _utc(item["checked_at"])

    def attendance(self) -> Cells:
        valid: Counter[int] = Counter()
        scanned: Counter[int] = Counter()
        scans: dict[int, list[datetime]] = defaultdict(list)
        for show_id, quantity, scanned_at in self.valid():
            valid[show_id] += quantity
            if scanned_at:
                scanned[show_id] += quantity
                scans[show_id].append(scanned_at)
        found: Cells = {}
        for show_id in valid:
            event_id, name, city, starts = self.of_show(show_id)
            is_over = starts is not None and self._ends(show_id) <= self.now
            share = round(1 - scanned[show_id] / valid[show_id], 4)
            times = sorted(scans[show_id])
            found[show_id,] = (
                *(event_id, name, city, starts, valid[show_id], scanned[show_id]),
                share if is_over and times else None,
                *((times[0], times[-1]) if times else (None, None)),
            )
        return found

    def _ends(self, show_id: int) -> datetime:
        show = self.shows[show_id][1]
        return _moment(show["finish_date"] or show["start_date"])

    def arrivals(self) -> Cells:
        found: Counter[Key] = Counter()
        for show_id, quantity, scanned_at in self.valid():
            if scanned_at:
                quarter = scanned_at - timedelta(
                    minutes=scanned_at.minute % 15, seconds=scanned_at.second
                )
                found[show_id, quarter] += quantity
        return {key: (*self.of_show(key[0])[:3], tickets) for key, tickets in found.items()}

    # --- seats

    def inventory_by_price(self) -> Cells:
        parts: dict[Key, list[tuple[Quantity, Quantity]]] = defaultdict(list)
        for show_id, (event, show) in self.shows.items():
            is_off = event["deleted_at"] or show["deleted_at"] or show["is_active"] != 1
            if is_off or self._ends(show_id) <= self.now:
                continue
            for seat in (self.organiser.seats(show_id) or {}).values():
                if self.organiser.ignores_flat(show_id):
                    # zones hold no quantities, no prices, and do not say what is free
                    key: Key = (show_id, seat["zone_id"], None, event["currency_id"])
                    parts[key].append((1, None))
                else:
                    price = Decimal(str(seat["price"]))
                    key = (show_id, seat["zone_id"], price, seat["currency_id"])
                    parts[key].append(_entry(seat))
        found: Cells = {}
        for key, entries in parts.items():
            total, left = (_sum(*(entry[n] for entry in entries)) for n in (0, 1))
            known = left is not None and key[2] is not None
            value = Decimal(0) if left == 0 else key[2] * left if known else None
            found[key] = (*self.of_show(key[0]), total, left, value)
        return found


def _tags(order: Row) -> Key:
    tags = order["utm"] or {}
    source, medium = (_tag(tags, name).lower() for name in ("utm_source", "utm_medium"))
    return source, medium, *(_tag(tags, f"utm_{name}") for name in ("campaign", "content", "term"))


def _tidy_tags(tags: tuple[str, ...]) -> Key:
    tidied = [" ".join(tag.split()) or "(none)" for tag in tags]
    return (*(tag.lower() for tag in tidied[:2]), *tidied[2:])


def _named(key: Key) -> tuple[Any, ...]:
    is_named = [tag != "(none)" for tag in key[1:6]]
    return sum(is_named), is_named


def _names(key: Key, day: date, tags: Key, currency: str) -> bool:
    """Whether a cost of that key has a sale of these tags; one that names none, untagged ones."""
    is_theirs = all(mine in ("(none)", theirs) for mine, theirs in zip(key[1:6], tags, strict=True))
    return (
        key[0] == day
        and key[6] == currency
        and is_theirs
        and (any(_named(key)[1]) or key[1:6] == tags)
    )


def _no_channel(key: Key) -> str:
    return "(none)" if key[1] == key[2] == "(none)" else "unknown"


def _zone(seat_id: str) -> str:
    """`parter` of `parter-3;7`."""
    return seat_id.partition(";")[0].rpartition("-")[0]


def _without_place(name: str) -> str:
    return re.sub(r", ряд \d+, место \d+$", "", name)


def _utc(instant: str | None) -> datetime | None:
    # the driver gives UTC columns as naive datetimes
    return None if instant is None else _moment(instant).astimezone(UTC).replace(tzinfo=None)


def _moment(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def _day(instant: str) -> date:
    return _moment(instant).astimezone(MOSCOW).date()
