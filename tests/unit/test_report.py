"""The pages when there is little to show, what their words and charts say, and the files beside."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from babel.numbers import format_currency, format_decimal

from report import charts, cli, figures, page, state, words
from report.figures import Figures
from tests.qtickets_sample import MOSCOW

NOW = datetime(2026, 11, 25, 19, 5, tzinfo=MOSCOW)


def pages(docs: str | None = None, **rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the words of each page, with spaces that do not break as plain ones."""
    empty: dict[str, Any] = {path.stem: [] for path in figures.QUERIES.glob("*.sql")}
    found = {}
    for path, html in page.draw(Figures(NOW, NOW.date(), empty | rows, {}), docs).items():
        body = re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
        text = " ".join(re.sub(r"<[^>]*>", " ", body).replace("\xa0", " ").split())
        found[path] = text.replace("&nbsp;", " ").replace("  ", " ")
    return found


def draw(docs: str | None = None, **rows: list[dict[str, Any]]) -> str:
    return pages(docs, **rows)["index.html"]


def resource(name: str = "orders", **changes: Any) -> dict[str, Any]:
    fine = {
        "resource": name,
        "proven_at": datetime(2026, 11, 25, 13, 20, tzinfo=UTC),
        "run_at": datetime(2026, 11, 25, 13, 20, tzinfo=UTC),
        "api_total": 1234,
        "rows_landed": 1234,
        "is_fresh": True,
        "is_late": False,
        "is_complete": True,
        "last_status": "verified",
        "last_error": "",
    }
    return fine | changes


def event(**changes: Any) -> dict[str, Any]:
    fine = {
        "event_id": 7,
        "event_name": "Щелкунчик",
        "city": "Томск",
        "place_name": "Зал",
        "currency": "RUB",
        "shows_to_come": 2,
        "tickets_total": 100,
        "tickets_left": 40,
        "tickets_sold_7d": 10,
        "share_sold": 0.6,
        "left_value": Decimal("1234567.5"),
    }
    return fine | changes


def show(**changes: Any) -> dict[str, Any]:
    fine = {
        "event_id": 7,
        "show_id": 70,
        "starts_at": datetime(2026, 12, 2, 12, 30, tzinfo=UTC),
        "local_start": "2026-12-02 19:30",
        "days_before_show": 7,
        "tickets_total": 100,
        "tickets_left": 40,
        "tickets_sold": 55,
        "forecast_tickets": 80,
        "forecast_low": 70,
        "forecast_high": 95,
        "basis": "event",
        "basis_shows": 12,
        "expected_tickets_now": 50.0,
        "verdict": "ahead",
        "will_sell_out": False,
        "typical_error": 22.4,
    }
    return fine | changes


def compared(**changes: Any) -> dict[str, Any]:
    fine = {
        "period": "14_days",
        "scope": "all",
        "event_id": 0,
        "city": "",
        "currency": "RUB",
        "tickets_sold": 30,
        "revenue": Decimal("1072074.84"),
        "average_price": Decimal("1029.85"),
        "previous_tickets_sold": 40,
        "tickets_change": -25.0,
        "revenue_change": -29.25,
        "average_price_change": None,
        "revenue_change_year": None,
    }
    return fine | changes


def better(*horizons: tuple[int, bool]) -> list[dict[str, Any]]:
    return [
        {
            "days_before": days,
            "shows": 57,
            "median_error": 20.0,
            "median_error_pace": 25.0,
            "is_better_than_pace": is_better,
        }
        for days, is_better in horizons
    ]


def test_without_any_data_it_says_so() -> None:
    text = draw()
    assert "Данные ещё ни разу не загружались" in text
    assert "За 14 дней ничего не продано" in text
    assert "Предстоящих показов нет" in text
    assert "Возвратов нет" in text
    for heading in (
        "План и факт",
        "Откуда",
        "Промокоды",
        "Покупатели",
        "Деньги по дням",
        "Типы билетов",
    ):
        assert heading not in text


FAILED = {"is_fresh": False, "last_status": "failed"}
SILENT = FAILED | {"last_error": "GET /orders: timed out (ReadTimeout, qtickets.ru)."}


