"""A synthetic QTickets organiser: what it holds, how that changes, and what is true of it.

    Organiser.sample(seed=1, now=...)   a small organiser with every oddity of the live service
    Organiser.uniform(126_213)          very many plain orders, made when asked for

Mutations are thread-safe, and stamp `updated_at` from the organiser's own clock. The truth helpers
(`daily_sales`, `inventory`) are plain Python over what is held, for tests to compare a warehouse
with: they share no code with it.
"""

from __future__ import annotations

import json
import operator
import re
import threading
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests import qtickets_sample as sample
from tests.qtickets_sample import CITY_NAMES, MOSCOW, Row, Uniform, amount, stamp

# --- rows, filtered and paged -------------------------------------------------------------------

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*")
_OFFSET_WITH_COLON = re.compile(r".*[+-]\d\d:\d\d")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "in": lambda value, among: value in among,
    "not in": lambda value, among: value not in among,
}


def _comparable(value: Any) -> Any:
    """Instants as instants, numbers in strings as numbers (PHP), anything else as it is."""
    if isinstance(value, str):
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
        if re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
    return value


@dataclass(frozen=True, slots=True)
class Condition:
    """One element of `where`, its value already comparable."""

    column: str
    operator: str
    value: Any = None

    @classmethod
    def parse(cls, raw: Any) -> Condition | None:
        """None for what the service ignores silently: the malformed, and `+0300`."""
        if not isinstance(raw, dict) or not isinstance(raw.get("column"), str):
            return None
        name, value = str(raw.get("operator", "=")).lower(), raw.get("value")
        if name in ("null", "not null"):
            return cls(raw["column"], name)
        if name not in _COMPARE:
            return None
        values = value if isinstance(value, list) else [value]
        for one in values:
            text = isinstance(one, str) and _INSTANT.fullmatch(one)
            if text and not _OFFSET_WITH_COLON.fullmatch(one):
                return None
        if any(isinstance(one, (list, dict)) for one in values):
            return None
        if name in ("in", "not in"):
            return cls(raw["column"], name, tuple(_comparable(one) for one in values))
        return None if isinstance(value, list) else cls(raw["column"], name, _comparable(value))

    def holds(self, row: Row) -> bool:
        """As SQL would: nothing compares with null; an unknown column filters nothing."""
        if self.column not in row:
            return True
        value = row[self.column]
        if self.operator in ("null", "not null"):
            return (value is None) == (self.operator == "null")
        if value is None:
            return False
        try:
            return _COMPARE[self.operator](_comparable(value), self.value)
        except TypeError:
            return False


@dataclass(frozen=True, slots=True)
class Query:
    """What a list was asked for; `order` is (column, descending) pairs, `page` counts from 1."""

    where: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    page: int = 1


