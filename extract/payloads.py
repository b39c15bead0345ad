"""What may be kept of the API's answers, as types: decoding never builds what is not declared here.

A field is a key of the API, and its kind says what may stay in it. Whatever else is sent, now or
later, is never copied: names of buyers and guests, e-mails, phones, social ids, cards, barcodes,
links, company data, and each key that nobody has looked at yet. A value of another kind becomes
"[redacted]", which dbt's tests report, and so does what is personal inside a text.

A payload has its keys in the order of the fields, so the same thing always gives the same bytes. A
number stays as it was sent: a whole one of any length, others as a double, as in PHP.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, defstruct

REDACTED = "[redacted]"

# first as it mostly is sent, since most of the time goes here; then what ISO 8601 also allows, and
# PHP's day that is none. A day that its month does not have stays, and is no instant to dbt
_MOMENT = r"""\A(?:
[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9][+-][0-9][0-9]:[0-9][0-9]|
[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]
(?:[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?|
0000-00-00(?:[T ][0-9:+.-]{0,15})?|
)\Z""".replace("\n", "")

Number = int | float | Annotated[str, Meta(pattern=r"\A(-?\d{1,15}(\.\d{1,6})?)?\Z")] | None
"""An amount, a count or an id: a JSON number, a numeric string, "" or null."""

Flag = bool | Literal[0, 1, "", "0", "1", "true", "false"] | None
"""A yes or no, as PHP says it: true, 1, "1", "", null."""

Moment = Annotated[str, Meta(pattern=_MOMENT)] | None
"""A date or an instant in ISO 8601, "" or null."""

Word = int | Annotated[str, Meta(pattern=r"\A[\w.:-]{0,60}\Z")] | None
"""An identifier made of letters, digits and ``_.:-``, a whole number, or null."""

NoList = Literal[""] | None
Nothing = Annotated[list[None], Meta(max_length=0)] | Literal[""] | None
"""What PHP sends for an object that is empty."""


class _Cleaned(type):
    """The type of a value that `_clean` is given to read, whatever it makes of it."""

    def __instancecheck__(cls, value: object) -> bool:
        return True


class Text(metaclass=_Cleaned):
    """A text, without the e-mails, links, phones and card numbers in it; a number, or null."""


class Name(Text):
    """A text, or texts by language, of which the Russian one is kept, else the first."""


_KINDS = ("Number", "Flag", "Moment", "Word", "Text", "Name")


def _record(name: str, **fields: str) -> type[Struct]:
    """Declare an object of the API: the fields of each kind, or a field and its type.

    Keys that are absent stay absent, but for the `id` of a row.
    """
    kinds: dict[str, str] = {}
    for key, said in fields.items():
        kinds |= dict.fromkeys(said.split(), key) if key in _KINDS else {key: said}
    typed: list[Any] = [
        (field, kind) if kind == "int" else (field, f"{kind} | msgspec.UnsetType", UNSET)
        for field, kind in kinds.items()
    ]
    return defstruct(name, typed, module=__name__, gc=False)


_STAMPS = "created_at updated_at deleted_at"

# something sold with a ticket
Service = _record(
    "Service",
    Number="id service_id price original_price discount_value amount quantity refunded_amount",
    Name="name",
    Moment=f"{_STAMPS} refunded_at",
)

# a single payment back
Refund = _record(
    "Refund",
    Number="id basket_id amount deduction_amount",
    Moment=_STAMPS,
)

# an item of an order's `baskets`
Ticket = _record(
    "Ticket",
    Number="id show_id original_price ticket_original_price discount_value price ticket_amount"
    " service_fee_amount quantity refunded_amount refunded_deduction_amount",
    Text="seat_id multiprice_code",
    Name="seat_name",
    Moment=f"checked_at {_STAMPS} refunded_at",
    services="list[Service] | NoList",
    refunds="list[Refund] | NoList",
    related_baskets="list[Ticket] | NoList",
)

# where a buyer came from
Utm = _record("Utm", Text="utm_source utm_medium utm_campaign utm_content utm_term")

# the site whose widget sold
Site = _record("Site", Number="id", Text="host")

# a row of /orders
Order = _record(
    "Order",
    id="int",
    Flag="payed reserved reserve_extended",
    Moment=f"payed_at reserved_to {_STAMPS}",
    Number="client_id site_id payment_id backend_user_id access_code_id discount_id promo_code_id"
    " event_id price original_price",
    Word="payment_type_id currency_id",
    Text="multiprice_code",
    site="Site | Nothing",
    utm="Utm | Nothing",
    baskets="list[Ticket] | NoList",
    services="list[Service] | NoList",
    refunds="list[Refund] | NoList",
)

# a step of a price, by date or by number sold
Modifier = _record(
    "Modifier",
    Number="id value price sales_count sales_count_value",
    Word="type",
    Moment="active_from active_to",
)

# of a show
Price = _record(
    "Price",
    Number="id default_price",
    Name="name",
    modifiers="list[Modifier] | NoList",
)

# a date of an event
Show = _record(
    "Show",
    Number="id",
    Name="name",
    Flag="is_active",
    Moment=f"sale_start_date sale_finish_date open_date start_date finish_date {_STAMPS}",
    prices="list[Price] | NoList",
    min_price="Price | Nothing",
    max_price="Price | Nothing",
)

# where an event is, and the zone of its clocks
City = _record("City", Number="id", Name="name", Text="timezone")

# a way to pay
Payment = _record("Payment", Number="id", Name="name", Word="handler")

# a row of /events
Event = _record(
    "Event",
    id="int",
    Flag="is_active",
    Name="name place_name place_address",
    Text="external_id age",
    Number="scheme_id city_id event_type_id",
    Word="currency_id",
    place_coordinates="list[Number] | NoList",
    city="City | Nothing",
    payments="list[Payment] | NoList",
    shows="list[Show] | NoList",
    Moment=_STAMPS,
)

# something that is pointed at
Reference = _record("Reference", Number="id")

# a row of /discounts
Discount = _record(
    "Discount",
    id="int",
    Flag="is_active",
    Name="name",
    Word="type",
    events="list[Reference] | NoList",
    shows="list[Reference] | NoList",
    Moment=f"active_from active_to {_STAMPS}",
)

# a row of /promo-codes
PromoCode = _record(
    "PromoCode",
    id="int",
    Flag="is_active",
    Word="type",
    Number="discount_id max_uses_count",
    Text="code",
    Moment=f"active_from active_to {_STAMPS}",
)

# of a show; or a zone with `seats`
Seat = _record(
    "Seat",
    Text="id seat_id zone_id multiprice_code",
    Name="name",
    Flag="admission available disabled",
    Number="max_quantity free_quantity ordered_quantity payed_quantity price",
    Word="currency_id",
    seats="dict[str, Seat] | Nothing",
)
SEAT_FIELDS = tuple(f for f in Seat.__struct_fields__ if f not in ("seat_id", "seats"))
"""What to select of a seat, by the API's names."""

_SEATS: Any = dict[str, Seat] | Nothing  # type: ignore[valid-type]


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
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises of JSON that a strict reader does not take, or of another kind."""


def keep(kind: type[Struct], raw: bytes | msgspec.Raw) -> Kept:
    """Return what may be kept of the JSON of one row. Raises NoRow."""
    try:
        row = _decoder(kind).decode(raw)
    except UNREADABLE:
        tree = _parse(bytes(raw))
        if not isinstance(tree, dict) or type(tree.get("id")) is not int:
            raise NoRow("it is no object with a whole number for an `id`") from None
        row = _salvage(tree, kind)
    if not 0 < row.id < 1 << 64:
        raise NoRow("its `id` is out of range")
    payload = _encode(row)
    stamps = (_stamp(row.updated_at), _stamp(getattr(row, "payed_at", None)))
    return Kept(row.id, payload, payload.count(b"[redacted]"), *stamps)


def keep_seats(raw: bytes | msgspec.Raw) -> tuple[bytes, int]:
    """Return what may be kept of the `data` of a seats answer, by seat in order of its key.

    And how often "[redacted]" stands in it. Raises NoRow when it is no JSON.
    """
    try:
        seats = _decoder(_SEATS).decode(raw)
    except UNREADABLE:
        seats = _salvage(_parse(bytes(raw)), _SEATS)
    payload = _encode(_in_order(seats))
    return payload, payload.count(b"[redacted]")


def mend(body: bytes) -> bytes:
    """Return JSON that strict readers take, of what only lenient ones do.

    A text with half an emoji or with bytes that are not UTF-8, and a number that no double holds
    (1e999, NaN), becomes "[redacted]". Raises NoRow when no reader can make anything of it.
    """
    return json.dumps(_parse(body)).encode()


def _stamp(value: Any) -> str | None:
    return value if isinstance(value, str) and value != REDACTED else None


def _in_order(seats: Any) -> Any:
    if not isinstance(seats, dict):
        return seats
    kept: dict[str, Any] = {}
    for key in sorted(seats):
        name, seat = scrub(key), seats[key]
        kept[_apart(name, kept)] = seat
        if isinstance(seat, Struct):
            seat.seats = _in_order(seat.seats)  # type: ignore[attr-defined]
    return kept


def _apart(name: str, there: dict[str, Any]) -> str:
    """Return the name, or another one where it is taken: two of which nothing is left are two."""
    return f"{name} {len(there)}" if name in there else name


# --- texts ----------------------------------------------------------------------------------------

# as word processors set them, too; in the pattern below `~` stands for them
_DASHES = r"\u2010-\u2015\u2212-"
# a text without any of these is not looked at twice
_SUSPECT = re.compile(rf"@|%40|://|\d[\d\s().*•{_DASHES}]{{7,}}")
_PERSONAL = re.compile(
    r"""
    [^\s@]{1,64}(?:@|%40)[^\s@]+\.\w+                   # an e-mail
    | (?i:https?)://\S+                                 # a link
    # a phone: international, Russian and whole, of a city, without its first digit
    | (?<!\w)\+\d(?:[\s().~]{0,2}\d){9,13}(?!\d)
    | (?:\+|(?<!\d))[78][\s(.~]*9\d\d[\s).~]*\d{3}[\s.~]*\d\d[\s.~]*\d\d(?!\d)
    | (?<!\d)[78](?=(?:[\s()~]{0,2}\d){10}(?!\d))
      (?:[\s~]?(?:\(\d{3,5}\)[\s~]?|\d{3,5}[\s~])\d{1,3}[\s~]\d\d[\s~]?\d\d
      | [\s~]?\(\d{3,5}\)[\s~]?\d{5,7} | [\s~][348]\d\d[\s~]\d{7})
    | (?<!\d)\(?9\d\d\)?[\s~]\d{3}[\s~]\d\d[\s~]?\d\d(?!\d)
    # a card, masked
    | (?<!\d)\d{4}[\s-]?\d{0,2}(?:[\s-]?[*•]){2,12}[\s-]?\d{4}(?!\d)
    """.replace("~", _DASHES),
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


def _clean(kind: type[Text], value: Any) -> Any:
    """Return what may be kept of a value where a text may be."""
    if isinstance(value, str):
        return scrub(value)
    if kind is Name and isinstance(value, dict) and value and all(map(_LANGUAGE.fullmatch, value)):
        return _clean(Text, value.get("ru") or next(filter(None, value.values()), None))
    is_text = value is None or type(value) in (int, float)
    return value if is_text and scrub(str(value)) == str(value) else REDACTED


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=_clean)


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
        readable: dict[str, Any] = {}
        for key, item in value.items():
            readable[_apart(_readable(key), readable)] = _readable(item)
        return readable
    return value


@cache
def _hints(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _salvage(value: Any, wanted: Any) -> Any:
    """Return as much of a value as fits the type, "[redacted]" in each place where none does."""
    for option in get_args(wanted) or (wanted,):
        holder = get_origin(option) or option
        if isinstance(value, dict) and isinstance(holder, type) and issubclass(holder, Struct):
            hints = _hints(holder).items()
            return holder(
                **{key: _salvage(value[key], hint) for key, hint in hints if key in value}
            )
        if isinstance(value, dict) and holder is dict:
            return {key: _salvage(item, get_args(option)[1]) for key, item in value.items()}
        if isinstance(value, list | dict) and holder is list:
            # an object where a list should be is how PHP writes a list with gaps
            items = value.values() if isinstance(value, dict) else value
            return [_salvage(item, get_args(option)[0]) for item in items]
    try:
        return _decoder(wanted).decode(_encode(value))
    except msgspec.ValidationError:
        return REDACTED
