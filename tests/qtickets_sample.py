"""Invented rows of a synthetic QTickets organiser: events, orders, seats, discounts.

Everything follows from (seed, first day, cutoff) alone. A day is drawn from a generator of its own
and ids derive from the day, so that a later cutoff adds orders, and adds to older ones only what
happens to them later: payments, lapsed reservations, cancellations, refunds, scans.

Moments are aware datetimes; rows carry ISO 8601 strings with an offset, as the live service does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from random import Random
from typing import Any

Row = dict[str, Any]

MOSCOW = timezone(timedelta(hours=3))
KRASNOYARSK = timezone(timedelta(hours=7))
IDS_PER_DAY = 20_000
ON_SALE_FOR = timedelta(days=28)
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
    """One invented event. Without weekdays it is an exhibition: one show, open for years."""

    event_id: int
    name: str
    city: str
    layout: str
    prices: tuple[float, ...]
    weekdays: tuple[int, ...] = ()
    currency: str = "RUB"
    finish: bool = True
    is_active: int = 1
    deleted_after: int | None = None  # days after the organiser's first day
    season: bool = False


EVENTS = (
    EventSpec(24089, "Выставка кубиков", "Томск", "unlimited", (390, 490, 590, 325.5)),
    EventSpec(24097, "Органный вечер", "г. Томск", "hall", (1200, 1234.56), (5,), finish=False),
    EventSpec(25709, "Космос рядом", "Красноярск", "standing", (10.1, 500, 700)),
    EventSpec(26011, "Джаз на крыше", "Новосибирск", "floor", (1500, 2499.9, 3000), (4, 6)),
    EventSpec(26340, "Щелкунчик", "Санкт-Петербург", "hall", (900, 2100.4), (6,)),
    EventSpec(27001, "Стендап по средам", "Москва", "bare", (799.99, 1000), (2,)),
    EventSpec(27450, "Лекция о звёздах", "Екатеринбург", "mute", (350,), (3,)),
    EventSpec(28100, "Мыльная мастерская", "Прокопьевск", "zones", (500, 700), (5,)),
    EventSpec(28777, "Степная симфония", "Алматы", "hall", (5000, 7500.5), (6,), currency="KZT"),
    EventSpec(29015, "Отменённый фестиваль", "Москва", "floor", (2000,), (5,), deleted_after=25),
    EventSpec(29333, "Закрытая выставка", "Томск", "unlimited", (250,), deleted_after=10),
    EventSpec(30120, "Спрятанная выставка", "Иркутск", "standing", (400,), is_active=0),
    EventSpec(30555, "Абонемент на осень", "г. Томск", "standing", (4321,), season=True),
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
        "bare": numbered("stol", "Стол", 5, 4),
        "mute": numbered("ryad", "Ряд", 3, 10),
        "zones": numbered("stanok", "Станок", 2, 8),
    }
    return tuple(seats[kind])


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


def _show_start(spec: EventSpec, day: date) -> datetime:
    return at(day, 15 if "Asia" in CITIES[spec.city][1] else 19, 30)


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


def _show(index: int, day: date | None, first_day: date, cutoff: datetime) -> Row:
    spec = EVENTS[index]
    if day is None:
        start = at(first_day - timedelta(days=200), 10)
        finish: datetime | None = start + timedelta(days=3 * 365)
        if not spec.is_active:
            finish = at(first_day, 20)
        created = start - ON_SALE_FOR
        is_active, deleted = 1, None
    else:
        start = _show_start(spec, day)
        finish = start + timedelta(hours=2) if spec.finish else None
        created = start - ON_SALE_FOR
        week = day.toordinal() // 7 + index
        is_active = 0 if week % 6 == 0 else 1
        deleted = created + timedelta(days=1) if week % 11 == 0 else None
    if deleted and deleted >= cutoff:
        deleted = None
    prices: list[Row] = [
        {
            "id": 541_000 + 10 * index + n,
            "default_price": p,
            "color_theme": str(n + 1),
            "modifiers": [],
        }
        for n, p in enumerate(spec.prices)
    ]
    return {
        "id": show_id_of(index, day),
        "name": "",
        "is_active": is_active,
        "sale_start_date": None,
        "sale_finish_date": stamp(finish or start),
        "open_date": stamp(start),
        "start_date": stamp(start),
        "finish_date": stamp(finish) if finish else None,
        "scheme_properties": _scheme_properties(spec.layout),
        "prices": prices,
        "min_price": min(prices, key=lambda price: price["default_price"]),
        "max_price": max(prices, key=lambda price: price["default_price"]),
        "created_at": stamp(created),
        "updated_at": stamp(deleted or created),
        "deleted_at": stamp(deleted) if deleted else None,
    }


def events(first_day: date, cutoff: datetime) -> Iterator[Row]:
    """Every event with the shows published before the cutoff, deleted ones too."""
    last_day = (cutoff + ON_SALE_FOR).astimezone(MOSCOW).date()
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    for index, spec in enumerate(EVENTS):
        dates: list[date | None] = [day for day in days if day.weekday() in spec.weekdays]
        shows = [
            _show(index, day, first_day, cutoff)
            for day in dates or [None]
            if day is None or _show_start(spec, day) - ON_SALE_FOR < cutoff
        ]
        created = at(first_day - timedelta(days=250), 12)
        deleted = _deleted_at(spec, first_day)
        if deleted and deleted >= cutoff:
            deleted = None
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
            "external_id": None,
            "ticket_id": 35,
            "mail_template_id": 31,
            "age": "0+",
            "shows": shows,
            "payments": [
                {
                    "id": 12_600 + index,
                    "is_active": True,
                    "name": "Оплата картой",
                    "handler": "payanyway",
                    "agree_url": "https://tickets.example.org/oferta",
                }
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


def seats(seed: int, show: Row, cutoff: datetime) -> dict[str, Row]:
    """Every seat of a show with all its fields, by seat id; fuller as the show draws near.

    bare and mute halls have no quantities, mute and zones ones not even `available`.
    """
    spec = spec_of_show(show["id"])
    rng = Random(f"{seed}/seats/{show['id']}")
    begins = datetime.fromisoformat(show["created_at"])
    ends = datetime.fromisoformat(show["finish_date"] or show["start_date"])
    elapsed = min(max((cutoff - begins) / (ends - begins), 0.0), 1.0)
    found: dict[str, Row] = {}
    for n, seat in enumerate(layout(spec.layout)):
        wanted = rng.random()
        disabled = spec.layout in ("hall", "mute") and n % 29 == 7
        entry: Row = {
            "id": seat.seat_id,
            "zone_id": seat.zone_id,
            "admission": int(seat.admission),
            "price": spec.prices[n % len(spec.prices)],
            "currency_id": spec.currency,
            "disabled": disabled,
        }
        sold = wanted < 0.8 * elapsed
        if spec.layout not in ("mute", "zones"):
            entry["available"] = not sold and not disabled
        if spec.layout not in ("bare", "mute", "zones"):
            most = seat.max_quantity
            whole = most if isinstance(most, int) else 500
            # A disabled seat may have been sold before it was closed.
            payed = int(whole * elapsed * wanted) if seat.admission else int(sold)
            held = 10 if seat.admission else int(disabled and not sold)
            ordered = min(3, whole - payed - held) if seat.admission else 0
            entry |= {
                "max_quantity": most,
                "free_quantity": "" if most == "" else whole - payed - ordered - held,
                "ordered_quantity": ordered,
                "payed_quantity": payed,
            }
        found[seat.seat_id] = entry
    return found


# --- orders -------------------------------------------------------------------------------------


def order_id_base(day: date) -> int:
    """The lowest order id of a day; the day's ids are this one and the next 19,999."""
    return (day.toordinal() - 737_000) * IDS_PER_DAY