class Shelf:
    """Rows of one kind by id, ready to be served: JSON bytes are kept, and so are found ids."""

    def __init__(self, rows: Iterable[Row] = (), lazy: Uniform | None = None) -> None:
        self._rows = {row["id"]: row for row in rows}
        self._bodies: dict[int, bytes] = {}
        self._lazy = lazy
        self._found: dict[Any, Sequence[int]] = {}
        self.version = 0  # of the rows: each change makes another
        self.ids: Sequence[int] = lazy.ids if lazy else sorted(self._rows)

    def __contains__(self, row_id: int) -> bool:
        place = bisect_left(self.ids, row_id)
        return place < len(self.ids) and self.ids[place] == row_id

    def head(self, row_id: int) -> Row:
        """The row's own columns, to be read only."""
        if row_id in self._rows:
            return self._rows[row_id]
        if self._lazy is None or row_id not in self:
            raise KeyError(row_id)
        return self._lazy.head(row_id)

    def row(self, row_id: int) -> Row:
        """A copy of the whole row."""
        if row_id not in self:
            raise KeyError(row_id)
        found: Row = json.loads(self.body(row_id))
        return found

    def rows(self) -> Iterator[Row]:
        """Whole rows by id, to be read only."""
        for row_id in self.ids:
            yield self._rows[row_id] if row_id in self._rows else self.row(row_id)

    def held_rows(self) -> Iterable[Row]:
        """The rows that are not made lazily, to be read only."""
        return self._rows.values()

    def body(self, row_id: int) -> bytes:
        """The row as JSON; for ids that are there."""
        body = self._bodies.get(row_id)
        if body is not None:
            return body
        if self._lazy is not None and row_id not in self._rows:
            return self._lazy.body(row_id)
        body = self._bodies[row_id] = sample.dumps(self._rows[row_id])
        return body

    def put(self, row: Row) -> None:
        """Add a row, or replace the one of that id."""
        row_id = row["id"]
        if row_id not in self:
            place = bisect_left(self.ids, row_id)
            self.ids = [*self.ids[:place], row_id, *self.ids[place:]]
        self._rows[row_id] = row
        self._bodies.pop(row_id, None)
        self._found.clear()
        self.version += 1

    def drop(self, row_id: int) -> None:
        """Remove a row for good."""
        if row_id not in self:
            raise KeyError(row_id)
        place = bisect_left(self.ids, row_id)
        self.ids = [*self.ids[:place], *self.ids[place + 1 :]]
        self._rows.pop(row_id, None)
        self._bodies.pop(row_id, None)
        self._found.clear()
        self.version += 1

    def page(self, query: Query, per_page: int) -> tuple[Sequence[int], int]:
        """The ids on a page, and how many there are on all pages."""
        order = query.order or (("id", True),)
        skip = (query.page - 1) * per_page
        if order[0][0] != "id":
            found = self._sorted(query.where, order)
            return found[skip : skip + per_page], len(found)
        # The usual question is a range of ids: two bisections of a list that is already there.
        bounds = [c for c in query.where if c.column == "id" and c.operator in _RANGES]
        bounds = [c for c in bounds if isinstance(c.value, (int, float))]
        ids = self._filtered(tuple(c for c in query.where if c not in bounds))
        low, high = 0, len(ids)
        for bound in bounds:
            first, last = _bounds(bound.operator, ids, bound.value)
            low, high = max(low, first), min(high, last)
        high = max(low, high)
        if order[0][1]:
            high_of_page = high - skip
            part = ids[max(low, high_of_page - per_page) : max(low, high_of_page)][::-1]
        else:
            part = ids[low + skip : min(high, low + skip + per_page)]
        return part, high - low

    def _filtered(self, where: tuple[Condition, ...]) -> Sequence[int]:
        if not where:
            return self.ids
        if where not in self._found:
            ids, rest = self._narrowed(where) if self._lazy else (self.ids, where)
            if rest or self._rows:
                ids = [
                    row_id
                    for row_id in sorted({*ids, *self._rows})
                    if all(c.holds(self.head(row_id)) for c in where)
                ]
            self._found[where] = ids
        return self._found[where]

    def _narrowed(
        self, where: tuple[Condition, ...]
    ) -> tuple[Sequence[int], tuple[Condition, ...]]:
        """Lazy ids that a condition on a moment leaves, and the conditions not yet looked at.

        Those moments ascend with the id, so a million orders need not be made to filter them.
        """
        low, high, rest = 0, len(self.ids), []
        for condition in where:
            value, ranged = condition.value, condition.operator in _RANGES
            if not (ranged and condition.column in Uniform.ASCENDING) or not isinstance(
                value, datetime
            ):
                rest.append(condition)
                continue
            moment = partial(self._lazy_moment, condition.column)
            first, last = _bounds(condition.operator, self.ids, value, moment)
            low, high = max(low, first), min(high, last)
        return self.ids[low : max(low, high)], tuple(rest)

    def _lazy_moment(self, column: str, row_id: int) -> datetime:
        assert self._lazy is not None
        return datetime.fromisoformat(self._lazy.head(row_id)[column])

    def _sorted(
        self, where: tuple[Condition, ...], order: tuple[tuple[str, bool], ...]
    ) -> Sequence[int]:
        if (where, order) not in self._found:
            ids = list(self._filtered(where))
            for column, descending in reversed(order):
                ids.sort(key=lambda i: _sort_key(self.head(i).get(column)), reverse=descending)
            self._found[where, order] = ids
        return self._found[where, order]


def _sort_key(value: Any) -> tuple[int, str, Any]:
    value = _comparable(value)
    if isinstance(value, (list, dict)):
        value = str(value)
    kind = "number" if isinstance(value, (int, float)) else type(value).__name__
    return (0, "", 0) if value is None else (1, kind, value)