@pytest.mark.parametrize(
    ("wrong", "level", "says"),
    [
        ({}, "good", []),
        # a run that failed is no fault while what the one before it verified is fresh
        (SILENT | {"is_fresh": True}, "good", []),
        (SILENT, "warn", ["Новых данных нет с 16:20: QTickets не отвечает"]),
        (SILENT | {"is_late": True}, "bad", ["Новых данных нет с 16:20: QTickets не отвечает"]),
        (
            FAILED | {"last_error": "GET /shows/503/seats: 401: the API refuses the token."},
            "warn",
            ["Новых данных нет с 16:20: QTickets не принимает токен"],
        ),
        (
            FAILED | {"last_error": "GET /shows/403/seats: 503: the API has a fault."},
            "warn",
            ["Новых данных нет с 16:20: QTickets не отвечает"],
        ),
        (
            {"last_status": "unverified", "last_error": "the API says 512, 510 are landed"},
            "bad",
            ["Заказы: загруженное не сошлось с QTickets"],
        ),
        (
            {"last_status": "unverified", "last_error": "Check the token, or --accept-deletions."},
            "bad",
            ["Заказы: из QTickets разом пропало слишком многое"],
        ),
        (
            FAILED | {"last_status": "stopped"},
            "warn",
            ["Новых данных нет с 16:20: загрузку остановили"],
        ),
        ({"is_fresh": False}, "warn", ["Новых данных нет с 16:20: загрузка не запускалась"]),
        (
            FAILED | {"last_error": "a disk that is full"},
            "warn",
            ["Новых данных нет с 16:20: загрузка не удалась"],
        ),
        (
            {"is_fresh": False, "is_late": True, "proven_at": None, "last_status": "running"},
            "bad",
            ["Данных ещё нет: загрузка идёт с 16:20"],
        ),
        (
            {"proven_at": datetime(2026, 11, 24, 20, 30, tzinfo=UTC), "is_fresh": False},
            "warn",
            ["Новых данных нет с 24 ноя, 23:30: загрузка не запускалась"],
        ),
        (
            {"is_complete": False, "rows_landed": 1200},
            "bad",
            ["Заказы загружены не все: 1\xa0200 из 1\xa0234"],
        ),
    ],
)
def test_the_state_of_the_data_is_one_sentence_a_cause(
    wrong: dict[str, Any], level: str, says: list[str]
) -> None:
    found = state.state([resource(**wrong)], NOW)
    assert (found.level, list(found.sentences)) == (level, says)


def test_resources_that_fail_for_one_reason_are_named_together() -> None:
    found = state.state(
        [resource(), resource("discounts", **SILENT), resource("promo_codes", **SILENT)], NOW
    )
    # the sentence goes back as far as the one that is oldest
    says = "Новых данных по скидкам и промокодам нет с 16:20: QTickets не отвечает"
    assert (found.level, list(found.sentences)) == ("warn", [says])


def test_the_time_of_the_data_stands_at_the_top() -> None:
    text = draw(quality=[resource(), resource("events", proven_at=NOW)])
    assert "Данные на среда, 25 ноября, 16:20 по Москве" in text
    assert "✓ свежие и полные" in text


def test_money_comes_first_and_its_change_beside_it() -> None:
    text = draw(
        compared=[
            compared(),
            compared(
                currency="KZT", tickets_sold=15, previous_tickets_sold=20, revenue_change=None
            ),
        ]
    )
    assert "Выручка, 14 дней 1,07 млн ₽ меньше на 29 % к предыдущим 14 дням" in text
    assert "Билеты 45 меньше на 25 %" in text
    # the other currency beside it, never added up, and nothing to compare with
    assert "1,07 млн KZT —" in text


def test_what_was_not_on_sale_before_has_no_change() -> None:
    assert "Билеты 30 —" in draw(compared=[compared(previous_tickets_sold=None)])


def test_a_show_to_come_says_where_it_should_be_and_where_it_will_end() -> None:
    rows = {"events": [event()], "accuracy": better((7, True), (1, False))}
    text = draw(**rows, shows=[show()])
    assert "2 дек, ср, 19:30 (МСК+4) , через 7 дней" in text
    assert "Продано 55 опережает Обычно к этому дню 50 Осталось 40 из 100" in text
    assert "Прогноз ≈ 80 (70–95) Обычная ошибка ± 22 % По 12 показам этого мероприятия." in text
    assert "раскупят до начала" in draw(**rows, shows=[show(will_sell_out=True)])