def orders_of_day(
    seed: int, day: date, first_day: date, cutoff: datetime, per_day: int
) -> Iterator[Row]:
    """The orders created on a Moscow day before the cutoff, by id, as they stand at the cutoff.

    Three of them sit on the edges of the day: paid at 00:00:00 sharp, at 23:59:59, and at 00:00:00
    of the next day.
    """
    rng = Random(f"{seed}/{day}")
    count = max(4, min(round(per_day * rng.uniform(0.6, 1.4)), IDS_PER_DAY))
    pays_after = {0: 0, 86_310: 90, 86_350: 49}
    created = sorted([*pays_after, *rng.sample(range(1, 86_300), count - 3)])
    slots = sorted(rng.sample(range(IDS_PER_DAY), count))
    for second, slot in zip(created, slots, strict=True):
        moment = at(day) + timedelta(seconds=second)
        if moment >= cutoff:
            return
        order_id = order_id_base(day) + slot
        yield order(rng, order_id, moment, first_day, cutoff, pays_after.get(second))


def _events_on_sale(moment: datetime, first_day: date) -> list[int]:
    found = []
    for index, spec in enumerate(EVENTS):
        deleted = _deleted_at(spec, first_day)
        if spec.is_active and (deleted is None or moment < deleted):
            found.append(index)
    return found