def _bounds(
    name: str, ids: Sequence[int], value: Any, key: Callable[[int], Any] | None = None
) -> tuple[int, int]:
    """The slice of ascending ids, or of what `key` makes of them, that compares so with a value."""
    left, right = bisect_left(ids, value, key=key), bisect_right(ids, value, key=key)
    return {
        ">": (right, len(ids)),
        ">=": (left, len(ids)),
        "<": (0, left),
        "<=": (0, right),
        "=": (left, right),
    }[name]


_RANGES = {">", ">=", "<", "<=", "="}


# --- the organiser ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holding:
    """How many tickets hold each seat of a show, by seat id."""

    paid: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)


def _is_sold(show: Row, now: datetime) -> bool:
    begun = show["sale_start_date"] is None or _is_by(show["sale_start_date"], now)
    ended = show["deleted_at"] or not show["is_active"] or _is_by(show["sale_finish_date"], now)
    return begun and not ended


_instant = lru_cache(maxsize=100_000)(datetime.fromisoformat)


def _is_by(moment: str | None, now: datetime) -> bool:
    return moment is not None and _instant(moment) <= now


@dataclass(frozen=True, slots=True)
class Sales:
    """Truth of one (date, event, city, currency); money in that currency."""

    tickets_sold: int = 0
    tickets_refunded: int = 0
    gross_revenue: Decimal = Decimal(0)
    refunded_amount: Decimal = Decimal(0)
    gross_discount: Decimal = Decimal(0)
    discount_cost: Decimal = Decimal(0)  # on tickets that were not refunded

    @property
    def revenue(self) -> Decimal:
        """Gross less what was paid back."""
        return self.gross_revenue - self.refunded_amount


SalesKey = tuple[date, int, str, str]
UtmKey = tuple[date, int, str, str, str, str, str, str, str]
PromoKey = tuple[date, int, str, str, int, int]
Quantity = int | None

#: What `mutate` draws from, with weights. Events are not hard-deleted by default: a reader keeps
#: what it knew of them, so what is true afterwards would depend on when it had read.
MUTATIONS: Mapping[str, int] = {
    "new_order": 30,
    "pay": 10,
    "refund": 20,
    "scan": 15,
    "update": 10,
    "cancel": 6,
    "hard_delete": 5,
    "rename_event": 2,
    "move_event": 1,
    "remove_show": 1,
}

_PERSONAL = {
    *("payment_card_number", "payment_url", "cancel_url", "barcode", "pdf_url", "passbook_url"),
    *("client_email", "client_phone", "client_name", "client_surname", "client_middlename"),
    *("organization_name", "legal_name", "work_position", "inn", "kpp", "comment"),
}