def test_where_the_curve_is_no_better_than_the_pace_there_is_a_band_only() -> None:
    accuracy = better((28, True), (7, False), (1, True))
    text = draw(events=[event()], accuracy=accuracy, shows=[show()])
    assert "Прогноз 70–95 Обычная ошибка" in text
    assert "кривая не точнее темпа" in text
    assert "≈" not in text


def test_no_forecast_is_said_to_be_none() -> None:
    none = {"forecast_tickets": None, "forecast_low": None, "forecast_high": None, "verdict": None}
    text = draw(events=[event()], shows=[show(**none, expected_tickets_now=None)])
    assert "Прогноза нет" in text
    assert "Обычн" not in text.split("Что значат слова")[1].split("Билеты")[0]


@pytest.mark.parametrize(
    ("local_start", "says"),
    [
        ("2026-12-02 15:30", "2 дек, ср, 15:30 "),
        ("2026-12-02 14:30", "2 дек, ср, 14:30 (МСК−1)"),
        ("2026-12-02 18:15", "2 дек, ср, 18:15 (МСК+2:45)"),
        ("2026-12-03 00:30", "3 дек, чт, 00:30 (МСК+9)"),
        (None, "2 дек, ср, 15:30 "),
    ],
)
def test_a_show_starts_by_the_clock_of_its_hall(local_start: str | None, says: str) -> None:
    assert says in draw(events=[event()], shows=[show(local_start=local_start)])


def test_an_exhibition_that_began_is_no_next_show() -> None:
    began = show(starts_at=datetime(2026, 2, 1, 7, tzinfo=UTC), days_before_show=-297)
    found = pages(events=[event()], shows=[began])
    assert "Ближайший показ" not in found["index.html"]
    assert "уже идёт" in found["events/7.html"]
    assert "-297" not in found["events/7.html"]


def test_unknown_is_not_zero() -> None:
    unknown = {"tickets_left": None, "share_sold": None, "left_value": None}
    text = draw(events=[event(**unknown)], quality=[resource(api_total=None)])
    assert "Остаток неизвестен из 100 На сумму неизвестно" in text
    assert "1 234 из неизвестно" in text


def test_what_is_left_has_its_worth_and_no_promise_to_last() -> None:
    text = draw(events=[event()], shows=[show(will_sell_out=True), show(show_id=71)])
    assert "Осталось 40 из 100 На сумму 1,23 млн ₽ Продано за 7 дней 10" in text
    assert "Раскупят до начала 1 из 2 показов" in text
    assert "хватит" not in text
    assert "Распродано из 100 Продано" in draw(
        events=[event(tickets_left=0, left_value=Decimal(0))]
    )


def test_events_stand_in_one_order_everywhere() -> None:
    # A currency with more tickets comes first, and in it what earned more.
    events = [event(event_id=n, event_name=f"№{n}") for n in (1, 2)]
    events.append(event(event_id=3, event_name="№3", currency="KZT"))
    rows = [
        compared(scope="event", event_id=1, revenue=Decimal(10)),
        compared(scope="event", event_id=2, revenue=Decimal(20)),
        compared(scope="event", event_id=3, revenue=Decimal(30), currency="KZT"),
        compared(),
        compared(currency="KZT", tickets_sold=2),
    ]
    shows = [show(event_id=n, show_id=n) for n in (3, 1, 2)]
    refunds = [
        {
            "event_id": n,
            "event_name": f"№{n}",
            "city": "Томск",
            "currency": "RUB",
            "tickets_ever_sold": 9,
            "tickets_refunded": 1,
            "refunded_amount": Decimal(5),
        }
        for n in (1, 2, 3)
    ]
    text = draw(events=events, compared=rows, shows=shows, refunds=refunds)
    order = re.findall(r"№(\d)", text)
    assert order == ["2", "1", "3"] * 4  # ranking, next shows, what is left, refunds


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
        "month_tickets_of_currency": 50,
        "plan_revenue_of_currency": Decimal(4000),
        "earned_of_currency": Decimal(5000),
        "month_revenue_of_currency": Decimal(6000),
    }
    return fine | of_currency | changes


def test_plan_and_fact() -> None:
    text = draw(plan=[planned()])
    assert "Выручка 5 000 ₽ из 6 000 ₽ к сегодняшнему дню должно быть 4 000 ₽ : есть 125 %" in text
    assert "Билеты 30 из 50 к сегодняшнему дню должно быть 40 : есть 75 %" in text
    assert "остальные мероприятия Томск 30 из 40 −10 75 %" in text
    assert "5 000,00 ₽ из 4 000,00 ₽ +1 000,00 ₽ 125 %" in text


