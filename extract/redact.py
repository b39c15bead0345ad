"""Personal data and ticket credentials out, before anything is kept.

By construction: a payload is rebuilt from the keys that are known to be harmless, each with the
kind of value that it may hold. Whatever else the API sends, now or later, is never copied: buyers'
and guests' names, e-mails, phones, social ids, card numbers, barcodes, links, company data, and
every key that nobody has looked at yet. A known key that holds another kind of value than it
should becomes "[redacted]", which dbt's tests report.

The rebuilt payload has its keys in the order below, so the same thing always gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_ZERO_MOMENT = re.compile(r"0000-00-00([T ][\d:+-]{0,15})?")
_WORD = re.compile(r"[\w.:-]{0,60}")
_PERSONAL = re.compile(
    r"""
    [^\s@]+@[^\s@]+\.\w+                                # an e-mail
    | https?://\S+                                      # a link
    | (?:\+\d|(?<!\d)[78](?=[\s(-]*9))[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d\d[\s-]*\d\d(?!\d)  # a phone
    | (?<!\d)\d{4}[\s-]\d{4}[\s-]\d{4}[\s-]\d{4}(?!\d)  # a card, in fours
    | (?<!\d)(?:\d{16}|\d{4,6}\*+\d{4})(?!\d)           # a card, whole or masked
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key may hold: values of the types `harmless` as they are, others as `clean` says."""

    clean: Callable[[Any], Any]
    harmless: frozenset[type] = frozenset({type(None)})

    def __call__(self, value: Any) -> Any:
        """Return what may be kept of a value."""
        return value if type(value) in self.harmless else self.clean(value)


def _number(value: Any) -> Any:
    return value if isinstance(value, str) and _fits(_NUMBER, value) else REDACTED


def _flag(value: Any) -> Any:
    return value if value in (0, 1, "", "0", "1", "true", "false") else REDACTED


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return REDACTED
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return value if _fits(_ZERO_MOMENT, value) else REDACTED
    return value if value[4] == "-" else REDACTED  # not one without dashes: it could be a phone


def _word(value: Any) -> Any:
    return value if isinstance(value, str) and _fits(_WORD, value) else REDACTED


def _fits(pattern: re.Pattern[str], value: str) -> bool:
    return not value or pattern.fullmatch(value) is not None


def _text(value: Any) -> Any:
    return scrub(value) if isinstance(value, str) else REDACTED


@lru_cache(maxsize=20_000)
def scrub(value: str) -> str:
    """Return a text without the e-mails, links, phones and card numbers in it."""
    return _PERSONAL.sub(REDACTED, value)


_NUMERIC = frozenset({int, float, type(None)})

number = Kind(_number, _NUMERIC)
"""An amount, a count or an id: a JSON number, a numeric string, "" or null."""

flag = Kind(_flag, frozenset({bool, type(None)}))
"""A yes or no, as PHP says it: true, 1, "1", "", null."""

moment = Kind(_moment)
"""A date or an instant in ISO 8601, "" or null."""

word = Kind(_word, frozenset({int, type(None)}))
"""An identifier made of letters, digits and ``_.:-``, a whole number, or null."""

text = Kind(_text, _NUMERIC)
"""A text, without the e-mails, links, phones and card numbers in it; a number, or null."""


def record(**keys: Kind) -> Kind:
    """Keep these keys of an object; PHP's empty array, "" and null stay as they are."""
    items = tuple((key, kind.harmless, kind.clean) for key, kind in keys.items())

    def clean(value: Any) -> Any:
        if not isinstance(value, dict):
            return value if value in ("", []) else REDACTED
        kept = {}
        for key, harmless, keep in items:
            if key in value:
                held = value[key]
                kept[key] = held if type(held) in harmless else keep(held)
        return kept

    return Kind(clean)


def array(item: Kind) -> Kind:
    """Keep a list of such items, or an object of them as PHP writes a list with gaps."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [item(one) for one in value]
        return value if value == "" else REDACTED

    return Kind(clean)


def mapping(item: Kind) -> Kind:
    """Keep an object with names for keys; PHP's empty array and null stay as they are."""

    def clean(value: Any) -> Any:
        if not isinstance(value, dict):
            return value if value == [] else REDACTED
        kept: dict[str, Any] = {}
        for key in sorted(value):
            name = scrub(key)
            kept[f"{name} {len(kept)}" if name in kept else name] = item(value[key])
        return kept

    return Kind(clean)


def either(first: Kind, has: str, second: Kind) -> Kind:
    """Clean an object by `second` where it has the key `has`, else by `first`."""

    def clean(value: Any) -> Any:
        return second(value) if isinstance(value, dict) and has in value else first(value)

    return Kind(clean)


_TICKET: dict[str, Kind] = {
    "id": number,
    "show_id": number,
    "seat_id": text,
    "seat_name": text,
    "original_price": number,
    "ticket_original_price": number,
    "discount_value": number,
    "price": number,
    "ticket_amount": number,
    "service_fee_amount": number,
    "quantity": number,
    "checked_at": moment,
    "created_at": moment,
    "updated_at": moment,
    "deleted_at": moment,
    "refunded_at": moment,
    "refunded_amount": number,
    "refunded_deduction_amount": number,
}

order = record(
    id=number,
    payed=flag,
    payed_at=moment,
    client_id=number,
    site_id=number,
    payment_id=number,
    payment_type_id=word,
    backend_user_id=number,
    access_code_id=number,
    discount_id=number,
    promo_code_id=number,
    reserved=flag,
    reserved_to=moment,
    event_id=number,
    price=number,
    original_price=number,
    currency_id=word,
    utm=record(
        utm_source=text, utm_medium=text, utm_campaign=text, utm_content=text, utm_term=text
    ),
    baskets=array(record(**_TICKET, related_baskets=array(record(**_TICKET)))),
    created_at=moment,
    updated_at=moment,
    deleted_at=moment,
)

event = record(
    id=number,
    is_active=flag,
    name=text,
    currency_id=word,
    place_name=text,
    place_address=text,
    city_id=number,
    city=record(id=number, name=text, timezone=text),
    age=text,
    event_type_id=number,
    shows=array(
        record(
            id=number,
            name=text,
            is_active=flag,
            sale_start_date=moment,
            sale_finish_date=moment,
            open_date=moment,
            start_date=moment,
            finish_date=moment,
            min_price=record(default_price=number),
            max_price=record(default_price=number),
            created_at=moment,
            updated_at=moment,
            deleted_at=moment,
        )
    ),
    created_at=moment,
    updated_at=moment,
    deleted_at=moment,
)

_reference = record(id=number)

discount = record(
    id=number,
    is_active=flag,
    name=text,
    type=word,
    active_from=moment,
    active_to=moment,
    events=array(_reference),
    shows=array(_reference),
    created_at=moment,
    updated_at=moment,
    deleted_at=moment,
)

promo_code = record(
    id=number,
    is_active=flag,
    type=word,
    discount_id=number,
    code=text,
    max_uses_count=number,
    active_from=moment,
    active_to=moment,
    created_at=moment,
    updated_at=moment,
    deleted_at=moment,
)

SEAT: dict[str, Kind] = {
    "zone_id": text,
    "admission": flag,
    "max_quantity": number,
    "free_quantity": number,
    "ordered_quantity": number,
    "payed_quantity": number,
    "available": flag,
    "disabled": flag,
    "price": number,
    "currency_id": word,
}
_seat = record(id=text, seat_id=text, **SEAT)

seats = mapping(either(_seat, "seats", record(zone_id=text, name=text, seats=mapping(_seat))))