@dataclass
class Organiser:
    """All that one organiser has on the service.

    `clock_skew` is how many seconds the HTTP `Date` is ahead of the clock that stamps the data.
    """

    seed: int
    orders: Shelf
    events: Shelf
    discounts: Shelf = field(default_factory=Shelf)
    promo_codes: Shelf = field(default_factory=Shelf)
    clock_skew: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self._frozen: datetime | None = None
        self._rng = Random(f"{self.seed}/mutations")
        self._changed_seats: dict[int, dict[str, Row]] = {}
        self._holding: tuple[Any, dict[int, Holding]] = (None, {})

    @classmethod
    def sample(
        cls,
        seed: int = 1,
        now: datetime | None = None,
        first_day: date | None = None,
        orders_per_day: int = 40,
    ) -> Organiser:
        """An organiser whose sales run from a Moscow day to the start of the current hour.

        With `now` its clock stands still there; without, it is the system's. `first_day` is 60 days
        before `now` unless told. The same seed and first day always give the same rows; a later
        `now` only adds to them.
        """
        moment = now or datetime.now(UTC)
        cutoff = moment.astimezone(MOSCOW).replace(minute=0, second=0, microsecond=0)
        first_day = first_day or cutoff.date() - timedelta(days=60)
        organiser = cls(
            seed,
            orders=Shelf(sample.orders(seed, first_day, cutoff, orders_per_day)),
            events=Shelf(sample.events(first_day, cutoff)),
            discounts=Shelf(sample.discounts(first_day)),
            promo_codes=Shelf(sample.promo_codes(first_day)),
        )
        organiser.set_clock(now)
        return organiser

    @classmethod
    def uniform(
        cls, n_orders: int = 126_213, until: datetime = datetime(2025, 11, 1, tzinfo=MOSCOW)
    ) -> Organiser:
        """Very many plain paid orders of 3.8 KB, up to `until`, always the same; memory is flat."""
        first_day = until.date() - timedelta(days=30)
        return cls(
            0,
            orders=Shelf(lazy=Uniform(n_orders, until)),
            events=Shelf(sample.events(first_day, until)),
        )

    def clock(self) -> datetime:
        """Now, by the clock that stamps the data; UTC or the zone it was set in."""
        return self._frozen or datetime.now(UTC)

    def set_clock(self, moment: datetime | None) -> None:
        """Stop the clock at an aware moment; None: the system's clock."""
        if moment is not None and moment.tzinfo is None:
            raise ValueError("the clock needs an aware datetime")
        self._frozen = moment

    def tick(self, seconds: float) -> None:
        """Move a stopped clock on."""
        self.set_clock(self.clock() + timedelta(seconds=seconds))

    # --- what is there

    def show(self, show_id: int) -> Row | None:
        """A show as its event lists it; to be read only."""
        with self.lock:
            shows = (show for event in self.events.rows() for show in event["shows"])
            return next((show for show in shows if show["id"] == show_id), None)

    def seats(self, show_id: int) -> dict[str, Row] | None:
        """All seats of a show with all fields, by seat id, as its tickets hold them by the clock.

        None when there is no such show.
        """
        with self.lock:
            if self.show(show_id) is None:
                return None
            held = self._held().get(show_id, Holding())
            found = sample.seats(show_id, held.paid, held.reserved)
            for seat_id, fields in self._changed_seats.get(show_id, {}).items():
                found[seat_id] |= fields
            return found

    def _held(self) -> dict[int, Holding]:
        """How many tickets hold each seat of each show: sold or reserved by now."""
        state = (self.orders.version, self._frozen)
        if self._holding[0] != state:
            now, held = self.clock(), defaultdict[int, Holding](Holding)
            # Lazily made orders are for one show without end: they need not be counted.
            for order in self.orders.held_rows():
                if not _is_by(order["created_at"], now) or _is_by(order["deleted_at"], now):
                    continue
                is_paid = order["payed"] and _is_by(order["payed_at"], now)
                for item in order["baskets"]:
                    if _is_by(item["deleted_at"], now) or _is_by(item["refunded_at"], now):
                        continue
                    for one in (item, *item["related_baskets"]):
                        seats = (
                            held[one["show_id"]].paid if is_paid else held[one["show_id"]].reserved
                        )
                        seats[one["seat_id"]] += one["quantity"]
            self._holding = (state, held)
        return self._holding[1]

    def set_seat(self, show_id: int, seat_id: str, **fields: Any) -> None:
        """Change fields of a seat for good: `free_quantity=0`, `disabled=True`."""
        with self.lock:
            self._changed_seats.setdefault(show_id, {}).setdefault(seat_id, {}).update(fields)

    def ignores_flat(self, show_id: int) -> bool:
        """Whether the seats of this show come as zones, whatever was asked for."""
        return sample.spec_of_show(show_id).layout == "zones"

    def personal_values(self) -> set[str]:
        """Every personal or secret string in any order: none of them may reach a warehouse."""
        found: set[str] = set()

        def collect(value: Any, personal: bool) -> None:
            if isinstance(value, dict):
                for key, inner in value.items():
                    collect(inner, personal or key in {*_PERSONAL, "client", "custom", "fields"})
            elif isinstance(value, list):
                for inner in value:
                    collect(inner, personal)
            elif personal and isinstance(value, str) and value:
                found.add(value)

        with self.lock:
            for row in self.orders.rows():
                collect(row, personal=False)
        return found

    # --- what happens to it

    @contextmanager
    def _edit(self, shelf: Shelf, row_id: int, touch: bool = True) -> Iterator[Row]:
        # A fresh copy takes the row's place, so a page being written never sees half a change.
        with self.lock:
            row = shelf.row(row_id)
            yield row
            if touch:
                row["updated_at"] = stamp(self.clock())
            shelf.put(row)

    def new_order(
        self,
        event_id: int | None = None,
        *,
        tickets: int = 1,
        price: float | None = None,
        quantity: int | None = None,
        payed: bool = True,
        payed_at: datetime | None = None,
    ) -> int:
        """Add an order made now for a show of an event; returns its id, above all others.

        Its tickets take seats that are free; raises ValueError when a show has none left.
        """
        with self.lock:
            now = self.clock()
            listed = [
                show
                for event in ([event_id] if event_id else self.events.ids)
                for show in self.events.head(event)["shows"]
            ]
            self._rng.shuffle(listed)
            listed.sort(key=lambda show: not _is_sold(show, now))
            order_id = (self.orders.ids[-1] if self.orders.ids else 0) + self._rng.randint(1, 9)
            for show in listed:
                held = self._held().get(show["id"], Holding())
                taken = held.paid + held.reserved
                places = sample.places(self._rng, sample.show_of(show["id"]), taken, tickets)
                if len(places) == tickets:
                    break
            else:
                raise ValueError(f"no show of event {event_id} has {tickets} tickets left")
            row = sample.bare_order(self._rng, order_id, now, places)
            for item in row["baskets"]:
                if price is not None:
                    item["price"] = item["ticket_amount"] = amount(price)
                if quantity is not None:
                    item["quantity"] = quantity
            row["price"] = amount(sum(i["price"] * i["quantity"] for i in row["baskets"]))
            if payed:
                sample.pay_order(row, now)
                row["payed_at"] = stamp(payed_at or now)
            self.orders.put(row)
            return order_id

    def pay(self, order_id: int) -> None:
        """Pay an order now."""
        with self._edit(self.orders, order_id) as row:
            sample.pay_order(row, self.clock())

    def refund(
        self,
        order_id: int,
        ticket_index: int = 0,
        amount: float | None = None,
        deduction: float = 0,
        touch_order: bool = False,
    ) -> None:
        """Refund a ticket: `amount` is paid back (default: all but the deduction).

        As on the live service the order's `updated_at` stays unless `touch_order`.
        """
        with self._edit(self.orders, order_id, touch_order) as row:
            item = row["baskets"][ticket_index]
            gross = item["price"] * item["quantity"]
            deduction = min(deduction, gross)
            if amount is None:
                amount = gross - deduction
            sample.refund_ticket(item, self.clock(), amount, deduction)

    def scan(self, order_id: int, ticket_index: int = 0) -> None:
        """Scan a ticket at the door: only the ticket's `updated_at` moves."""
        with self._edit(self.orders, order_id, touch=False) as row:
            item = row["baskets"][ticket_index]
            sample.scan_ticket(item, self.clock())

    def cancel(self, order_id: int) -> None:
        """Soft-delete an order with its tickets."""
        with self._edit(self.orders, order_id) as row:
            sample.delete_order(row, self.clock())

    def update(self, order_id: int, **fields: Any) -> None:
        """Set columns of an order; `updated_at` moves unless it is one of them."""
        with self._edit(self.orders, order_id, touch="updated_at" not in fields) as row:
            row.update(fields)

    def hard_delete(self, order_id: int) -> None:
        """Remove an order as if it had never been."""
        with self.lock:
            self.orders.drop(order_id)

    def rename_event(self, event_id: int, name: str) -> None:
        """Give an event another name."""
        with self._edit(self.events, event_id) as row:
            row["name"] = name

    def move_event(self, event_id: int, city: str) -> None:
        """Move an event to another city; its old sales move with it."""
        city_id, zone = sample.CITIES.get(city, (9_000, "Europe/Moscow"))
        with self._edit(self.events, event_id) as row:
            row["city_id"], row["city"] = city_id, {"id": city_id, "name": city, "timezone": zone}

    def delete_event(self, event_id: int) -> None:
        """Soft-delete an event: it stays in the list."""
        with self._edit(self.events, event_id) as row:
            row["deleted_at"] = stamp(self.clock())

    def hard_delete_event(self, event_id: int) -> None:
        """Remove an event as if it had never been; its orders stay."""
        with self.lock:
            self.events.drop(event_id)

    def remove_show(self, show_id: int) -> None:
        """Take a show out of its event's list; its tickets stay."""
        with self.lock:
            for event in list(self.events.rows()):
                if any(show["id"] == show_id for show in event["shows"]):
                    with self._edit(self.events, event["id"]) as row:
                        row["shows"] = [show for show in row["shows"] if show["id"] != show_id]

    def mutate(self, rng: Random, kinds: Mapping[str, int] = MUTATIONS) -> str:
        """Let something happen, drawn by weight from `kinds`; says what, with the id."""
        with self.lock:
            kind = rng.choices(list(kinds), list(kinds.values()))[0]
            if kind in ("rename_event", "move_event", "delete_event", "hard_delete_event"):
                target = rng.choice(self.events.ids)
            elif kind == "remove_show":
                shows = [s["id"] for e in self.events.rows() for s in e["shows"]]
                target = rng.choice(shows)
            elif kind == "new_order":
                return f"new_order {self.new_order(payed=rng.random() < 0.8)}"
            else:
                target = rng.choice(self.orders.ids)
            if kind == "rename_event":
                self.rename_event(target, f"Новое имя {rng.randrange(1000)}")
            elif kind == "move_event":
                self.move_event(target, rng.choice(list(sample.CITIES)))
            elif kind == "update":
                self.update(target, utm={"utm_source": f"u{rng.randrange(1000)}"})
            elif kind in ("refund", "scan"):
                items = self.orders.head(target)["baskets"]
                index = rng.randrange(len(items))
                if kind == "scan":
                    self.scan(target, index)
                else:
                    keeps = rng.choice((0, 0, 0.1)) * items[index]["price"]
                    touch = rng.random() < 0.3
                    self.refund(target, index, deduction=round(keeps, 2), touch_order=touch)
            else:
                getattr(self, kind)(target)
            return f"{kind} {target}"

    # --- what is true of it

    def daily_sales(
        self, tz: str = "Europe/Moscow", cities: Mapping[str, str] = CITY_NAMES
    ) -> dict[SalesKey, Sales]:
        """Sales by (day paid in `tz`, event id, city, currency); `cities` joins spellings.

        A ticket belongs to the event that owns its show, else to its order's event; the city of an
        event that is not there is 'unknown'. A day with only refunded tickets has its row.
        """
        found: dict[SalesKey, Sales] = {}
        for key, _, item in self._sold(tz, cities):
            found[key] = _with_ticket(found.get(key, Sales()), item)
        return found

    def utm_sales(self) -> dict[UtmKey, Sales]:
        """Daily sales divided by the order's five tags, tidied; '(none)' where there is none."""
        found: dict[UtmKey, Sales] = {}
        for cell, order, item in self._sold():
            tags = order["utm"] or {}
            source, medium = (_tag(tags, name).lower() for name in ("utm_source", "utm_medium"))
            rest = (_tag(tags, name) for name in ("utm_campaign", "utm_content", "utm_term"))
            key = (*cell, source, medium, *rest)
            found[key] = _with_ticket(found.get(key, Sales()), item)
        return found

    def promo_sales(self) -> dict[PromoKey, Sales]:
        """Daily sales divided by the order's promo code and discount; 0 where there is none."""
        found: dict[PromoKey, Sales] = {}
        for cell, order, item in self._sold():
            key = (*cell, order["promo_code_id"] or 0, order["discount_id"] or 0)
            found[key] = _with_ticket(found.get(key, Sales()), item)
        return found

    def discount_names(self) -> dict[int, tuple[str, str, bool, bool, bool]]:
        """(name, type, is known, is active, is deleted) by discount, pointed at or listed."""
        with self.lock:
            pointing = [*self.orders.rows(), *self.promo_codes.rows()]
            found = {
                row["discount_id"]: ("unknown", "unknown", False, False, False)
                for row in pointing
                if row["discount_id"]
            }
            for row in self.discounts.rows():
                name = _tidy(row["name"]) or "unknown"
                found[row["id"]] = (name, row["type"], True, *_state(row))
        return found

    def promo_code_names(self) -> dict[int, tuple[str, int, str, str, int, bool, bool, bool]]:
        """(text, discount id, its name and type, most uses, is known, active, deleted) by code."""
        unknown = ("unknown", 0, "unknown", "unknown", 0, False, False, False)
        discounts = self.discount_names()
        with self.lock:
            used = {row["promo_code_id"] for row in self.orders.rows()}
            found = {code_id: unknown for code_id in used if code_id}
            for row in self.promo_codes.rows():
                discount_id = row["discount_id"] or 0
                named = discounts[discount_id][:2] if discount_id else ("(none)", "(none)")
                text, most = _tidy(row["code"]) or "unknown", row["max_uses_count"]
                found[row["id"]] = (text, discount_id, *named, most, True, *_state(row))
        return found

    def _sold(
        self, tz: str = "Europe/Moscow", cities: Mapping[str, str] = CITY_NAMES
    ) -> Iterator[tuple[SalesKey, Row, Row]]:
        """Each ticket sold: its cell of the daily sales, its order, and itself."""
        zone = ZoneInfo(tz)
        with self.lock:
            owner: dict[int, int] = {}
            city: dict[int, str] = {}
            for event in self.events.rows():
                name = event["city"]["name"]
                city[event["id"]] = cities.get(name, name)
                owner |= {show["id"]: event["id"] for show in event["shows"]}
            for order in self.orders.rows():
                if not order["payed"] or order["deleted_at"] is not None:
                    continue
                day = datetime.fromisoformat(order["payed_at"]).astimezone(zone).date()
                for item in order["baskets"]:
                    if item["deleted_at"] is not None:
                        continue
                    event_id = owner.get(item["show_id"]) or order["event_id"]
                    place = city.get(event_id, "unknown")
                    yield (day, event_id, place, order["currency_id"]), order, item

    def inventory(self, now: datetime | None = None) -> dict[int, tuple[Quantity, Quantity]]:
        """(total, left) by event that has an active show still to come; None is unknown."""
        now = now or self.clock()
        found: dict[int, tuple[Quantity, Quantity]] = {}
        with self.lock:
            for event in self.events.rows():
                if event["deleted_at"] is not None:
                    continue
                for show in event["shows"]:
                    ends = datetime.fromisoformat(show["finish_date"] or show["start_date"])
                    if ends <= now or show["is_active"] != 1 or show["deleted_at"] is not None:
                        continue
                    entries = [_entry(seat) for seat in (self.seats(show["id"]) or {}).values()]
                    if self.ignores_flat(show["id"]):
                        # Zones hold no quantities and do not say what is free.
                        entries = [(1, None) for _ in entries]
                    total, left = found.get(event["id"], (0, 0))
                    found[event["id"]] = (
                        _sum(total, *(entry[0] for entry in entries)),
                        _sum(left, *(entry[1] for entry in entries)),
                    )
        return found