def _show_on_sale(rng: Random, index: int, moment: datetime) -> tuple[int, datetime | None]:
    """A show that can be bought at that moment, and its start (None: open every day)."""
    spec = EVENTS[index]
    if not spec.weekdays:
        return show_id_of(index, None), None
    today = moment.astimezone(MOSCOW).date()
    days = [today + timedelta(days=n) for n in range(1, 27)]
    day = rng.choice([day for day in days if day.weekday() in spec.weekdays])
    return show_id_of(index, day), _show_start(spec, day)


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


def _utm(rng: Random) -> Row | list[Any]:
    if rng.random() < 0.4:
        return []
    tags = {"utm_source": rng.choice(("insta", "vk", "yandex")), "utm_medium": "cpc"}
    tags["utm_campaign"] = str(rng.randrange(10**7))
    if rng.random() < 0.6:
        tags |= {"utm_content": str(rng.randrange(10**9)), "utm_term": "афиша выставки"}
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


def ticket(
    rng: Random,
    ticket_id: int,
    spec: EventSpec,
    show_id: int,
    client: Row,
    percent: int,
    created: datetime,
) -> Row:
    """A ticket as first put into an order: not paid, scanned, refunded or deleted."""
    number = rng.randrange(len(layout(spec.layout)))
    seat = layout(spec.layout)[number]
    original = spec.prices[number % len(spec.prices)]
    price = amount(original * (100 - percent) / 100)
    details = client["details"]
    company = rng.random() < 0.05
    link = f"{rng.getrandbits(128):032x}"
    return {
        "id": ticket_id,
        "series": f"88{spec.event_id}",
        "barcode": f"87{rng.randrange(10**10):010d}",
        "show_id": show_id,
        "seat_id": seat.seat_id,
        "seat_name": seat.name,
        "original_price": original,
        "ticket_original_price": original,
        "discount_value": amount(original - price),
        "price": price,
        "ticket_amount": price,
        "service_fee_amount": 0,
        "multiprice_code": None,
        "quantity": rng.choice((1, 1, 2, 4)) if seat.admission else 1,
        "client_email": client["email"],
        "client_phone": details["phone"],
        "client_name": details["name"],
        "client_surname": details["surname"],
        "client_middlename": details["middlename"],
        "organization_name": "ООО «Канарейка-Опыт»" if company else None,
        "legal_name": "Общество «Канарейка-Опыт»" if company else None,
        "work_position": "Канареечный инспектор" if company else None,
        "inn": "540012345678" if company else None,
        "kpp": "540099001" if company else None,
        "comment": "Позвонить Канарейкину" if company else None,
        "pdf_url": f"https://qtickets.ru/ticket/pdf/{link}",
        "passbook_url": f"https://qtickets.ru/ticket/passbook/{link}",
        "related_baskets": [],
        "services": [],
        "checked_at": None,
        "created_at": stamp(created),
        "updated_at": stamp(created),
        "deleted_at": None,
        "refunded_at": None,
        "refunded_amount": None,
        "refunded_deduction_amount": None,
        "refunds": [],
    }


