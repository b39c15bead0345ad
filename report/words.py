"""Numbers, money, days and plurals the Russian way. What is null is said to be unknown."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import (
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

UNKNOWN = "неизвестно"
_RU = Locale("ru")


def number(value: int | None) -> str:
    """1234 -> «1 234»."""
    return UNKNOWN if value is None else format_decimal(value, locale=_RU)


def money(amount: Decimal, currency: str) -> str:
    """1234.5 of RUB -> «1 234,50 ₽»."""
    if currency == "unknown":
        return f"{format_decimal(amount, '#,##0.00', locale=_RU)} (валюта неизвестна)"
    return format_currency(amount, currency, locale=_RU, currency_digits=False)


def currency(code: str) -> str:
    """«RUB» -> «₽»."""
    if code == "unknown":
        return "валюта неизвестна"
    return get_currency_symbol(code, locale=_RU)


def percent(share: float | None) -> str:
    """0.256 -> «26 %»."""
    return UNKNOWN if share is None else format_percent(share, locale=_RU)


def day(moment: date) -> str:
    """«25 ноя»."""
    # «сент.» and «нояб.» are longer than a phone has room for
    return f"{moment.day} {format_date(moment, 'MMMM', locale=_RU)[:3]}"


def long_day(moment: date) -> str:
    """«среда, 25 ноября»."""
    return format_date(moment, "EEEE, d MMMM", locale=_RU)


def weekday(moment: date) -> str:
    """«ср»."""
    return format_date(moment, "EEEEEE", locale=_RU)


def instant(moment: datetime) -> str:
    """«25 ноя, 14:05»."""
    return f"{day(moment)}, {moment:%H:%M}"


def count(value: int, one: str, few: str, many: str) -> str:
    """1, 2, 5 -> «1 билет», «2 билета», «5 билетов»."""
    return f"{number(value)}\N{NO-BREAK SPACE}{word(value, one, few, many)}"


def word(value: int, one: str, few: str, many: str) -> str:
    """1, 2, 5 -> «билет», «билета», «билетов»."""
    return {"one": one, "few": few}.get(_RU.plural_form(value), many)


def city(name: str) -> str:
    """The city, or that it is not known."""
    return "город неизвестен" if name == "unknown" else name


def event(name: str, event_id: int) -> str:
    """The event's name, or its number when it has none."""
    return f"мероприятие № {event_id}, название неизвестно" if name == "unknown" else name