def _with_ticket(sales: Sales, item: Row) -> Sales:
    quantity = item["quantity"]
    gross = Decimal(str(item["price"])) * quantity
    discount = Decimal(0)
    if item["original_price"] is not None:
        discount = max(Decimal(str(item["original_price"])) * quantity - gross, discount)
    if item["refunded_amount"] is not None:
        paid_back = Decimal(str(item["refunded_amount"]))
    elif item["refunded_at"] is not None:
        paid_back = gross - Decimal(str(item["refunded_deduction_amount"] or 0))
    else:
        paid_back = Decimal(0)
    is_valid = item["refunded_at"] is None
    return replace(
        sales,
        tickets_sold=sales.tickets_sold + quantity * is_valid,
        tickets_refunded=sales.tickets_refunded + quantity * (not is_valid),
        gross_revenue=sales.gross_revenue + gross,
        refunded_amount=sales.refunded_amount + paid_back,
        gross_discount=sales.gross_discount + discount,
        discount_cost=sales.discount_cost + discount * is_valid,
    )


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _tag(tags: Row, name: str) -> str:
    value = tags.get(name)
    return ("" if value is None else _tidy(str(value))) or "(none)"


def _state(row: Row) -> tuple[bool, bool]:
    return row["is_active"] == 1, row["deleted_at"] is not None


def _entry(seat: Row) -> tuple[Quantity, Quantity]:
    """(total, left) of one entry of a show's seats."""
    if seat["disabled"]:
        # off sale: what was taken before counts, and that is none where nothing is said
        return (seat.get("ordered_quantity") or 0) + (seat.get("payed_quantity") or 0), 0
    most = seat.get("max_quantity")
    if most == "":
        return None, None
    if most is None:
        available = seat.get("available")
        return 1, None if available is None else int(available)
    return most, seat["free_quantity"]


def _sum(*parts: Quantity) -> Quantity:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
