"""Invented rows of a synthetic QTickets organiser: events, orders, seats, discounts.

One world: orders take seats that are free when they are made, lapsed, cancelled and refunded ones
give them back, and a show sells slowly at first, then faster towards its day. Everything follows
from (seed, first day, cutoff) alone, and a later cutoff adds orders, and adds to older ones only
what happens to them later: payments, lapsed reservations, cancellations, refunds, scans.

Moments are aware datetimes; rows carry ISO 8601 strings with an offset, as the live service does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from functools import cache, partial
from heapq import heappop, heappush
from itertools import accumulate, chain
from random import Random
from typing import Any

Row = dict[str, Any]

MOSCOW = timezone(timedelta(hours=3))
KRASNOYARSK = timezone(timedelta(hours=7))
IDS_PER_DAY = 20_000
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ON_SALE_FOR = timedelta(days=28)
ANNOUNCED_BEFORE = timedelta(days=7)  # before sales begin, where their beginning has a date
EDITION_DAYS, EDITION_EVERY = 30, 35  # an exhibition that comes back, in days
EARLY = timedelta(days=14)  # before a show: until then it is cheaper, where it is at all
SHOW_IDS_PER_EVENT = 100_000

#: The same city as spelled by two events -> the one spelling that reports use.
CITY_NAMES = {"г. Томск": "Томск"}

CITIES = {
    "Москва": (1, "Europe/Moscow"),
    "Санкт-Петербург": (2, "Europe/Moscow"),
    "Томск": (24, "Asia/Krasnoyarsk"),
    "г. Томск": (2400, "Asia/Krasnoyarsk"),
    "Красноярск": (31, "Asia/Krasnoyarsk"),
    "Новосибирск": (54, "Asia/Novosibirsk"),
    "Прокопьевск": (279, "Asia/Novosibirsk"),
    "Екатеринбург": (66, "Asia/Yekaterinburg"),
    "Иркутск": (38, "Asia/Irkutsk"),
    "Алматы": (700, "Asia/Almaty"),
}


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One invented event: weekly shows, an exhibition of a month that comes back, or one for years.

    `draw` is how many tickets a show, or a week of an exhibition, sells at 40 orders a day, about.
    """

    event_id: int
    name: str
    city: str
    layout: str
    prices: tuple[float, ...]  # one a zone of the layout
    weekdays: tuple[int, ...] = ()
    editions: bool = False
    draw: float = 50
    currency: str = "RUB"
    finish: bool = True
    is_active: int = 1
    deleted_after: int | None = None  # days after the organiser's first day
    season: bool = False
    tariffs: tuple[tuple[str | None, float], ...] = ((None, 1),)  # code, share of the price
    early: float = 1  # share of the price until `EARLY` before a show
    fee: float = 0  # what the service takes of a ticket sold online, a share of its price
    closes: int = 0  # sales end so many days before a show


CHILDREN = (("vzroslyj", 1), ("vzroslyj", 1), ("detskij", 0.5))
STUDENTS = ((None, 1), (None, 1), ("studencheskij", 0.6))

EVENTS = (
    EventSpec(24089, "Выставка кубиков", "Томск", "unlimited", (490, 325.5, 590), draw=65),
    EventSpec(
        24097, "Органный вечер", "г. Томск", "hall", (1234.56, 900), (5,), draw=80, finish=False
    ),
    EventSpec(25709, "Космос рядом", "Красноярск", "standing", (700, 10.1), editions=True, draw=55),
    EventSpec(
        26011, "Джаз на крыше", "Новосибирск", "floor", (1500, 2499.9), (4, 6), draw=50, early=0.8
    ),
    EventSpec(
        *(26340, "Щелкунчик", "Санкт-Петербург", "hall", (2100.4, 900), (6,)),
        draw=110,
        tariffs=CHILDREN,
        fee=0.05,
    ),
    EventSpec(27001, "Стендап по средам", "Москва", "bare", (799.99,), (2,), draw=42),
    EventSpec(
        27450, "Лекция о звёздах", "Екатеринбург", "mute", (350,), (3,), draw=40, tariffs=STUDENTS
    ),
    EventSpec(28100, "Мыльная мастерская", "Прокопьевск", "zones", (600,), (5,), draw=45, closes=7),
    EventSpec(
        *(28777, "Степная симфония", "Алматы", "hall", (7500.5, 5000), (6,)),
        draw=70,
        currency="KZT",
        early=0.9,
    ),
    EventSpec(
        29015, "Отменённый фестиваль", "Москва", "floor", (2000, 3000), (5,), deleted_after=25
    ),
    EventSpec(29333, "Закрытая выставка", "Томск", "unlimited", (250, 150, 300), deleted_after=10),
    EventSpec(30120, "Спрятанная выставка", "Иркутск", "standing", (400, 200), is_active=0),
    EventSpec(
        30555, "Абонемент на осень", "г. Томск", "standing", (1999, 999), draw=10, season=True
    ),
)
_SEASON_PARTS = 1  # index in EVENTS of the event whose shows a season ticket holds

DISCOUNTS = ((6840, 100), (6861, 99), (6896, 30), (6926, 10))  # id, per cent: what orders draw
UNLISTED_DISCOUNT, DELETED_DISCOUNT, UNUSED_DISCOUNT = 6861, 6926, 7007


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """One invented promo code. The discount 6926 has none: it applies by itself."""

    code_id: int
    discount_id: int | None
    code: str
    is_active: int = 1
    is_deleted: bool = False
    is_listed: bool = True
    is_used: bool = True


PROMO_CODES = (
    CodeSpec(168328, 6840, "PROMO-001"),
    CodeSpec(168400, 6840, "PROMO-000", is_listed=False),
    CodeSpec(168488, UNLISTED_DISCOUNT, "  Зимняя\u00a0 сказка "),
    CodeSpec(172045, 6896, "ВЕСНА"),
    CodeSpec(172047, 6896, "весна", is_active=0),
    CodeSpec(172051, 6896, "", is_deleted=True),
    CodeSpec(180009, 6840, "NEVER-USED", is_used=False),
    CodeSpec(180011, None, "NO-DISCOUNT", is_used=False),
)