def refund_ticket(item: Row, moment: datetime, paid_back: float | None, deduction: float) -> None:
    """Mark a ticket refunded; `paid_back` None leaves `refunded_amount` null, as is seen."""
    item["refunded_at"] = item["updated_at"] = stamp(moment)
    item["refunded_amount"] = None if paid_back is None else amount(paid_back)
    item["refunded_deduction_amount"] = amount(deduction)
    item["refunds"] = [
        {"id": item["id"] + 7, "amount": item["refunded_amount"], "created_at": stamp(moment)}
    ]


def delete_order(row: Row, moment: datetime) -> None:
    """Soft-delete an order with its tickets; an unpaid one gets the zeros seen live."""
    row["deleted_at"] = stamp(moment)
    for item in row["baskets"]:
        item["deleted_at"] = stamp(moment)
        item["updated_at"] = max(item["updated_at"], item["deleted_at"])
        if not row["payed"]:
            item["refunded_amount"] = item["refunded_deduction_amount"] = 0


def bare_order(
    rng: Random,
    order_id: int,
    created: datetime,
    event: EventSpec,
    shows: list[tuple[EventSpec, int]],
    discount: tuple[int, int] | None = None,
) -> Row:
    """An unpaid order of one ticket for each (event, show id); `discount` is (id, per cent)."""
    client = person(500_000 + rng.randrange(90_000))
    percent = discount[1] if discount else 0
    items = [
        ticket(rng, 10 * order_id + n, spec, show_id, client, percent, created)
        for n, (spec, show_id) in enumerate(shows)
    ]
    uniqid = f"{rng.getrandbits(40):010x}"
    codes = [
        c.code_id for c in PROMO_CODES if discount and c.is_used and c.discount_id == discount[0]
    ]
    return {
        "id": order_id,
        "uniqid": uniqid,
        "payed": False,
        "payed_at": None,
        "client_id": client["id"],
        "client": client,
        "site_id": 1356,
        "site": {"id": 1356, "host": "tickets.example.org"},
        "payment_id": 12133,
        "payment_type_id": "card",
        "payment_card_number": None,
        "payment_url": f"https://qtickets.ru/pay/{uniqid}",
        "cancel_url": f"https://qtickets.ru/cancel-order/{uniqid}/{rng.getrandbits(128):032x}",
        "basket_user_id": 9_000_000 + client["id"],
        "backend_user_id": None,
        "access_code_id": None,
        "discount_id": discount[0] if discount else None,
        "promo_code_id": codes[order_id % len(codes)] if codes else None,
        "reserved": True,
        "reserved_to": stamp(created + timedelta(days=1)),
        "reserve_extended": False,
        "event_id": event.event_id,
        "price": amount(sum(item["price"] * item["quantity"] for item in items)),
        "original_price": amount(sum(i["original_price"] * i["quantity"] for i in items)),
        "currency_id": event.currency,
        "utm": _as_people_type_it(_utm(rng), order_id),
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


def order(
    rng: Random,
    order_id: int,
    created: datetime,
    first_day: date,
    cutoff: datetime,
    pays_after: int | None,
) -> Row:
    """One order and all that befell it before the cutoff; `pays_after` seconds forces payment.

    Everything is drawn whether or not it has happened yet: the cutoff must not move the generator.
    """
    on_sale = _events_on_sale(created, first_day)
    index = rng.choice(on_sale)
    spec = EVENTS[index]
    places = [_show_on_sale(rng, index, created)] * rng.choices((1, 2, 3, 5), (35, 40, 20, 5))[0]
    owners = [spec] * len(places)
    if rng.random() < 0.08:
        # One cart, two events: the ticket's show decides, not the order's event.
        other = rng.choice([n for n in on_sale if EVENTS[n].currency == spec.currency])
        places.append(_show_on_sale(rng, other, created))
        owners.append(EVENTS[other])
    discount = rng.choice(DISCOUNTS) if rng.random() < 0.25 else None
    shows = [(owner, place[0]) for owner, place in zip(owners, places, strict=True)]
    row = bare_order(rng, order_id, created, spec, shows, discount)
    if spec.season:
        _add_season_parts(rng, row, created)
    _change_original_prices(row)

    fate = rng.choices(("payed", "lapsed", "cancelled"), (84, 12, 4))[0]
    delay = rng.randrange(20, 900)
    cancelled_after = timedelta(minutes=rng.randrange(60, 8_000))
    zone = KRASNOYARSK if rng.random() < 0.1 else MOSCOW
    if pays_after is not None:
        fate, delay = "payed", pays_after
    if fate == "lapsed":
        lapsed = created + timedelta(days=1, minutes=16)
        if lapsed < cutoff:
            row["reserved"] = False
            delete_order(row, lapsed)
            row["updated_at"] = stamp(lapsed)
        return row
    payed = created + timedelta(seconds=delay)
    if payed < cutoff:
        pay_order(row, payed, zone)
    updated = [datetime.fromisoformat(row["updated_at"])]
    for item, (_, start) in zip(row["baskets"], places, strict=True):
        touched = _afterlife(rng, item, payed, start, cutoff)
        if touched:
            updated.append(touched)
    if fate == "cancelled" and payed + cancelled_after < cutoff:
        delete_order(row, payed + cancelled_after)
        updated.append(payed + cancelled_after)
    row["updated_at"] = stamp(max(updated))
    return row


def _change_original_prices(row: Row) -> None:
    """In some orders one ticket was raised by hand, and the last does not tell its full price."""
    if row["id"] % 17 == 0:
        row["baskets"][0]["original_price"] = amount(row["baskets"][0]["price"] / 2)
        row["baskets"][-1]["original_price"] = None


def _add_season_parts(rng: Random, row: Row, created: datetime) -> None:
    spec = EVENTS[_SEASON_PARTS]
    for item in row["baskets"]:
        for part in range(2):
            show_id, _ = _show_on_sale(rng, _SEASON_PARTS, created)
            part_id = 10 * item["id"] + part
            part_ticket = ticket(rng, part_id, spec, show_id, row["client"], 0, created)
            item["related_baskets"].append(part_ticket)


def _afterlife(
    rng: Random, item: Row, payed: datetime, start: datetime | None, cutoff: datetime
) -> datetime | None:
    """Scan, refund or delete a paid ticket; the moment when that moved the order's `updated_at`."""
    fate = rng.random()
    soon, late = rng.randrange(1, 10 * 24 * 60), rng.randrange(35 * 24 * 60, 100 * 24 * 60)
    visits = rng.random() < 0.6
    before, after = rng.randrange(5, 40), rng.randrange(24 * 60, 10 * 24 * 60)
    keeps = rng.choice((0, 0, 0.1, 0.335))
    silent, nameless = rng.random() < 0.7, rng.random() < 0.15

    refunded = payed + timedelta(minutes=soon if fate < 0.06 else late) if fate < 0.08 else None
    scanned = start - timedelta(minutes=before) if start else payed + timedelta(minutes=after)
    if visits and scanned < cutoff and (refunded is None or scanned < refunded) and scanned > payed:
        item["checked_at"] = item["updated_at"] = stamp(scanned)
    if refunded and refunded < cutoff:
        gross = item["price"] * item["quantity"]
        deduction = round(gross * keeps, 2)
        refund_ticket(item, refunded, None if nameless else gross - deduction, deduction)
        return None if silent else refunded
    removed = payed + timedelta(minutes=soon)
    if 0.08 <= fate < 0.1 and removed < cutoff:
        item["deleted_at"] = item["updated_at"] = stamp(removed)
    return None


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
        spec = EVENTS[0]
        shows = [(spec, show_id_of(0, None))] * 2
        row = bare_order(Random(5), 11_111_111, at(date(2025, 1, 1)), spec, shows)
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
        for mark, field in (
            (b"11111111,", b"%(id)d,"),
            (b'"@ticket0"', b"%(id)d0"),
            (b'"@ticket1"', b"%(id)d1"),
            (b"@barcode", b"87%(id)010d"),
            (b"@uniqid", b"u%(id)09d"),
            (b"@made", b"%(made)s"),
            (b"@paid", b"%(paid)s"),
        ):
            text = text.replace(mark, field)
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