def test_a_plan_of_nothing_has_no_percentage() -> None:
    none = {key: None for key in planned() if "share" in key}
    zero = {key: Decimal(0) for key in planned() if key.startswith(("plan_", "month_"))}
    text = draw(plan=[planned(**none, **zero, event_id=7, event_name="Щелкунчик")])
    assert "Щелкунчик Томск 30 из 40 −10 5 000,00 ₽" in text
    assert "%" not in text.split("Что значат слова")[1].split("Что осталось")[0]


def source(name: str, campaign: str, **changes: Any) -> dict[str, Any]:
    fine = {"currency": "RUB", "revenue": Decimal(10), "tickets": 3, "spend": None}
    return {"utm_source": name, "utm_campaign": campaign} | fine | changes


def test_sources_have_shares_and_romi_where_costs_are_known() -> None:
    text = draw(
        sources=[
            source("vk", "(none)", tickets=6, spend=Decimal(4)),
            source("(none)", "(none)", tickets=2),
            source("(none)", "(none)", tickets=2, currency="KZT"),
            *(source("ya", f"{n}", tickets=1, spend=Decimal(20)) for n in range(8)),
        ]
    )
    assert "vk без кампании 6 33 % 10,00 ₽ ROMI 150 %" in text
    assert "без метки 4 22 % 10,00 KZT 10,00 ₽" in text.replace(
        "10,00 ₽ 10,00 KZT", "10,00 KZT 10,00 ₽"
    )
    assert "остальные 2 11 % 20,00 ₽ ROMI −50 %" in text


def test_promo_codes_and_discounts_that_are_not_known_have_a_number() -> None:
    row = {
        "promo_code_id": 5,
        "promo_code": "unknown",
        "discount_id": 6,
        "discount_name": "unknown",
        "currency": "RUB",
        "revenue": Decimal(10),
        "discount_cost": Decimal(2),
        "tickets": 5,
    }
    by_itself = {"promo_code_id": 0, "promo_code": "(none)", "discount_name": "Детям", "tickets": 4}
    no_discount = {"promo_code": "ВЕСНА", "discount_id": 0, "discount_name": "(none)", "tickets": 3}
    text = draw(promo=[row, row | by_itself, row | no_discount])
    assert "промокод № 5 скидка № 6 5 10,00 ₽ 2,00 ₽ без промокода Детям" in text
    assert "ВЕСНА без скидки 3" in text


def test_more_may_be_paid_back_on_a_day_than_comes_in() -> None:
    day = {
        "day": NOW.date(),
        "currency": "RUB",
        "paid": Decimal(0),
        "paid_back": Decimal(150),
        "net_cash": Decimal(-150),
    }
    yesterday = {"day": date(2026, 11, 24), "paid": Decimal(100), "paid_back": Decimal(0)}
    text = draw(cash=[day, day | yesterday | {"net_cash": Decimal(100)}])
    assert "14 дней 100,00 ₽ −150,00 ₽ −50,00 ₽" in text
    assert "25 ноя 0,00 ₽ −150,00 ₽ −150,00 ₽ 24 ноя 100,00 ₽ 100,00 ₽" in text


def test_a_page_of_an_event_shows_no_other() -> None:
    other = event(event_id=8, event_name="Секрет")
    sold = {"day": NOW.date(), "city": "Томск", "currency": "RUB", "tickets_sold": 4}
    days = [
        sold | {"event_id": 7, "revenue": Decimal(111)},
        sold | {"event_id": 8, "revenue": Decimal(222)},
    ]
    found = pages(events=[event(), other], shows=[show(), show(event_id=8, show_id=80)], days=days)
    assert set(found) == {"index.html", "events/7.html", "events/8.html"}
    assert "111,00 ₽" in found["events/7.html"]
    assert "222,00" not in found["events/7.html"]
    assert "Секрет" not in found["events/7.html"]
    assert "333,00 ₽" in found["index.html"]


def test_what_has_no_name_is_said_to_have_none() -> None:
    text = draw(events=[event(event_name="unknown", city="unknown")])
    assert "мероприятие № 7, название неизвестно" in text
    assert "город неизвестен" in text


