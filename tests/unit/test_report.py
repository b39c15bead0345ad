"""The page when there is little to show, and the Russian of its numbers."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from report import charts, page, words
from report.figures import Figures
from tests.qtickets_sample import MOSCOW

NOW = datetime(2026, 11, 25, 9, 5, tzinfo=MOSCOW)


def draw(docs: str | None = None, **rows: list[dict[str, Any]]) -> str:
    """Return the words of a page, with spaces that do not break as plain ones."""
    empty: dict[str, Any] = {field.name: [] for field in fields(Figures)}
    times = {"built_at": NOW, "today": NOW.date()}
    html = page.draw(Figures(**(empty | times | rows)), docs)
    body = re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("\xa0", " ").split())


def resource(**changes: Any) -> dict[str, Any]:
    fine = {
        "resource": "orders",
        "proven_at": "2026-11-25 09:00:00",
        "minutes_since_proven": 5,
        "api_total": 1234,
        "rows_landed": 1234,
        "is_fresh": True,
        "is_complete": True,
        "last_status": "proven",
    }
    return fine | changes


def event(**changes: Any) -> dict[str, Any]:
    fine = {
        "event_id": 7,
        "event_name": "Щелкунчик",
        "city": "Томск",
        "shows_to_come": 2,
        "tickets_total": 100,
        "tickets_left": 40,
        "tickets_sold_7d": 10,
        "last_day": date(2026, 12, 2),
        "days_ahead": 7,
        "days_to_sell_out": 28,
        "tickets_expected": 10,
        "share_sold": 0.6,
        "share_expected": 0.1,
    }
    return fine | changes


def test_without_any_data_it_says_so() -> None:
    text = draw()
    assert "Данные ещё ни разу не загружались" in text
    assert "Сегодня 25 ноя к 09:05 0 билетов выручки нет" in text
    assert "За 14 дней ничего не продано" in text
    assert "Предстоящих показов нет" in text
    assert "Возвратов нет" in text
    for heading in ("План", "Откуда", "Промокоды", "Покупатели", "Деньги"):
        assert heading not in text


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"is_fresh": False}, "заказы — давно не обновлялись"),
        ({"is_complete": False}, "заказы — загружены не все"),
        ({"last_status": "failed"}, "заказы — последняя загрузка не удалась"),
        ({"proven_at": None, "api_total": None}, "заказы — ещё ни разу не загружались целиком"),
        (
            {"is_fresh": False, "is_complete": False},
            "заказы — давно не обновлялись, загружены не все",
        ),
    ],
)
def test_what_is_wrong_with_the_data_is_said_first(wrong: dict[str, Any], says: str) -> None:
    text = draw(quality=[resource(resource="events"), resource(**wrong)])
    assert f"⚠ Числам можно верить не всем: {says}" in text
    assert "✓ Данные свежие" not in text


def test_unknown_is_not_zero() -> None:
    text = draw(
        left=[event(tickets_left=None, days_to_sell_out=None, tickets_expected=None)],
        quality=[resource(api_total=None)],
    )
    assert "Остаток неизвестен из 100" in text
    assert "Осталось" not in text
    assert "1 234 из неизвестно" in text


def test_sold_out_and_not_sold_at_all() -> None:
    assert "Распродано из 100" in draw(left=[event(tickets_left=0, days_to_sell_out=0)])
    unsold = event(tickets_sold_7d=0, days_to_sell_out=None, tickets_expected=0)
    assert "Продано за 7 дней 0 При таком темпе хватит продаж нет" in draw(left=[unsold])
    going = draw(left=[event(tickets_expected=40)])
    assert "хватит на 28 дней Показы до 2 дек, ещё 7 дней Останется ничего, раскупят" in going
    assert "Останется ≈ 30" in draw(left=[event()])


def test_each_show_has_what_is_left_of_it() -> None:
    one = {"event_id": 7, "show_id": 1, "starts_at": "2026-11-28 19:30:00", "tickets_total": 50}
    shows = [
        one | {"tickets_left": 0},
        one | {"tickets_left": None, "tickets_total": None, "starts_at": "2026-11-29 12:00:00"},
        one | {"tickets_left": 40, "starts_at": "2026-12-02 19:00:00"},
    ]
    text = draw(left=[event()], shows=shows)
    assert "28 ноя, сб, 19:30 распродано из 50" in text
    assert "29 ноя, вс, 12:00 неизвестно 2 дек, ср, 19:00 40 из 50" in text
    assert "По показам" not in draw(left=[event()], shows=shows[:1])


def planned(**changes: Any) -> dict[str, Any]:
    fine = {
        "event_id": 0,
        "event_name": "all other",
        "city": "Томск",
        "currency": "RUB",
        "planned_tickets": 40,
        "tickets_sold": 30,
        "tickets_difference": -10,
        "tickets_share": 0.75,
        "planned_revenue": Decimal(4000),
        "revenue": Decimal(5000),
        "revenue_difference": Decimal(1000),
        "revenue_share": 1.25,
    }
    of_currency = {
        "plan_tickets_of_currency": 40,
        "sold_of_currency": 30,
        "tickets_share_of_currency": 0.75,
        "month_tickets_of_currency": 51,
        "plan_revenue_of_currency": Decimal(4000),
        "earned_of_currency": Decimal(5000),
        "revenue_share_of_currency": 1.25,
        "month_revenue_of_currency": Decimal(6000),
    }
    return fine | of_currency | changes


def test_plan_and_fact() -> None:
    text = draw(plan=[planned()])
    assert "Ноябрь по сегодня" in text
    assert "Билеты 30 из 40 , 75 % Выручка 5 000,00 ₽ , 125 %" in text
    assert "План на месяц 51 билет 6 000,00 ₽" in text
    assert "остальные мероприятия Томск 30 из 40 −10 75 %" in text
    assert "5 000,00 ₽ из 4 000,00 ₽ +1 000,00 ₽ 125 %" in text


def test_a_plan_of_nothing_has_no_percentage() -> None:
    none = {key: None for key in planned() if "share" in key}
    text = draw(plan=[planned(**none, event_id=7, event_name="Щелкунчик")])
    assert "Щелкунчик Томск 30 из 40 −10 5 000,00 ₽" in text
    assert "%" not in text
    assert "неизвестно" not in text


def test_sources_without_a_tag_are_said_to_have_none() -> None:
    row = {"currency": "RUB", "revenue": Decimal(10), "tickets_of_place": 3}
    text = draw(
        sources=[
            row | {"place": 1, "utm_source": "(none)", "utm_campaign": "(none)"},
            row | {"place": 1, "utm_source": "(none)", "utm_campaign": "(none)", "currency": "KZT"},
            row | {"place": 2, "utm_source": "vk", "utm_campaign": "(none)"},
            row | {"place": 3, "utm_source": "(none)", "utm_campaign": "мамы"},
            row | {"place": 9, "utm_source": "", "utm_campaign": ""},
        ]
    )
    assert "без метки 3 10,00 ₽ 10,00 KZT vk без кампании 3" in text
    assert "без метки мамы 3 10,00 ₽ остальные 3 10,00 ₽" in text


def test_promo_codes_and_discounts_that_are_not_known_have_a_number() -> None:
    row = {
        "place": 1,
        "promo_code_id": 5,
        "promo_code": "unknown",
        "discount_id": 6,
        "discount_name": "unknown",
        "currency": "RUB",
        "revenue": Decimal(10),
        "discount_cost": Decimal(2),
        "tickets_of_place": 3,
        "tickets_of_all": 21,
        "cost_of_currency": Decimal(7),
    }
    by_itself = {"place": 2, "promo_code_id": 0, "promo_code": "(none)", "discount_name": "Детям"}
    no_discount = {"place": 3, "promo_code": "ВЕСНА", "discount_id": 0, "discount_name": "(none)"}
    text = draw(promo=[row, row | by_itself, row | no_discount])
    assert "С промокодом или скидкой продано 21 билет скидка 7,00 ₽" in text
    assert "промокод № 5 скидка № 6 3 10,00 ₽ скидка 2,00 ₽ без промокода Детям" in text
    assert "ВЕСНА без скидки 3" in text


def test_more_may_be_paid_back_on_a_day_than_comes_in() -> None:
    day = {
        "day": NOW.date(),
        "currency": "RUB",
        "paid": Decimal(0),
        "paid_back": Decimal(150),
        "net_cash": Decimal(-150),
        "paid_of_currency": Decimal(100),
        "paid_back_of_currency": Decimal(150),
        "net_cash_of_currency": Decimal(-50),
    }
    yesterday = {"day": date(2026, 11, 24), "paid": Decimal(100), "paid_back": Decimal(0)}
    text = draw(cash=[day, day | yesterday | {"net_cash": Decimal(100)}])
    assert "Пришло 100,00 ₽ Возвращено 150,00 ₽ Итого −50,00 ₽" in text
    assert "25 ноя 0,00 ₽ −150,00 ₽ −150,00 ₽ 24 ноя 100,00 ₽ 100,00 ₽" in text


def test_what_has_no_name_is_said_to_have_none() -> None:
    text = draw(left=[event(event_name="unknown", city="unknown")])
    assert "мероприятие № 7, название неизвестно" in text
    assert "город неизвестен" in text


def test_the_link_to_the_docs_is_there_when_asked_for() -> None:
    assert "Что значит каждое число" not in draw()
    assert "Что значит каждое число" in draw(docs="docs.html")


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("1234.5", "RUB", "1\xa0234,50\xa0₽"),
        ("0", "RUB", "0,00\xa0₽"),
        ("1234567.89", "KZT", "1\xa0234\xa0567,89\xa0KZT"),
        ("100", "JPY", "100,00\xa0¥"),
        ("5", "unknown", "5,00 (валюта неизвестна)"),
    ],
)
def test_money_is_written_the_russian_way(amount: str, currency: str, says: str) -> None:
    assert words.money(Decimal(amount), currency) == says


@pytest.mark.parametrize(
    ("value", "says"),
    [(0, "билетов"), (1, "билет"), (3, "билета"), (5, "билетов"), (11, "билетов"), (21, "билет")],
)
def test_plurals(value: int, says: str) -> None:
    assert words.count(value, "билет", "билета", "билетов") == f"{value}\xa0{says}"


@pytest.mark.parametrize(
    ("most", "unit"),
    [("0", ""), ("1999", ""), ("2000", "тыс. "), ("5400000", "млн "), ("7000000000", "млрд ")],
)
def test_the_axis_of_money_has_short_numbers(most: str, unit: str) -> None:
    days = [date(2026, 11, day) for day in range(1, 15)]
    names = [f"{day.day}|пн" for day in days]
    said, svg = charts.money(days, {days[3]: Decimal(most)}, names)
    assert said == unit
    labels = re.findall(r">([\d\s,]+)</text>", svg)
    assert labels
    assert all(len(label) <= 5 for label in labels)


def test_a_large_house_has_an_axis_instead_of_numbers_on_bars() -> None:
    days = [date(2026, 11, day) for day in range(1, 15)]
    names = [f"{day.day}|пн" for day in days]
    assert ">12345<" not in charts.tickets(days, {days[3]: 12345}, names).replace("\xa0", "")
    assert ">999<" in charts.tickets(days, {days[3]: 999}, names)
