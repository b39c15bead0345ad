"""What may be kept of the API's answers, as types: decoding never builds what is not declared here.

A field is a key of the API, and its type says what kinds of value may stay in it. Whatever else is
sent, now or later, is never copied: names of buyers and guests, e-mails, phones, social ids, cards,
barcodes, links, company data, and each key that nobody has looked at yet. A value of another kind
becomes "[redacted]", which dbt's tests report, and so does what is personal inside a text.

A payload has its keys in the order of the fields, so the same thing always gives the same bytes. A
number stays as it was sent: a whole one of any length, others as a double, as in PHP.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

REDACTED = "[redacted]"

# first as it mostly is sent, since most of the time goes here; then what ISO 8601 also allows, and
# PHP's day that is none. A day that its month does not have stays, and is no instant to dbt
_MOMENT = r"""\A(?:
[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9][+-][0-9][0-9]:[0-9][0-9]|
[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]
(?:[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?|
0000-00-00(?:[T ][0-9:+.-]{0,15})?|
)\Z""".replace("\n", "")

Numeric = int | float | Annotated[str, Meta(pattern=r"\A(-?\d{1,15}(\.\d{1,6})?)?\Z")] | None
"""An amount, a count or an id: a JSON number, a numeric string, "" or null."""

Number = Numeric | UnsetType

Flag = bool | Literal[0, 1, "", "0", "1", "true", "false"] | None | UnsetType
"""A yes or no, as PHP says it: true, 1, "1", "", null."""

Moment = Annotated[str, Meta(pattern=_MOMENT)] | None | UnsetType
"""A date or an instant in ISO 8601, "" or null."""

Word = int | Annotated[str, Meta(pattern=r"\A[\w.:-]{0,60}\Z")] | None | UnsetType
"""An identifier made of letters, digits and ``_.:-``, a whole number, or null."""

Text = str | int | float | None | UnsetType
"""A text, without the e-mails, links, phones and card numbers in it; a number, or null."""

Name = str | int | float | dict[str, str | None] | None | UnsetType
"""A text, or texts by language, of which the Russian one is kept, else the first."""

Nothing = Annotated[list[None], Meta(max_length=0)] | Literal[""] | None | UnsetType
"""What PHP sends for an object that is empty."""

NoList = Literal[""] | None | UnsetType


class _Record(Struct, gc=False):
    """Keys that are absent stay absent."""


class Service(_Record):
    """Something sold with a ticket."""

    id: Number = UNSET
    service_id: Number = UNSET
    name: Name = UNSET
    price: Number = UNSET
    original_price: Number = UNSET
    discount_value: Number = UNSET
    amount: Number = UNSET
    quantity: Number = UNSET
    refunded_amount: Number = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET
    refunded_at: Moment = UNSET


class Refund(_Record):
    """A single payment back."""

    id: Number = UNSET
    basket_id: Number = UNSET
    amount: Number = UNSET
    deduction_amount: Number = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET


class Ticket(_Record):
    """An item of an order's `baskets`."""

    id: Number = UNSET
    show_id: Number = UNSET
    seat_id: Text = UNSET
    seat_name: Name = UNSET
    original_price: Number = UNSET
    ticket_original_price: Number = UNSET
    discount_value: Number = UNSET
    price: Number = UNSET
    ticket_amount: Number = UNSET
    service_fee_amount: Number = UNSET
    multiprice_code: Text = UNSET
    quantity: Number = UNSET
    checked_at: Moment = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET
    refunded_at: Moment = UNSET
    refunded_amount: Number = UNSET
    refunded_deduction_amount: Number = UNSET
    services: list[Service] | NoList = UNSET
    refunds: list[Refund] | NoList = UNSET
    related_baskets: list[Ticket] | NoList = UNSET


class Utm(_Record):
    """Where a buyer came from."""

    utm_source: Text = UNSET
    utm_medium: Text = UNSET
    utm_campaign: Text = UNSET
    utm_content: Text = UNSET
    utm_term: Text = UNSET


class Site(_Record):
    """The site whose widget sold."""

    id: Number = UNSET
    host: Text = UNSET


class Order(_Record):
    """A row of /orders."""

    id: int
    payed: Flag = UNSET
    payed_at: Moment = UNSET
    client_id: Number = UNSET
    site_id: Number = UNSET
    site: Site | Nothing = UNSET
    payment_id: Number = UNSET
    payment_type_id: Word = UNSET
    backend_user_id: Number = UNSET
    access_code_id: Number = UNSET
    discount_id: Number = UNSET
    promo_code_id: Number = UNSET
    reserved: Flag = UNSET
    reserved_to: Moment = UNSET
    reserve_extended: Flag = UNSET
    event_id: Number = UNSET
    price: Number = UNSET
    original_price: Number = UNSET
    currency_id: Word = UNSET
    multiprice_code: Text = UNSET
    utm: Utm | Nothing = UNSET
    baskets: list[Ticket] | NoList = UNSET
    services: list[Service] | NoList = UNSET
    refunds: list[Refund] | NoList = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET


class Modifier(_Record):
    """A step of a price, by date or by number sold."""

    id: Number = UNSET
    type: Word = UNSET
    value: Number = UNSET
    price: Number = UNSET
    sales_count: Number = UNSET
    sales_count_value: Number = UNSET
    active_from: Moment = UNSET
    active_to: Moment = UNSET


class Price(_Record):
    """A price of a show."""

    id: Number = UNSET
    name: Name = UNSET
    default_price: Number = UNSET
    modifiers: list[Modifier] | NoList = UNSET


class Show(_Record):
    """A date of an event."""

    id: Number = UNSET
    name: Name = UNSET
    is_active: Flag = UNSET
    sale_start_date: Moment = UNSET
    sale_finish_date: Moment = UNSET
    open_date: Moment = UNSET
    start_date: Moment = UNSET
    finish_date: Moment = UNSET
    prices: list[Price] | NoList = UNSET
    min_price: Price | Nothing = UNSET
    max_price: Price | Nothing = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET


class City(_Record):
    """Where an event is, and the zone of its clocks."""

    id: Number = UNSET
    name: Name = UNSET
    timezone: Text = UNSET


class Payment(_Record):
    """A way to pay."""

    id: Number = UNSET
    name: Name = UNSET
    handler: Word = UNSET


class Event(_Record):
    """A row of /events."""

    id: int
    is_active: Flag = UNSET
    name: Name = UNSET
    external_id: Text = UNSET
    scheme_id: Number = UNSET
    currency_id: Word = UNSET
    place_name: Name = UNSET
    place_address: Name = UNSET
    place_coordinates: list[Numeric] | NoList = UNSET
    city_id: Number = UNSET
    city: City | Nothing = UNSET
    age: Text = UNSET
    event_type_id: Number = UNSET
    payments: list[Payment] | NoList = UNSET
    shows: list[Show] | NoList = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET


class Reference(_Record):
    """Something that is pointed at."""

    id: Number = UNSET


class Discount(_Record):
    """A row of /discounts."""

    id: int
    is_active: Flag = UNSET
    name: Name = UNSET
    type: Word = UNSET
    active_from: Moment = UNSET
    active_to: Moment = UNSET
    events: list[Reference] | NoList = UNSET
    shows: list[Reference] | NoList = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET


class PromoCode(_Record):
    """A row of /promo-codes."""

    id: int
    is_active: Flag = UNSET
    type: Word = UNSET
    discount_id: Number = UNSET
    code: Text = UNSET
    max_uses_count: Number = UNSET
    active_from: Moment = UNSET
    active_to: Moment = UNSET
    created_at: Moment = UNSET
    updated_at: Moment = UNSET
    deleted_at: Moment = UNSET


class Seat(_Record):
    """A seat of a show, or a zone with `seats`."""

    id: Text = UNSET
    seat_id: Text = UNSET
    zone_id: Text = UNSET
    name: Name = UNSET
    admission: Flag = UNSET
    max_quantity: Number = UNSET
    free_quantity: Number = UNSET
    ordered_quantity: Number = UNSET
    payed_quantity: Number = UNSET
    available: Flag = UNSET
    disabled: Flag = UNSET
    price: Number = UNSET
    currency_id: Word = UNSET
    multiprice_code: Text = UNSET
    seats: dict[str, Seat] | Nothing = UNSET


SEAT_FIELDS = tuple(f for f in Seat.__struct_fields__ if f not in ("seat_id", "seats"))
"""What to select of a seat, by the API's names."""

Seats = dict[str, Seat] | Nothing


class Kept(Struct, frozen=True, gc=False):
    """What is kept of one row.

    `payload` is JSON, `redacted` how often "[redacted]" stands in it. The stamps are as the API
    sent them, None where it sent none that can be read.
    """

    id: int
    payload: bytes
    redacted: int
    updated_at: str | None
    payed_at: str | None


class NoRow(ValueError):
    """Not an object with a whole number for an `id`. The message repeats nothing of it."""


_encode = msgspec.json.Encoder().encode
_decoder = cache(msgspec.json.Decoder)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_IDS = range(1 << 64)


def keep(kind: type[Order | Event | Discount | PromoCode], raw: bytes | msgspec.Raw) -> Kept:
    """Return what may be kept of the JSON of one row. Raises NoRow."""
    try:
        row = _decoder(kind).decode(raw)
    except _UNREADABLE:
        row = _salvage_row(kind, bytes(raw))
    if row.id not in _IDS:
        raise NoRow("its `id` is out of range")
    _scrub_texts(row)
    payload = _encode(row)
    return Kept(
        row.id,
        payload,
        payload.count(b"[redacted]"),
        _stamp(row.updated_at),
        _stamp(getattr(row, "payed_at", None)),
    )


def keep_seats(raw: bytes | msgspec.Raw) -> tuple[bytes, int]:
    """Return what may be kept of the `data` of a seats answer, by seat in order of its key.

    And how often "[redacted]" stands in it. Raises NoRow when it is no JSON.
    """
    try:
        seats = _decoder(Seats).decode(raw)
    except _UNREADABLE:
        seats = _salvage(_parse(bytes(raw)), Seats)
    payload = _encode(_in_order(seats) if isinstance(seats, dict) else seats)
    return payload, payload.count(b"[redacted]")


def mend(body: bytes) -> bytes:
    """Return JSON that strict readers take, of what only lenient ones do.

    A text with half an emoji or with bytes that are not UTF-8, and a number that no double holds
    (1e999, NaN), becomes "[redacted]". Raises NoRow when no reader can make anything of it.
    """
    return json.dumps(_parse(body)).encode()


def _stamp(value: Any) -> str | None:
    return value if isinstance(value, str) and value != REDACTED else None


# --- texts ----------------------------------------------------------------------------------------

# a text without any of these is not looked at twice
_SUSPECT = re.compile(r"@|%40|://|\d[\d\s().*•-]{7,}")
_PERSONAL = re.compile(
    r"""
    [^\s@]{1,64}(?:@|%40)[^\s@]+\.\w+                   # an e-mail
    | https?://\S+                                      # a link
    # a phone: international, Russian and whole, of a city, without its first digit
    | (?<!\w)\+\d(?:[\s().-]{0,2}\d){9,13}(?!\d)
    | (?:\+|(?<!\d))[78][\s(-]*9\d\d[\s)-]*\d{3}[\s-]*\d\d[\s-]*\d\d(?!\d)
    | (?<!\d)[78](?=(?:[\s()-]{0,2}\d){10}(?!\d))
      [\s-]?(?:\(\d{3,5}\)[\s-]?|\d{3,5}[\s-])\d{1,3}[\s-]\d\d[\s-]?\d\d
    | (?<!\d)\(?9\d\d\)?[\s-]\d{3}[\s-]\d\d[\s-]?\d\d(?!\d)
    # a card, masked
    | (?<!\d)\d{4}[\s-]?\d{0,2}(?:[\s-]?[*•]){2,12}[\s-]?\d{4}(?!\d)
    """,
    re.VERBOSE,
)
# whole, or in groups as it is printed
_DIGITS = re.compile(
    r"(?<!\d)(?:\d{13,19}|\d{4}(?:[\s.-]\d{4}){2}[\s.-]\d{1,4}(?:[\s.-]\d{3})?"
    r"|\d{4}[\s.-]\d{6}[\s.-]\d{5})(?!\d)"
)
_CARD = re.compile(
    r"""
    220[0-4]\d{12,15}                                                   # Mir
    | 4\d{12}(\d{3}){0,2}                                               # Visa
    | (5[1-5]\d\d | 222[1-9] | 22[3-9]\d | 2[3-6]\d\d | 27[01]\d | 2720)\d{12}  # Mastercard
    | (50(18|20|38) | 5[6-8]\d\d | 6304 | 67\d\d)\d{9,15}               # Maestro
    | (62|35|65|64[4-9]|6011)\d{12,17}                        # UnionPay, JCB, Discover
    | 3[47]\d{13} | 3(0[0-5]|[689]\d)\d{11}                      # American Express, Diners
    """,
    re.VERBOSE,
)
# two letters only: `fio` and `tel` are three, and no languages
_LANGUAGE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?")


@lru_cache(maxsize=20_000)
def scrub(text: str) -> str:
    """Return a text without the e-mails, links, phones and card numbers in it."""
    if not _SUSPECT.search(text):
        return text
    return _without_cards(_PERSONAL.sub(REDACTED, text))


def _without_cards(text: str) -> str:
    found = _DIGITS.search(text)
    while found:
        start, end = found.span()
        if _is_card(re.sub(r"\D", "", found[0])):
            text = f"{text[:start]}{REDACTED}{text[end:]}"
        found = _DIGITS.search(text, start + 1)
    return text


def _is_card(digits: str) -> bool:
    """Tell a card from a campaign's id: by its prefix, its length and its check digit (Luhn)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    luhn = sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)
    return luhn % 10 == 0 and _CARD.fullmatch(digits) is not None


def _clean(value: Any) -> Any:
    """Return what may be kept of a value of the types Text or Name."""
    if isinstance(value, dict):
        if not value or not all(map(_LANGUAGE.fullmatch, value)):
            return REDACTED
        value = value.get("ru") or next(filter(None, value.values()), None)
    if value is None or isinstance(value, str):
        return value and scrub(value)
    return value if scrub(str(value)) == str(value) else REDACTED


@cache
def _texts_in(kind: type[Struct]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields of a record that are texts, and those that hold records with texts."""
    hints = _hints(kind)
    texts = tuple(field for field, hint in hints.items() if hint in (Text, Name))
    inner = {field: _shape(hint).record for field, hint in hints.items()}
    parts = (
        field for field, part in inner.items() if part and (part is kind or any(_texts_in(part)))
    )
    return texts, tuple(parts)


def _scrub_texts(record: Struct) -> None:
    texts, parts = _texts_in(record.__class__)
    for field in texts:
        value = getattr(record, field)
        if value.__class__ is str:
            if (clean := scrub(value)) != value:
                setattr(record, field, clean)
        elif value is not None and value is not UNSET:
            setattr(record, field, _clean(value))
    for field in parts:
        part = getattr(record, field)
        if part.__class__ is list:
            for item in part:
                if isinstance(item, Struct):
                    _scrub_texts(item)
        elif isinstance(part, Struct):
            _scrub_texts(part)


def _in_order(seats: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key in sorted(seats):
        name, seat = scrub(key), seats[key]
        kept[f"{name} {len(kept)}" if name in kept else name] = seat
        if isinstance(seat, Struct):
            _scrub_texts(seat)
            if isinstance(inner := getattr(seat, "seats", None), dict):
                seat.seats = _in_order(inner)  # type: ignore[attr-defined]
    return kept


# --- rows that are not as they should be ----------------------------------------------------------


def _parse(body: bytes) -> Any:
    """Read JSON as leniently as Python can; what it cannot hold is "[redacted]"."""
    try:
        tree = json.loads(
            body.decode("utf-8-sig", "surrogateescape"),
            strict=False,
            parse_float=lambda text: _or_redacted(float(text)),
            parse_int=lambda text: int(text) if len(text) <= 40 else REDACTED,
            parse_constant=lambda _: REDACTED,
        )
        return _readable(tree)
    except (ValueError, RecursionError):
        raise NoRow("it is no JSON") from None


def _or_redacted(number: float) -> float | str:
    return number if math.isfinite(number) else REDACTED


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value if not re.search("[\ud800-\udfff]", value) else REDACTED
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    return value


def _salvage_row(kind: type[Struct], raw: bytes) -> Any:
    row = _parse(raw)
    if not isinstance(row, dict) or type(row.get("id")) is not int:
        raise NoRow("it is no object with a whole number for an `id`")
    return _salvage(row, kind)


def _salvage(value: Any, wanted: Any) -> Any:
    """Return as much of a value as fits the type, "[redacted]" in each place where none does."""
    shape = _shape(wanted)
    if isinstance(value, dict) and shape.kind is Struct and shape.record:
        hints = _hints(shape.record)
        kept = {key: _salvage(value[key], hint) for key, hint in hints.items() if key in value}
        return shape.record(**kept)
    if isinstance(value, dict) and shape.kind is dict:
        return {key: _salvage(item, shape.item) for key, item in value.items()}
    if isinstance(value, list | dict) and shape.kind is list:
        # an object where a list should be is how PHP writes a list with gaps
        items = value.values() if isinstance(value, dict) else value
        return [_salvage(item, shape.item) for item in items]
    if value is None or value == "":
        return value
    try:
        return _decoder(wanted).decode(_encode(value))
    except msgspec.ValidationError:
        return REDACTED


class _Shape(NamedTuple):
    """What holds a value in a type: a record, an object or a list of `item`, or none of them."""

    kind: type | None
    item: Any
    record: type[Struct] | None


@cache
def _shape(wanted: Any) -> _Shape:
    options = get_args(wanted) if get_origin(wanted) in (Union, UnionType) else (wanted,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Struct):
            return _Shape(Struct, None, option)
        if get_origin(option) in (list, dict):
            item = get_args(option)[-1]
            return _Shape(get_origin(option), item, _shape(item).record)
    return _Shape(None, None, None)


@cache
def _hints(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