def test_names_from_outside_stay_names() -> None:
    html = page.draw(
        Figures(
            NOW,
            NOW.date(),
            {path.stem: [] for path in figures.QUERIES.glob("*.sql")}
            | {"events": [event(event_name="<script>x</script>", place_name="<b>")]},
            {},
        )
    )
    for text in html.values():
        assert "<script" not in text
        assert "<b>" not in text
        assert "&lt;script&gt;x" in text


def test_the_link_to_the_docs_is_there_when_asked_for() -> None:
    assert "Что значит каждое число" not in draw()
    assert "Что значит каждое число" in draw(docs="docs.html")


def test_each_query_reads_marts_only() -> None:
    for path in figures.QUERIES.rglob("*.sql"):
        sql = path.read_text()
        own = set(re.findall(r"^(\w+) as \($", sql, re.MULTILINE))
        read = set(re.findall(r"\b(?:from|join) (\w+)", sql)) - own
        assert read <= figures.marts(), path
        assert path.stem == "clock" or read


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [
        ("1234.5", "RUB", "1\xa0234,50\xa0₽"),
        ("0", "RUB", "0,00\xa0₽"),
        ("1234567.89", "KZT", "1\xa0234\xa0567,89\xa0KZT"),
        ("100", "JPY", "100,00\xa0¥"),
        ("5", "unknown", "5,00\xa0(валюта неизвестна)"),
    ],
)
def test_money_is_written_the_russian_way(amount: str, currency: str, says: str) -> None:
    assert words.money(Decimal(amount), currency) == says


@pytest.mark.parametrize("amount", ["0", "7.005", "-1234.5", "999.995", "1234567.89", "0.1"])
def test_numbers_are_written_as_babel_does(amount: str) -> None:
    says = format_currency(Decimal(amount), "RUB", locale="ru").replace("-", "−")
    assert words.money(Decimal(amount), "RUB") == says
    assert words.number(int(Decimal(amount)) ** 2) == format_decimal(
        int(Decimal(amount)) ** 2, locale="ru"
    )


@pytest.mark.parametrize(
    ("share", "says"),
    [(0.256, "26\xa0%"), (-0.001, "0\xa0%"), (-0.5, "−50\xa0%"), (12.5, "1\xa0250\xa0%")],
)
def test_percentages(share: float, says: str) -> None:
    assert words.percent(share) == says


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("0", "0\xa0₽"),
        ("4818.6", "4\xa0819\xa0₽"),
        ("93304.24", "93,3\xa0тыс.\xa0₽"),
        ("1072074.84", "1,07\xa0млн\xa0₽"),
        ("-366213.85", "−366\xa0тыс.\xa0₽"),
        ("12345678901", "12,3\xa0млрд\xa0₽"),
    ],
)
def test_outside_tables_money_is_short(amount: str, says: str) -> None:
    assert words.short_money(Decimal(amount), "RUB") == says


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
    assert charts.unit(Decimal(most))[0] == unit
    scale = charts.ticks(Decimal(most) / charts.unit(Decimal(most))[1])
    assert scale[0] == 0
    assert 2 <= len(scale) <= 6
    assert scale[-1] >= Decimal(most) / charts.unit(Decimal(most))[1]


DAYS = [date(2026, 11, 12) + timedelta(days=n) for n in range(14)]


def test_a_large_house_has_an_axis_instead_of_numbers_on_bars() -> None:
    assert ">12345<" not in charts.bars(DAYS, {DAYS[3]: 12345}).replace("\xa0", "")
    assert ">999<" in charts.bars(DAYS, {DAYS[3]: 999})


@pytest.mark.parametrize("value", [0, -5])
def test_a_day_that_earned_nothing_or_less_has_no_bar(value: int) -> None:
    drawn = charts.bars(DAYS, {DAYS[3]: value}, always_axis=True) + charts.small(
        DAYS, {DAYS[3]: value}
    )
    assert "<rect" not in drawn
    assert 'height="-' not in drawn


def test_files_run_nothing_in_a_spreadsheet() -> None:
    rows = [{"name": '=HYPERLINK("x")', "amount": Decimal("-1.50"), "left": None, "day": DAYS[0]}]
    assert cli.table(rows) == 'name,amount,left,day\n"\'=HYPERLINK(""x"")",-1.50,,2026-11-12\n'