SITES = ((1356, "tickets.example.org"), (1402, "afisha.example.com"))

_NAMES = ("Дарьяна", "Глебослав", "Аннабелла", "Веромила", "Егорий")
_SURNAMES = ("Шаблонов", "Примеров", "Образцова", "Тестова")


@dataclass(frozen=True, slots=True)
class Seat:
    """A place of a layout: a numbered seat, or one entry for a whole standing area."""

    seat_id: str
    zone_id: str
    name: str
    place: str  # "row;place", the key inside a zone
    admission: bool = False
    max_quantity: int | str = 1


@cache
def layout(kind: str) -> tuple[Seat, ...]:
    """The seats of a kind of hall: hall, floor, standing, unlimited, bare, mute, zones."""

    def numbered(zone: str, name: str, rows: int, places: int) -> list[Seat]:
        return [
            Seat(
                f"{zone}-{row};{place}", zone, f"{name}, ряд {row}, место {place}", f"{row};{place}"
            )
            for row in range(1, rows + 1)
            for place in range(1, places + 1)
        ]

    def standing(zone: str, name: str, quantity: int | str) -> Seat:
        return Seat(f"{zone}-1;1", zone, name, "1;1", True, quantity)

    seats: dict[str, list[Seat]] = {
        "hall": numbered("parter", "Партер", 8, 15) + numbered("balkon", "Балкон", 3, 10),
        "floor": [standing("tancpol", "Танцпол", 400), *numbered("vip", "VIP", 2, 10)],
        "standing": [standing("vhod", "Входной билет", 900), standing("detskij", "Детский", 300)],
        "unlimited": [
            standing("vzroslyj-bilet-v-budni", "Взрослый билет (будни)", ""),
            standing("detskij-bilet-v-budni", "Детский билет (будни)", ""),
            standing("vzroslyj-bilet-v-vyhodnye", "Взрослый билет (выходные)", ""),
        ],
        "bare": numbered("stol", "Стол", 8, 6),
        "mute": numbered("ryad", "Ряд", 5, 12),
        "zones": numbered("stanok", "Станок", 4, 6),
    }
    return tuple(seats[kind])


#: What a ticket of that kind was called in an organiser's first week; the slug stayed.
OLD_NAMES = {"vzroslyj-bilet-v-budni-1;1": "Взрослый билет (пн-пт)"}


def is_disabled(kind: str, number: int) -> bool:
    """Whether the seat of that number in a layout is not for sale."""
    return kind in ("hall", "mute") and number % 29 == 7


@cache
def _beginnings(kind: str) -> list[int]:
    """Where buyers begin to look for a seat: standing areas as often as a hundred seats."""
    often = {n: 100 if seat.admission else 1 for n, seat in enumerate(layout(kind))}
    return [n for n, times in often.items() for _ in range(times)]


def stamp(moment: datetime, zone: timezone = MOSCOW) -> str:
    """ISO 8601 to the second with an offset, Moscow's unless told."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def amount(value: float) -> int | float:
    """Money as PHP writes it: to the kopeck, and whole amounts without a fraction."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """That hour of that day in Moscow."""
    return datetime.combine(day, time(hour, minute), MOSCOW)


def dumps(row: Any) -> bytes:
    """JSON bytes with non-ASCII escaped, which is what PHP does."""
    return json.dumps(row, separators=(",", ":")).encode()


# --- events and shows ---------------------------------------------------------------------------


def show_id_of(index: int, day: date | None) -> int:
    """The id of an event's show: of that day, or the one show of an exhibition."""
    return (index + 1) * SHOW_IDS_PER_EVENT + (day.toordinal() - 730_000 if day else 1)


