"""Numbers, money, days and plurals the Russian way. What is null is said to be unknown."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import get_currency_symbol

UNKNOWN = "неизвестно"
WEEKDAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
_MINUS = "\N{MINUS SIGN}"
_RU = Locale("ru")
_SIGNS = str.maketrans({",": "\N{NO-BREAK SPACE}", ".": ",", "-": _MINUS})
# from, divided by, called: «4 819 ₽» has fewer letters than «4,82 тыс. ₽»
_SHORT = ((10**9, 10**9, "млрд"), (10**6, 10**6, "млн"), (10**4, 10**3, "тыс."), (0, 1, ""))


def number(value: int | None) -> str:
    """1234 -> «1 234»."""
    return UNKNOWN if value is None else _decimal(value, 0)


def money(amount: Decimal, currency: str) -> str:
    """1234.5 of RUB -> «1 234,50 ₽»."""
    return f"{_decimal(amount, 2)}\N{NO-BREAK SPACE}{_sign(currency)}"


def short_money(amount: Decimal, currency: str) -> str:
    """1072074.84 of RUB -> «1,07 млн ₽»: three digits, never kopecks of something large."""
    _, power, unit = next(found for found in _SHORT if abs(amount) >= found[0])
    digits = 0 if power == 1 else max(0, 3 - len(str(int(abs(amount) / power))))
    text = _decimal(amount / power, digits)
    if digits:
        text = text.rstrip("0").rstrip(",")
    return "\N{NO-BREAK SPACE}".join(filter(None, (text, unit, _sign(currency))))


def change(percent: float) -> str:
    """-29.25 -> «29 %»; the sign is said beside it, by an arrow and a word."""
    return f"{_decimal(abs(percent), 0)}\N{NO-BREAK SPACE}%"


@cache
def currency(code: str) -> str:
    """«RUB» -> «₽»."""
    if code == "unknown":
        return "валюта неизвестна"
    return get_currency_symbol(code, locale=_RU)


@cache
def _sign(code: str) -> str:
    return "(валюта неизвестна)" if code == "unknown" else get_currency_symbol(code, locale=_RU)


def _decimal(value: float | Decimal, digits: int) -> str:
    """Return a number as Babel writes it, in a fraction of its time: a report has thousands."""
    return f"{value:,.{digits}f}".translate(_SIGNS)


def difference(value: int) -> str:
    """30 -> «+30», -30 -> «−30»."""
    return _signed(value, number(abs(value)))


def money_difference(amount: Decimal, currency: str) -> str:
    """-1234.5 of RUB -> «−1 234,50 ₽»."""
    return _signed(amount, money(abs(amount), currency))


def _signed(value: int | Decimal, size: str) -> str:
    return ("+" if value > 0 else _MINUS if value < 0 else "") + size


def percent(share: float | None, digits: int = 0) -> str:
    """0.256 -> «26 %»; with a digit «25,6 %»."""
    if share is None:
        return UNKNOWN
    return f"{_decimal(100 * round(float(share), digits + 2) + 0.0, digits)}\N{NO-BREAK SPACE}%"


@cache
def day(moment: date) -> str:
    """«25 ноя»."""
    # «сент.» and «нояб.» are longer than a phone has room for
    return f"{moment.day} {format_date(moment, 'MMMM', locale=_RU)[:3]}"


def long_day(moment: date) -> str:
    """«среда, 25 ноября»."""
    return format_date(moment, "EEEE, d MMMM", locale=_RU)


def month(moment: date) -> str:
    """«ноябрь»."""
    return format_date(moment, "LLLL", locale=_RU)


@cache
def weekday(moment: date) -> str:
    """«ср»."""
    return format_date(moment, "EEEEEE", locale=_RU)


def instant(moment: datetime) -> str:
    """«25 ноя, 14:05»."""
    return f"{day(moment)}, {moment:%H:%M}"


def zone(minutes: int) -> str:
    """How far a hall's time is from Moscow's: 240 -> «МСК+4», -60 -> «МСК−1»."""
    hours, rest = divmod(abs(minutes), 60)
    return f"МСК{'+' if minutes > 0 else _MINUS}{hours}" + (f":{rest:02}" if rest else "")


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


def planned(name: str, event_id: int) -> str:
    """What a row of the plan is for: an event, or what its city has besides."""
    return (
        "остальные мероприятия" if (name, event_id) == ("all other", 0) else event(name, event_id)
    )


def source(name: str) -> str:
    """Where buyers came from."""
    return "без метки" if name == "(none)" else name


def campaign(name: str) -> str:
    """The campaign, or that the tag did not say."""
    return "без кампании" if name == "(none)" else name


def promo_code(text: str, promo_code_id: int) -> str:
    """The code; its number when QTickets never showed it; that a discount needed none."""
    if promo_code_id == 0:
        return "без промокода"
    return f"промокод № {promo_code_id}" if text == "unknown" else text


def discount(name: str, discount_id: int) -> str:
    """The discount's name, or its number when QTickets never showed it."""
    if discount_id == 0:
        return "без скидки"
    return f"скидка № {discount_id}" if name == "unknown" else name


def zone_name(name: str) -> str:
    """A part of a hall."""
    return "зона неизвестна" if name in ("", "unknown") else name


def ticket_type(name: str) -> str:
    """What a ticket is called in the hall."""
    return "без названия" if name in ("", "unknown", "(none)") else name