def spec_of_show(show_id: int) -> EventSpec:
    """The invented event whose show this is."""
    return EVENTS[show_id // SHOW_IDS_PER_EVENT - 1]


def _deleted_at(spec: EventSpec, first_day: date) -> datetime | None:
    if spec.deleted_after is None:
        return None
    return at(first_day + timedelta(days=spec.deleted_after), 12)


@dataclass(frozen=True, slots=True)
class Show:
    """When a show is announced, sold, and takes place; `finish` None where the API does not say."""

    index: int  # in EVENTS
    show_id: int
    created: datetime
    sale_from: datetime
    sale_until: datetime  # sales are closed then, and the show is no more active
    start: datetime
    finish: datetime | None
    deleted: datetime | None = None

    @property
    def spec(self) -> EventSpec:
        return EVENTS[self.index]

    @property
    def ends(self) -> datetime:
        """The last moment to come in: of an exhibition its end, else the beginning."""
        return self.finish if self.is_exhibition and self.finish else self.start

    @property
    def is_exhibition(self) -> bool:
        return not self.spec.weekdays

    def price(self, number: int, moment: datetime) -> float:
        """What the seat of that number costs at a moment, before tariff and discount."""
        is_early = self.spec.early < 1 and moment < self.start - EARLY
        return amount(price_of(self.spec, number) * (self.spec.early if is_early else 1))


Place = tuple[Show, int, int]  # the number of the seat in the layout, and how many tickets


@cache
def price_of(spec: EventSpec, number: int) -> float:
    """The price of a seat, by its zone."""
    zones = list(dict.fromkeys(seat.zone_id for seat in layout(spec.layout)))
    return spec.prices[zones.index(layout(spec.layout)[number].zone_id)]


def shows_of(index: int, first_day: date, since: date, until: date) -> list[Show]:
    """The shows of an event that begin from one day to another, and all of an exhibition's."""
    spec = EVENTS[index]
    if spec.editions:
        days = range(-10, (until - first_day).days + 1, EDITION_EVERY)
        return [_edition(index, first_day + n * DAY) for n in days]
    if not spec.weekdays:
        return [_permanent(index, first_day)]
    since = max(first_day, since)
    days = (since + n * DAY for n in range((until - since).days + 1))
    return [_weekly(index, day) for day in days if day.weekday() in spec.weekdays]


def show_of(show_id: int) -> Show:
    """The show of an id that `show_id_of` made; when one for years began, the id does not tell."""
    index, number = show_id // SHOW_IDS_PER_EVENT - 1, show_id % SHOW_IDS_PER_EVENT
    if number == 1:
        return _permanent(index, date(2025, 1, 1))
    make = _edition if EVENTS[index].editions else _weekly
    return make(index, date.fromordinal(number + 730_000))


def places(rng: Random, show: Show, held: Mapping[str, int], count: int) -> list[Place]:
    """Up to `count` tickets for a show of which `held` is taken, by seat id.

    Numbered seats lie side by side where they can.
    """
    seats, taken = layout(show.spec.layout), dict(held)
    start = rng.choice(_beginnings(show.spec.layout))
    found: list[Place] = []
    for step in range(len(seats) * count):
        number = (start + step) % len(seats)
        seat = seats[number]
        quantity = rng.choice((1, 1, 2, 3)) if seat.admission else 1
        if isinstance(seat.max_quantity, int):
            quantity = min(quantity, seat.max_quantity - taken.get(seat.seat_id, 0))
        if quantity > 0 and not is_disabled(show.spec.layout, number):
            found.append((show, number, quantity))
            taken[seat.seat_id] = taken.get(seat.seat_id, 0) + quantity
            if len(found) == count:
                break
    return found


@cache
def _permanent(index: int, first_day: date) -> Show:
    start = at(first_day - 200 * DAY, 10)
    finish = start + 3 * 365 * DAY if EVENTS[index].is_active else at(first_day, 20)
    sale_from = start - ON_SALE_FOR
    return Show(index, show_id_of(index, None), sale_from, sale_from, finish, start, finish)


@cache
def _edition(index: int, day: date) -> Show:
    start = at(day, 10)
    finish, sale_from = start + EDITION_DAYS * DAY, start - ON_SALE_FOR / 2
    return Show(index, show_id_of(index, day), sale_from, sale_from, finish, start, finish)


@cache
def _weekly(index: int, day: date) -> Show:
    spec = EVENTS[index]
    start = at(day, 15 if "Asia" in CITIES[spec.city][1] else 19, 30)
    sale_from = start - ON_SALE_FOR
    created = sale_from - ANNOUNCED_BEFORE if index % 2 else sale_from
    week = day.toordinal() // 7 + index
    return Show(
        index,
        show_id_of(index, day),
        created,
        sale_from,
        start - max(spec.closes, 0 if week % 6 else 8) * DAY,
        start,
        start + timedelta(hours=2) if spec.finish else None,
        created + timedelta(hours=1) if week % 11 == 0 else None,
    )


@cache
def _scheme_properties(kind: str) -> Row:
    seats = layout(kind)
    zones = sorted({seat.zone_id for seat in seats})
    return {
        "admin": {"zones": {z: {"opened": "0", "was_opened": "1", "rows": [""]} for z in zones}},
        "zones": {
            z: {"disabled": "0", "spread": {"enabled": ""}, "price_id": "581075", "rows": [""]}
            for z in zones
        },
        "seats": {
            seat.seat_id: {
                "hot": "",
                "show_free_quantity": "",
                "max_quantity": "" if seat.max_quantity == "" else str(seat.max_quantity),
            }
            for seat in seats
        },
    }


def _show(show: Show, cutoff: datetime) -> Row:
    spec, closed = show.spec, show.sale_until < show.start
    deleted = show.deleted if show.deleted and show.deleted < cutoff else None
    changed = show.sale_until if closed and show.sale_until < cutoff else show.created
    prices: list[Row] = []
    for n, price in enumerate(spec.prices):
        early = {"type": "date", "value": amount(price * spec.early)}
        early |= {"from": stamp(show.sale_from), "to": stamp(show.start - EARLY)}
        prices.append(
            {
                "id": 541_000 + 10 * show.index + n,
                "default_price": price,
                "color_theme": str(n + 1),
                "modifiers": [early] if spec.early < 1 else [],
            }
        )
    doors = show.start if show.is_exhibition else show.start - timedelta(minutes=45)
    return {
        "id": show.show_id,
        "name": "",
        "is_active": int(not closed or changed == show.created),
        "sale_start_date": stamp(show.sale_from) if show.created < show.sale_from else None,
        "sale_finish_date": stamp(show.sale_until),
        "open_date": stamp(doors),
        "start_date": stamp(show.start),
        "finish_date": stamp(show.finish) if show.finish else None,
        "scheme_properties": _scheme_properties(spec.layout),
        "prices": prices,
        "min_price": min(prices, key=lambda price: price["default_price"]),
        "max_price": max(prices, key=lambda price: price["default_price"]),
        "created_at": stamp(show.created),
        "updated_at": stamp(max(deleted or changed, changed)),
        "deleted_at": stamp(deleted) if deleted else None,
    }


_OFFER = {"agree_url": "https://tickets.example.org/oferta"}
PAYMENTS = (("Оплата картой", "payanyway"), ("СБП", "sbp"))


def payments_of(index: int) -> tuple[int, int]:
    """The ids of an event's payment methods: by card, and by the Faster Payments System."""
    return 12_600 + 2 * index, 12_601 + 2 * index


def events(first_day: date, cutoff: datetime) -> Iterator[Row]:
    """Every event with the shows published before the cutoff, deleted ones too."""
    last_day = (cutoff + ON_SALE_FOR + ANNOUNCED_BEFORE).astimezone(MOSCOW).date()
    for index, spec in enumerate(EVENTS):
        created = at(first_day - timedelta(days=250), 12)
        deleted = _deleted_at(spec, first_day)
        if deleted and deleted >= cutoff:
            deleted = None
        shows = [
            _show(show, cutoff)
            for show in shows_of(index, first_day, first_day, last_day)
            if show.created < (deleted or cutoff)
        ]
        changes = [stamp(created), *(show["updated_at"] for show in shows)]
        city_id, city_zone = CITIES[spec.city]
        yield {
            "id": spec.event_id,
            "is_active": spec.is_active,
            "name": spec.name,
            "scheme_id": 11_700 + index,
            "currency_id": spec.currency,
            "place_name": "Городской дворец культуры",
            "place_address": "ул. Примерная, 1",
            "place_description": "",
            "city_id": city_id,
            "description": "<p>Описание мероприятия.</p>",
            "site_url": "https://tickets.example.org/",
            "external_id": f"afisha-{index}" if index % 4 == 1 else None,
            "ticket_id": 35,
            "mail_template_id": 31,
            "age": "0+",
            "shows": shows,
            "payments": [
                {"id": payment_id, "is_active": True, "name": name, "handler": handler, **_OFFER}
                for payment_id, (name, handler) in zip(payments_of(index), PAYMENTS, strict=True)
            ],
            "poster": {
                "id": 80_900 + index,
                "content_type": "image/jpeg",
                "file_size": 91_449,
                "url": "https://qtickets.ru/storage/poster.jpg",
            },
            "event_type_id": 11,
            "city": {"id": city_id, "name": spec.city, "timezone": city_zone},
            "ticket": {"id": 35, "is_active": 1, "name": "Основной"},
            "mail_template": {"id": 31, "is_active": 1, "name": "Основной"},
            "slug": f"primer-{index + 1}",
            "place_coordinates": [56.48, 84.95],
            "url": f"https://qtickets.ru/event/{spec.event_id}",
            "created_at": stamp(created),
            "updated_at": stamp(deleted) if deleted else max(changes),
            "deleted_at": stamp(deleted) if deleted else None,
        }


def seats(show_id: int, paid: Mapping[str, int], reserved: Mapping[str, int]) -> dict[str, Row]:
    """Every seat of a show with all its fields, by seat id, given how many tickets hold each.

    bare and mute halls have no quantities, mute and zones ones not even `available`.
    """
    spec = spec_of_show(show_id)
    found: dict[str, Row] = {}
    for n, seat in enumerate(layout(spec.layout)):
        disabled = is_disabled(spec.layout, n)
        payed, ordered = paid.get(seat.seat_id, 0), reserved.get(seat.seat_id, 0)
        most = seat.max_quantity
        left = 0 if disabled else most - payed - ordered if isinstance(most, int) else ""
        entry: Row = {
            "id": seat.seat_id,
            "name": seat.name,
            "zone_id": seat.zone_id,
            "admission": int(seat.admission),
            "price": price_of(spec, n),
            "multiprice_code": spec.tariffs[0][0],
            "currency_id": spec.currency,
            "disabled": disabled,
        }
        if spec.layout not in ("mute", "zones"):
            entry["available"] = left != 0
        if spec.layout not in ("bare", "mute", "zones"):
            entry |= {
                "max_quantity": most,
                "free_quantity": left,
                "ordered_quantity": ordered,
                "payed_quantity": payed,
            }
        found[seat.seat_id] = entry
    return found


# --- orders -------------------------------------------------------------------------------------


def order_id_base(day: date) -> int:
    """The lowest order id of a day; the day's ids are this one and the next 19,999."""
    return (day.toordinal() - 737_000) * IDS_PER_DAY


HOURS = (4, 2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 13, 13, 11, 10, 10, 11, 13, 16, 19, 19, 14, 8)
_HOURS = [hour for hour, often in enumerate(HOURS) for _ in range(often)]
WEEKDAYS = (0.85, 0.85, 0.9, 1, 1.1, 1.2, 1.1)
MONTHS = (0.9, 0.85, 0.95, 1, 0.9, 0.8, 0.75, 0.8, 1, 1.1, 1.2, 1.4)


def orders(seed: int, first_day: date, cutoff: datetime, per_day: int) -> Iterator[Row]:
    """The orders made from a Moscow day to the cutoff, by id, as they stand at the cutoff.

    `per_day` is about the mean of a year. Every fourth day three sit on the edges of the day: paid
    at 00:00:00 sharp, at 23:59:59, and at 00:00:00 of the next day.
    """
    world = World(seed, first_day)
    last_day = cutoff.astimezone(MOSCOW).date()
    for day in (first_day + n * DAY for n in range((last_day - first_day).days + 1)):
        rng = Random(f"{seed}/{day}")
        busy = per_day * rng.uniform(0.8, 1.2) * WEEKDAYS[day.weekday()] * MONTHS[day.month - 1]
        count = max(4, min(round(busy), IDS_PER_DAY))
        pays_after = {} if day.toordinal() % 4 else {0: 0, 86_310: 90, 86_350: 49}
        seconds = set(pays_after)
        while len(seconds) < count:
            second = 3_600 * rng.choice(_HOURS) + rng.randrange(1, 3_600)
            if second < 86_300:
                seconds.add(second)
        slots = sorted(rng.sample(range(IDS_PER_DAY), count))
        on_sale = world.on_sale(day)
        for second, slot in zip(sorted(seconds), slots, strict=True):
            moment = at(day) + timedelta(seconds=second)
            if moment >= cutoff:
                return
            order_id = order_id_base(day) + slot
            yield world.order(order_id, moment, cutoff, on_sale, pays_after.get(second))


@dataclass(frozen=True, slots=True)
class OnSale:
    """The shows that are sold on a day, and how likely each is, added up."""

    shows: list[Show]
    likely: list[float]

    def draw(self, rng: Random, moment: datetime) -> Show:
        """A show that is sold at that moment."""
        while True:
            show = rng.choices(self.shows, cum_weights=self.likely)[0]
            if show.sale_from <= moment < show.sale_until:
                return show


@dataclass
class World:
    """Halls and what is taken of them, while orders are made one after another."""

    seed: int
    first_day: date
    held: dict[int, dict[str, int]] = field(default_factory=dict)  # by show and seat
    back: list[tuple[datetime, int, str, int]] = field(default_factory=list)  # a heap

    def on_sale(self, day: date) -> OnSale:
        """The shows sold on a day: more of those whose day is near, and of those that please."""
        shows, likely = [], []
        begins, ends = at(day), at(day + DAY)
        for index, spec in enumerate(EVENTS):
            called_off = _deleted_at(spec, self.first_day)
            if not spec.is_active or (called_off and called_off < ends):
                continue
            for show in shows_of(index, self.first_day, day, day + ON_SALE_FOR):
                if show.deleted or show.sale_until <= begins or show.sale_from >= ends:
                    continue
                shows.append(show)
                likely.append(spec.draw * _pleases(self.seed, show.show_id) * _appetite(show, day))
        return OnSale(shows, list(accumulate(likely)))

    def take(self, rng: Random, show: Show, count: int) -> list[Place]:
        """Up to `count` tickets of what is free."""
        held = self.held.setdefault(show.show_id, {})
        found = places(rng, show, held, count)
        for _, number, quantity in found:
            seat_id = layout(show.spec.layout)[number].seat_id
            held[seat_id] = held.get(seat_id, 0) + quantity
        return found

    def _give_back(self, now: datetime) -> None:
        while self.back and self.back[0][0] <= now:
            _, show_id, seat_id, quantity = heappop(self.back)
            self.held[show_id][seat_id] -= quantity

    def _free(self, items: list[Row], moment: datetime) -> None:
        """Let tickets, and the parts of season tickets, give their seats back at a moment."""
        for item in items:
            for one in (item, *item["related_baskets"]):
                heappush(self.back, (moment, one["show_id"], one["seat_id"], one["quantity"]))

    def order(
        self,
        order_id: int,
        created: datetime,
        cutoff: datetime,
        on_sale: OnSale,
        pays_after: int | None,
    ) -> Row:
        """One order and all that befell it before the cutoff; `pays_after` seconds forces payment.

        All is drawn whether or not it has happened yet: the cutoff must not move the generator.
        """
        rng = Random(f"{self.seed}/{order_id}")
        self._give_back(created)
        taken = self._places(rng, on_sale, created)
        discount = rng.choice(DISCOUNTS) if rng.random() < 0.2 else None
        row = bare_order(rng, order_id, created, taken, discount)
        if created < at(self.first_day + 7 * DAY):
            for item in row["baskets"]:
                item["seat_name"] = OLD_NAMES.get(item["seat_id"], item["seat_name"])
        for item, (owner, *_) in zip(row["baskets"], taken, strict=True):
            if owner.spec.season:
                self._add_season_parts(rng, item, row["client"], on_sale, created)
        _change_original_prices(row)
        _sell_services(row)
        life = self._life(rng, row, created, [owner for owner, *_ in taken], pays_after)
        for moment, happen in sorted(life, key=lambda one: one[0]):
            if moment < cutoff:
                happen(moment)
        return row

    def _places(self, rng: Random, on_sale: OnSale, created: datetime) -> list[Place]:
        """Tickets for a show that has some left, now and then with one for another show."""
        count = rng.choice((1,) * 7 + (2,) * 8 + (3,) * 4 + (5,))
        # What is asked for last is never sold out.
        shows = chain((on_sale.draw(rng, created) for _ in range(4)), on_sale.shows[:1])
        found = next(filter(None, (self.take(rng, show, count) for show in shows)))
        if rng.random() < 0.06:
            # One cart, two events: the ticket's show decides, not the order's event.
            other = on_sale.draw(rng, created)
            if other.spec.currency == found[0][0].spec.currency:
                found += self.take(rng, other, 1)
        return found

    def _add_season_parts(
        self, rng: Random, item: Row, client: Row, on_sale: OnSale, created: datetime
    ) -> None:
        shows = [show for show in on_sale.shows if show.index == _SEASON_PARTS]
        for part, show in enumerate(shows[:2]):
            for place in self.take(rng, show, 1) if created < show.sale_until else []:
                part_id = 10 * item["id"] + part
                item["related_baskets"].append(ticket(rng, part_id, place, client, 0, created))

    def _life(
        self, rng: Random, row: Row, created: datetime, owners: list[Show], pays_after: int | None
    ) -> Life:
        """What happens to an order after it was made."""
        fate = rng.choice(FATES)
        delay, cancelled_after = rng.randrange(20, 900), rng.randrange(60, 8_000)
        zone = KRASNOYARSK if rng.random() < 0.1 else MOSCOW
        is_paid_back = rng.random() < 0.5
        if pays_after is not None or row["backend_user_id"]:
            fate, delay = "payed", pays_after or 0
        if fate == "lapsed":
            lapsed = created + timedelta(days=1, minutes=16)
            self._free(row["baskets"], lapsed)
            return [(lapsed, lambda moment: delete_order(row, moment))]
        payed = created + timedelta(seconds=delay)
        life: Life = [(payed, lambda moment: pay_order(row, moment, zone))]
        cancelled = payed + timedelta(minutes=cancelled_after)
        if fate == "cancelled" and all(cancelled < show.sale_until for show in owners):
            if is_paid_back:
                for item in row["baskets"]:
                    life.append((cancelled, partial(refund_ticket, item)))
            life.append((cancelled, lambda moment: delete_order(row, moment)))
            self._free(row["baskets"], cancelled)
            return life
        for item, show in zip(row["baskets"], owners, strict=True):
            life += self._life_of_ticket(rng, row, item, payed, show)
        return life

    def _life_of_ticket(
        self, rng: Random, row: Row, item: Row, payed: datetime, show: Show
    ) -> Life:
        """Scanned at the door, refunded, in part too, or taken out of its order."""
        fate, keeps = rng.random(), rng.choice((0, 0, 0.1, 0.335))
        soon, late = rng.randrange(60, 9 * 24 * 60), rng.randrange(35 * 24 * 60, 100 * 24 * 60)
        comes, minutes, days = rng.random() < 0.85, rng.randrange(-15, 45), rng.randrange(1, 10)
        touched, nameless = row if rng.random() < 0.3 else None, rng.random() < 0.15
        gross = item["price"] * item["quantity"]
        changed = payed + timedelta(minutes=late if fate < 0.01 else soon)
        called_off = _deleted_at(show.spec, self.first_day)
        if called_off and called_off < show.ends:
            fate, keeps, nameless = 0, 0, False
            changed = max(payed, called_off) + timedelta(minutes=soon // 2)
        deduction = round(gross * keeps, 2)
        paid_back = None if nameless else gross - deduction

        scanned = show.start - timedelta(minutes=minutes)
        if show.is_exhibition:
            day = (max(payed, show.start) + days * DAY).astimezone(MOSCOW).date()
            scanned = at(day, 10 + days) - timedelta(minutes=minutes)
        is_gone = fate < 0.01 or (fate < 0.065 and changed < min(show.ends, scanned))
        life: Life = []
        if is_gone:
            self._free([item], changed)
            if fate < 0.05:
                life = [
                    (changed, lambda at: refund_ticket(item, at, paid_back, deduction, touched))
                ]
            else:
                life = [(changed, lambda at: delete_ticket(item, at))]
        elif 0.065 <= fate < 0.08 and gross:
            life = [(changed, lambda at: refund_part(item, at, gross / 4))]
        is_there = payed < scanned < show.ends + HOUR and not (is_gone and changed < scanned)
        if comes and is_there and not show.spec.season:
            life.append((scanned, lambda at: scan_ticket(item, at)))
        return life


@cache
def _pleases(seed: int, show_id: int) -> float:
    """How much better or worse than others a show sells."""
    return Random(f"{seed}/{show_id}").lognormvariate(0, 0.3)


Life = list[tuple[datetime, Callable[[datetime], None]]]


def _appetite(show: Show, day: date) -> float:
    """How much of a show's tickets are wanted on a day: much at first, little, most at the end."""
    if show.is_exhibition:
        return WEEKDAYS[day.weekday()] ** 3 / 7
    days_before = (show.start.date() - day).days
    since = ON_SALE_FOR.days - days_before
    return (0.5 * math.exp(-since / 3) + 0.25 + 2.2 * math.exp(-days_before / 5)) / 19


@cache
def person(client_id: int) -> Row:
    """An invented buyer, always the same for the same client id."""
    rng = Random(client_id)
    return {
        "id": client_id,
        "email": f"buyer{client_id}@example.org",
        "details": {
            "id": client_id + 200_000,
            "name": rng.choice(_NAMES),
            "middlename": "Пробович" if client_id % 7 == 0 else None,
            "surname": rng.choice(_SURNAMES),
            "phone": f"+7900{rng.randrange(10**7):07d}",
            "vk_id": f"vk-canary-{client_id}" if client_id % 5 == 0 else "",
            "facebook_id": f"fb-canary-{client_id}" if client_id % 11 == 0 else "",
        },
    }


FATES = ("payed",) * 85 + ("lapsed",) * 12 + ("cancelled",) * 3
CHANNELS = (
    *(("vk", "cpc", "osen-2025"),) * 7,
    *(("yandex", "cpc", "71093344"),) * 6,
    *(("telegram", "social", "kanal"),) * 3,
    *(("email", "newsletter", "digest"),) * 2,
    *(("insta", "cpc", "afisha"),) * 2,
)


def _utm(rng: Random) -> Row | list[Any]:
    if rng.random() < 0.35:
        return []
    source, medium, campaign = rng.choice(CHANNELS)
    tags: Row = {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign}
    if rng.random() < 0.6:
        tags |= {"utm_content": str(62_384_000 + rng.randrange(9)), "utm_term": "афиша выставки"}
    return tags


def _as_people_type_it(tags: Row | list[Any], order_id: int) -> Row | list[Any]:
    if isinstance(tags, list):
        return tags
    if order_id % 5 == 0:
        tags |= {"utm_source": f" {tags['utm_source'].upper()}\u00a0", "utm_medium": "Cpc"}
    if order_id % 7 == 0:
        tags |= {"utm_campaign": "Mamy  goda" if order_id % 2 else "mamy goda", "utm_term": ""}
    if order_id % 11 == 0:
        tags |= {"utm_medium": None, "utm_content": 62384014}
    return {"utm_term": "one of no use"} if order_id % 13 == 0 else tags


_COMPANY = {
    "organization_name": "ООО «Канарейка-Опыт»",
    "legal_name": "Общество «Канарейка-Опыт»",
    "work_position": "Канареечный инспектор",
    "inn": "540012345678",
    "kpp": "540099001",
    "comment": "Позвонить Канарейкину",
}
_UNTOUCHED = dict.fromkeys(
    ("checked_at", "deleted_at", "refunded_at", "refunded_amount", "refunded_deduction_amount")
)


def ticket(
    rng: Random,
    ticket_id: int,
    place: Place,
    client: Row,
    percent: int,
    created: datetime,
) -> Row:
    """A ticket as first put into an order: not paid, scanned, refunded or deleted.

    `place` is its show, the number of its seat in the layout, and the quantity.
    """
    show, number, quantity = place
    spec, seat = show.spec, layout(show.spec.layout)[number]
    tariff, share = rng.choice(spec.tariffs)
    original = amount(show.price(number, created) * share)
    price = amount(original * (100 - percent) / 100)
    details = client["details"]
    company = rng.random() < 0.05
    link = f"{rng.getrandbits(128):032x}"
    return {
        "id": ticket_id,
        "series": f"88{spec.event_id}",
        "barcode": f"87{rng.randrange(10**10):010d}",
        "show_id": show.show_id,
        "seat_id": seat.seat_id,
        "seat_name": seat.name,
        "original_price": original,
        "ticket_original_price": original,
        "discount_value": amount(original - price),
        "price": price,
        "ticket_amount": price,
        "service_fee_amount": amount(price * spec.fee),
        "multiprice_code": tariff,
        "quantity": quantity,
        "client_email": client["email"],
        **{f"client_{key}": details[key] for key in ("phone", "name", "surname", "middlename")},
        **(_COMPANY if company else dict.fromkeys(_COMPANY)),
        "pdf_url": f"https://qtickets.ru/ticket/pdf/{link}",
        "passbook_url": f"https://qtickets.ru/ticket/passbook/{link}",
        "related_baskets": [],
        "services": [],
        "refunds": [],
        "created_at": stamp(created),
        "updated_at": stamp(created),
        **_UNTOUCHED,
    }


def refund_ticket(
    item: Row,
    moment: datetime,
    paid_back: float | None = None,
    deduction: float = 0,
    touched: Row | None = None,
) -> None:
    """Mark a ticket refunded; `paid_back` None leaves `refunded_amount` null, as is seen.

    Mostly the order does not know; `touched` is one whose `updated_at` moves.
    """
    item["refunded_at"] = stamp(moment)
    refund_part(item, moment, paid_back, deduction)
    if touched is not None:
        touched["updated_at"] = stamp(moment)


def refund_part(item: Row, moment: datetime, paid_back: float | None, deduction: float = 0) -> None:
    """Pay back a part of a ticket that stays valid: its day is in `refunds` only."""
    item["updated_at"] = stamp(moment)
    item["refunded_amount"] = None if paid_back is None else amount(paid_back)
    item["refunded_deduction_amount"] = amount(deduction)
    item["refunds"] = [
        {
            "id": item["id"] + 7,
            "amount": item["refunded_amount"],
            "deduction_amount": item["refunded_deduction_amount"],
            "created_at": stamp(moment),
        }
    ]


def scan_ticket(item: Row, moment: datetime) -> None:
    """Let a ticket through the door."""
    item["checked_at"] = item["updated_at"] = stamp(moment)


def delete_ticket(item: Row, moment: datetime) -> None:
    """Take a ticket out of its order; it stays in the list."""
    item["deleted_at"] = item["updated_at"] = stamp(moment)


def delete_order(row: Row, moment: datetime) -> None:
    """Soft-delete an order with its tickets; an unpaid one gets the zeros seen live."""
    row["deleted_at"] = row["updated_at"] = stamp(moment)
    if not row["payed"]:
        row["reserved"] = False
    for item in row["baskets"]:
        delete_ticket(item, moment)
        if not row["payed"]:
            item["refunded_amount"] = item["refunded_deduction_amount"] = 0


def bare_order(
    rng: Random,
    order_id: int,
    created: datetime,
    places: list[Place],
    discount: tuple[int | None, int] | None = None,
) -> Row:
    """An unpaid order of one ticket for each (show, seat, quantity); `discount` is (id, %).

    One in fourteen is made in the cabinet, and of those two in five are invitations.
    """
    event = places[0][0].spec
    client = person(500_000 + int(90_000 * rng.random() ** 2.5))
    cabinet = rng.choice((301, 302)) if rng.random() < 0.07 else None
    by_card, by_sbp = payments_of(places[0][0].index)
    kind, payment_id = "card", by_card
    if cabinet:
        kind, discount = "invoice", (None, 100) if rng.random() < 0.4 else None
    elif (chance := rng.random()) < 0.15:
        kind, payment_id = str(by_sbp), by_sbp
    elif chance < 0.25 and event.currency == "RUB":
        kind = "pushka_card"
    percent = discount[1] if discount else 0
    items = [
        ticket(rng, 10 * order_id + n, place, client, percent, created)
        for n, place in enumerate(places)
    ]
    if cabinet:
        for item in items:
            item["service_fee_amount"] = 0
    uniqid = f"{rng.getrandbits(40):010x}"
    discount_id = discount[0] if discount else None
    codes = [
        c.code_id for c in PROMO_CODES if discount_id and c.is_used and c.discount_id == discount_id
    ]
    site_id, host = SITES[rng.random() < 0.3]
    return {
        "id": order_id,
        "uniqid": uniqid,
        "payed": False,
        "payed_at": None,
        "client_id": client["id"],
        "client": client,
        "site_id": site_id,
        "site": {"id": site_id, "host": host},
        "payment_id": payment_id,
        "payment_type_id": kind,
        "payment_card_number": None,
        "payment_url": f"https://qtickets.ru/pay/{uniqid}",
        "cancel_url": f"https://qtickets.ru/cancel-order/{uniqid}/{rng.getrandbits(128):032x}",
        "basket_user_id": 9_000_000 + client["id"],
        "backend_user_id": cabinet,
        "access_code_id": None,
        "discount_id": discount_id,
        "promo_code_id": codes[order_id % len(codes)] if codes else None,
        "reserved": True,
        "reserved_to": stamp(created + timedelta(days=1)),
        "reserve_extended": False,
        "event_id": event.event_id,
        "price": amount(sum(item["price"] * item["quantity"] for item in items)),
        "original_price": amount(sum(i["original_price"] * i["quantity"] for i in items)),
        "currency_id": event.currency,
        "utm": [] if cabinet else _as_people_type_it(_utm(rng), order_id),
        "custom": {"Ваше имя": "Канарей Вольный"} if rng.random() < 0.1 else "",
        "fields": {"passport": "5400 канарейка"} if rng.random() < 0.1 else [],
        "baskets": items,
        "refunds": [],
        "integrations": {"crm": {"lead_id": order_id % 997}} if rng.random() < 0.1 else [],
        "created_at": stamp(created),
        "updated_at": stamp(created),
        "deleted_at": None,
    }


def pay_order(row: Row, moment: datetime, zone: timezone = MOSCOW) -> None:
    """Mark an order paid, with its tickets and a card number."""
    row["payed"], row["reserved"] = True, False
    row["payed_at"] = stamp(moment, zone)
    row["updated_at"] = stamp(moment)
    if row["price"]:
        row["payment_card_number"] = f"220000******{row['client_id'] % 10_000:04d}"
    for item in row["baskets"]:
        item["updated_at"] = stamp(moment)


def _change_original_prices(row: Row) -> None:
    """In some orders one ticket was raised by hand, and the last does not tell its full price."""
    if row["id"] % 17 == 0:
        row["baskets"][0]["original_price"] = amount(row["baskets"][0]["price"] / 2)
        row["baskets"][-1]["original_price"] = None


def _sell_services(row: Row) -> None:
    """With some orders, and with some tickets, something else is sold: the order costs more."""
    if row["id"] % 71 == 0:
        row["services"] = [{"id": 501, "name": "Программка", "price": 150, "quantity": 1}]
        row["price"] = amount(row["price"] + 150)
    if row["id"] % 89 == 0:
        sold = {"id": 502, "name": "Страховка билета", "price": 49.5, "quantity": 1}
        row["baskets"][0]["services"] = [sold]
        row["price"] = amount(row["price"] + 49.5)


def discounts(first_day: date) -> Iterator[Row]:
    """The organiser's discounts."""
    when = stamp(at(first_day - timedelta(days=100), 9))
    for number, (discount_id, percent) in enumerate((*DISCOUNTS, (UNUSED_DISCOUNT, 5))):
        if discount_id == UNLISTED_DISCOUNT:
            continue
        deleted = when if discount_id == DELETED_DISCOUNT else None
        yield {
            "id": discount_id,
            "is_active": number % 2,
            "name": f" Скидка  {percent} %" if percent < 100 else "",
            "active_from": when if number else None,
            "active_to": None,
            "type": "P",
            "events": [
                {
                    "id": EVENTS[number].event_id,
                    "is_active": 1,
                    "name": EVENTS[number].name,
                    "deleted_at": None,
                }
            ],
            "shows": [{"id": show_id_of(number, None), "is_active": 1}] if number else [],
            "created_at": when,
            "updated_at": when,
            "deleted_at": deleted,
        }


def promo_codes(first_day: date) -> Iterator[Row]:
    """The organiser's promo codes."""
    when = stamp(at(first_day - timedelta(days=90), 9))
    for number, spec in enumerate(spec for spec in PROMO_CODES if spec.is_listed):
        yield {
            "id": spec.code_id,
            "is_active": spec.is_active,
            "type": 0,
            "discount_id": spec.discount_id,
            "code": spec.code,
            "max_uses_count": 100 * number,
            "active_from": None,
            "active_to": stamp(at(first_day, 23)) if number else None,
            "created_at": when,
            "updated_at": when,
            "deleted_at": when if spec.is_deleted else None,
        }


# --- very many orders, cheaply ------------------------------------------------------------------


class Uniform:
    """Any number of orders made from one template when asked for; nothing is kept.

    Paid, two tickets each, 3.8 KB, ids 7 apart, spread evenly over the 1,500 days before `until`.
    """

    ASCENDING = frozenset({"created_at", "payed_at", "updated_at"})
    _SPAN = 1_500 * 86_400

    def __init__(self, count: int, until: datetime) -> None:
        first = 4_000_001
        self.ids = range(first, first + 7 * count, 7)
        self._begin = int(until.timestamp()) - self._SPAN
        self._count = count
        self._head, self._pieces = self._template()

    def _template(self) -> tuple[Row, bytes]:
        show = show_of(show_id_of(0, None))
        row = bare_order(Random(5), 11_111_111, at(date(2025, 1, 1)), [(show, 0, 1), (show, 1, 1)])
        pay_order(row, at(date(2025, 1, 1), 1))
        row["created_at"], row["payed_at"], row["updated_at"] = "@made", "@paid", "@paid"
        row["uniqid"] = "@uniqid"
        for number, item in enumerate(row["baskets"]):
            item["id"], item["barcode"], item["quantity"] = f"@ticket{number}", "@barcode", 1
            item["created_at"], item["updated_at"] = "@made", "@paid"
        row["utm"] = {"utm_source": "vk", "utm_medium": "", "utm_campaign": "62384014"}
        row["price"] = row["original_price"] = amount(sum(i["price"] for i in row["baskets"]))
        row["utm"]["utm_medium"] = "posty" * ((3_660 - len(dumps(row))) // 5)
        text = dumps(row).replace(b"%", b"%%")
        for mark, name in (
            (b"11111111,", b"%(id)d,"),
            (b'"@ticket0"', b"%(id)d0"),
            (b'"@ticket1"', b"%(id)d1"),
            (b"@barcode", b"87%(id)010d"),
            (b"@uniqid", b"u%(id)09d"),
            (b"@made", b"%(made)s"),
            (b"@paid", b"%(paid)s"),
        ):
            text = text.replace(mark, name)
        return row, text

    def _moments(self, order_id: int) -> tuple[bytes, bytes]:
        number = (order_id - self.ids.start) // self.ids.step
        made = self._begin + number * self._SPAN // self._count
        return _quick_stamp(made), _quick_stamp(made + 90)

    def head(self, order_id: int) -> Row:
        """The order's own columns, for filters; its tickets are the template's."""
        made, paid = (moment.decode() for moment in self._moments(order_id))
        changed = {"id": order_id, "created_at": made, "payed_at": paid, "updated_at": paid}
        return {**self._head, **changed}

    def body(self, order_id: int) -> bytes:
        """The order as JSON."""
        made, paid = self._moments(order_id)
        return self._pieces % {b"id": order_id, b"made": made, b"paid": paid}


_MINUTES = [b"%02d:%02d+03:00" % divmod(second, 60) for second in range(3_600)]


@cache
def _hour(number: int) -> bytes:
    return datetime.fromtimestamp(number * 3_600, MOSCOW).strftime("%Y-%m-%dT%H:").encode()


def _quick_stamp(second: int) -> bytes:
    # Five times as fast as isoformat(), which would be most of the cost of a page.
    hour, rest = divmod(second, 3_600)
    return _hour(hour) + _MINUTES[rest]
