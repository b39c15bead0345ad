"""The report in a browser: each figure equals the marts', on any screen, and nobody is kept out."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import pytest

from tests.browser import DESKTOP, PHONE, Browser
from tests.published import CAMPAIGN, CITY, CODE, LONG, SCRIPT, SOURCE, Site

MOSCOW = ZoneInfo("Europe/Moscow")
MONTHS = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
WEEKDAYS = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"]
SIGNS = {"₽": "RUB", "KZT": "KZT"}
UNITS = {"": 1, "тыс.": 10**3, "млн": 10**6, "млрд": 10**9}
BEST = 8  # then «остальные»

# each element that matches: its data- attributes and the text of its parts, null when unseen
READ = """
([selector, parts]) => {
const text = e => e && e.checkVisibility() ? (e.innerText ?? e.textContent).trim() : null;
return [...document.querySelectorAll(selector)].map(e => ({
    ...e.dataset,
    ...Object.fromEntries(Object.entries(parts).map(([name, part]) => [
        name, part.endsWith('*')
            ? [...e.querySelectorAll(part.slice(0, -1))].map(text)
            : text(part ? e.querySelector(part) : e)])),
}));
}
"""


_ASKED: dict[str, list[tuple[Any, ...]]] = {}


def query(site: Site, sql: str) -> list[tuple[Any, ...]]:
    """Ask the marts once for all tests here: nothing writes to them while the tests look."""
    if sql not in _ASKED:
        _ASKED[sql] = site.query(sql)
    return _ASKED[sql]


def read(browser: Browser, selector: str, **parts: str) -> list[dict[str, Any]]:
    """Return what is seen of each element: a part is a selector inside it, all of them with *."""
    found: list[dict[str, Any]] = browser.run(READ, [selector, parts])
    return found


def cells(browser: Browser, table: str) -> list[list[str]]:
    """Return the text of each cell of a table that is on the screen."""
    return [row["cells"] for row in read(browser, f"#{table} tbody tr", cells="th, td*")]


def number(text: str | None) -> int | None:
    """«1 234» -> 1234; «неизвестно» -> None."""
    assert text is not None
    return None if text == "неизвестно" else int(re.sub(r"\s", "", text.replace("−", "-")))


def whole(text: str | None) -> int:
    found = number(text)
    assert found is not None
    return found


def money(text: str | None) -> tuple[str, Decimal]:
    """«−1 234,50 ₽» -> RUB, -1234.50: spaces that do not break, a comma, two digits, the sign."""
    match = re.fullmatch(r"([+−]?)(\d{1,3}(?:\xa0\d{3})*),(\d\d)\xa0(\S+)", text or "")
    assert match, text
    amount = Decimal(f"{whole(match[2])}.{match[3]}")
    return SIGNS[match[4]], -amount if match[1] == "−" else amount


def is_short_for(text: str | None, amount: Decimal, currency: str) -> bool:
    """Say whether «1,07 млн ₽» is this amount, to the last digit shown."""
    match = re.fullmatch(
        r"(−?)([\d\xa0]+)(?:,(\d+))?\xa0(?:(тыс\.|млн|млрд)\xa0)?(\S+)", text or ""
    )
    assert match, text
    digits = match[3] or ""
    shown = Decimal(f"{whole(match[2])}.{digits or 0}") * (-1 if match[1] else 1)
    size = UNITS[match[4] or ""]
    assert len(digits) <= 2, text
    return SIGNS[match[5]] == currency and abs(shown * size - amount) <= Decimal(size) / 10 ** len(
        digits
    ) / Decimal("1.99")


def change(text: str | None) -> int | None:
    """«меньше на 29 %» -> -29; «—» -> None."""
    text = re.sub(r"\s+", " ", text or "").removeprefix("к прошлому году ").strip()
    if text == "—":
        return None
    match = re.fullmatch(r"(?:(больше на|меньше на) ?)?([\d ]+) %", text)
    assert match, text
    size = int(match[2].replace(" ", ""))
    assert (size == 0) == (match[1] is None), text
    return -size if match[1] == "меньше на" else size


def rounded(value: float | Decimal | None) -> int | None:
    return None if value is None else round(value)


def percent(part: Any, of: Any = 1) -> str | None:
    """Return what is shown of a share; None when there is nothing to compare with."""
    if part is None or not of:
        return None
    text = f"{100 * round(float(part) / float(of), 2):,.0f}\xa0%"
    return text.replace(",", "\xa0").replace("-", "−")


def short(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def begins(starts_at: datetime, local_start: str) -> str:
    """Return when a show starts, on the clock of its hall, and how far that is from Moscow's."""
    local = datetime.fromisoformat(local_start)
    moscow = starts_at.replace(tzinfo=ZoneInfo("UTC")).astimezone(MOSCOW).replace(tzinfo=None)
    hours = (local - moscow).total_seconds() / 3600
    zone = f" (МСК{'+' if hours > 0 else '−'}{abs(hours):g})" if hours else ""
    return f"{short(local)}, {WEEKDAYS[local.weekday()]}, {local:%H:%M}{zone}"


def opened(
    browser: Browser, url: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False
) -> date:
    """Open a page with all that can be folded unfolded. Return its day."""
    browser.open(url, size, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    at = browser.run("document.querySelector('time').dateTime")
    return datetime.fromisoformat(at).date()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def today(browser: Browser, site: Site, size: tuple[int, int]) -> date:
    return opened(browser, site.report, size)


def of_14_days(today: date) -> str:
    return f"between '{today - timedelta(days=13)}' and '{today}'"


COMPARED = """
    select scope, event_id, period, currency, tickets_sold, revenue, average_price,
           previous_tickets_sold, tickets_change, revenue_change, average_price_change,
           revenue_change_year
    from v_sales_compared
"""


def compared(site: Site, scope: str, event_id: int = 0) -> list[tuple[Any, ...]]:
    """Return period, currency, tickets, revenue, average, tickets before, and four changes."""
    return [row[2:] for row in query(site, COMPARED) if row[:2] == (scope, event_id)]


def check_headline(browser: Browser, site: Site, scope: str, event_id: int = 0) -> None:
    rows = compared(site, scope, event_id)
    of_14 = sorted((row for row in rows if row[0] == "14_days"), key=lambda row: -row[2])
    by_currency = {row[1]: row for row in of_14}
    (card,) = read(browser, "#revenue", amounts="[data-currency]*", changes=".up, .down*")
    currencies = browser.run(
        "[...document.querySelectorAll('#revenue [data-currency]')].map(e => e.dataset.currency)"
    )
    assert sorted(currencies) == sorted(by_currency)
    for currency, amount in zip(currencies, card["amounts"], strict=True):
        assert is_short_for(amount, by_currency[currency][3], currency)
    changes = [rounded(by_currency[currency][7]) for currency in currencies]
    assert [change(text) for text in card["changes"]] == [n for n in changes if n]

    (card,) = read(
        browser,
        "#tickets",
        sold=".big",
        change="p:nth-of-type(2)",
        today=".today",
        was=".yesterday",
    )
    assert number(card["sold"]) == sum(row[2] for row in of_14)
    before = sum(row[5] or 0 for row in of_14)
    known = of_14 and before and all(row[5] is not None for row in of_14)
    expected = round(100 * (sum(row[2] for row in of_14) / before - 1)) if known else None
    assert change(card["change"]) == expected
    for part, period in (("today", "today"), ("was", "yesterday")):
        assert number(card[part]) == sum(row[2] for row in rows if row[0] == period)

    (card,) = read(browser, "#average", amounts="[data-currency]*")
    for currency, amount in zip(currencies, card["amounts"], strict=True):
        average = by_currency[currency][4]
        assert amount == "—" if average is None else is_short_for(amount, average, currency)


def check_periods(browser: Browser, site: Site, scope: str, event_id: int = 0) -> None:
    expected = {
        (period, currency): (
            [sold, rounded(tickets_change)],
            [(currency, revenue), rounded(revenue_change), rounded(year_change)],
            [average and (currency, average), rounded(average_change)],
        )
        for period, currency, sold, revenue, average, _, *changes in compared(site, scope, event_id)
        for tickets_change, revenue_change, average_change, year_change in [changes]
    }
    found = {}
    for row in read(
        browser, "#periods tbody tr", sold=".tickets", revenue=".revenue", average=".average"
    ):
        sold, revenue, average = (row[part].split("\n") for part in ("sold", "revenue", "average"))
        found[row["period"], row["currency"]] = (
            [number(sold[0]), change(sold[1])],
            [money(revenue[0]), change(revenue[1]), change(revenue[2]) if revenue[2:] else None],
            [None if average[0] == "—" else money(average[0]), change(average[1])],
        )
    assert found == expected
    assert expected


def test_the_headline_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    check_headline(browser, site, "all")
    check_periods(browser, site, "all")
    ((made, paid),) = query(
        site,
        "select sum(orders_made), sum(orders_paid) from fact_qtickets_orders_daily"
        f" where order_date {of_14_days(today)}",
    )
    ((sold, refunded),) = query(
        site, "select sum(tickets_sold), sum(tickets_refunded) from v_sales_14d"
    )
    (line,) = read(browser, ".funnel", paid=".paid-share", refunded=".refunded-share")
    assert line["paid"] == percent(paid, made)
    assert float(line["refunded"].removesuffix("\xa0%").replace(",", ".")) == pytest.approx(
        100 * refunded / (sold + refunded), abs=0.051
    )
    assert 0 < paid < made


def test_events_stand_by_revenue_and_equal_the_marts(
    browser: Browser, site: Site, today: date
) -> None:
    totals = {row[1]: row[3] for row in compared(site, "all") if row[0] == "14_days"}
    taken = dict(query(site, "select event_id, share_sold from v_sell_through"))
    expected = {
        (event_id, currency): (
            sold,
            (currency, revenue),
            percent(revenue, totals[currency]),
            rounded(revenue_change),
            average and (currency, average),
            percent(taken.get(event_id)),
        )
        for event_id, currency, sold, revenue, revenue_change, average in query(
            site,
            "select event_id, currency, tickets_sold, revenue, revenue_change, average_price"
            " from v_sales_compared where scope = 'event' and period = '14_days'",
        )
    }

    def value(text: str) -> str:
        return text.split(" ", 1)[-1] if text.startswith(("билеты ", "ср. ", "занято ")) else text

    parts = ("tickets", "revenue", "share", "change", "average", "taken")
    found = {}
    for row in read(browser, ".events tbody tr", **{part: f".{part}" for part in parts}):
        sold, revenue, share, changed, average, taken_share = (value(row[part]) for part in parts)
        found[int(row["event"]), row["currency"]] = (
            number(sold),
            money(revenue),
            share,
            change(changed),
            None if average == "—" else money(average),
            None if taken_share == "—" else taken_share,
        )
    assert found == expected
    assert len(found) > 5
    assert None in {row[5] for row in found.values()} != {None}
    order = [(row[1][0] != "RUB", -row[1][1]) for row in found.values()]
    assert order == sorted(order)


def check_shows(browser: Browser, site: Site, shows: Iterable[int]) -> None:
    accuracy = query(
        site,
        "select days_before, is_better_than_pace from v_forecast_accuracy"
        " where median_error is not null order by days_before desc",
    )
    sold = dict(
        query(
            site,
            "select show_id, sum(tickets_sold) from fact_qtickets_sales_by_show_daily group by 1",
        )
    )
    forecasts = {
        row[0]: row[1:]
        for row in query(
            site,
            "select show_id, forecast_tickets, forecast_low, forecast_high, verdict, typical_error,"
            " expected_tickets_now, will_sell_out, days_before_show from v_show_forecast",
        )
    }
    verdicts = {"ahead": "опережает", "on track": "по графику", "behind": "отстаёт"}
    expected = {}
    for show_id, starts_at, local_start, left, total in query(
        site,
        "select show_id, i.starts_at, s.local_start, i.tickets_left, i.tickets_total"
        " from fact_qtickets_inventory_by_show as i left join dim_shows as s using show_id",
    ):
        if show_id not in shows:
            continue
        aim, low, high, verdict, error, usual, fills, days = forecasts.get(show_id, (None,) * 8)
        # as of yesterday, the last whole day; of two that are as near, the one further off
        nearest = min(accuracy, key=lambda row: abs(row[0] - (days or 0) - 1), default=(0, False))
        trusted = nearest[1] and low is not None
        expected[show_id] = {
            "starts": begins(starts_at, local_start),
            "sold": sold.get(show_id, 0),
            "left": left,
            "total": None if left == 0 else total,
            "expected": None if usual is None else round(usual),
            "forecast": aim if trusted else None,
            "band": None if low is None else [low, high],
            "error": percent(error, 100) if low is not None else None,
            "verdict": verdict and verdicts[verdict],
            "fills": bool(fills) and low is not None,
        }
    found = {}
    parts = {
        "starts": ".starts",
        "sold": ".tickets-sold",
        "left": ".tickets-left",
        "total": ".tickets-total",
        "expected": ".expected",
        "forecast": ".forecast",
        "band": ".half",
        "error": ".error",
        "verdict": ".verdict",
        "text": "",
    }
    for row in read(browser, ".show", **parts):
        seen: dict[str, Any] = {
            "starts": row["starts"],
            "sold": number(row["sold"]),
            "left": 0 if "распродано" in row["text"] else number(row["left"]),
            "total": row["total"] and number(row["total"]),
            "expected": row["expected"] and number(row["expected"]),
            "forecast": row["forecast"] and number(row["forecast"].lstrip("≈\xa0")),
            "band": row["band"] and [number(n) for n in row["band"].strip("()").split("–")],
            "error": row["error"],
            "verdict": row["verdict"],
            "fills": "раскупят до начала" in row["text"].replace("\xa0", " "),
        }
        found[int(row["show"])] = seen
    for show_id, seen in found.items():
        assert seen == expected.pop(show_id), show_id
    assert not expected


def test_the_next_shows_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    following = query(
        site,
        "select argMin(show_id, starts_at), event_id from fact_qtickets_inventory_by_show"
        " where starts_at > now() group by event_id",
    )
    check_shows(browser, site, [show for show, _ in following])
    assert len(following) > 5
    drawn = browser.run("document.querySelectorAll('.show svg .sold').length")
    assert drawn > 3


def test_the_days_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    days = [today - timedelta(days=n) for n in range(14)]
    by_day: Counter[date] = Counter()
    revenue: dict[date, Counter[str]] = defaultdict(Counter)
    by_city: Counter[tuple[date, str, str]] = Counter()
    city_revenue: Counter[tuple[date, str, str]] = Counter()
    for day, city, currency, sold, amount in query(
        site,
        "select sales_date, city, currency, tickets_sold, revenue from fact_qtickets_sales_daily"
        f" where sales_date {of_14_days(today)}",
    ):
        by_day[day] += sold
        revenue[day][currency] += amount
        by_city[day, city, currency] += sold
        city_revenue[day, city, currency] += amount
    found = cells(browser, "days")
    assert [row[0].split(",")[0] for row in found] == [short(day) for day in days]
    assert [number(row[1]) for row in found] == [by_day[day] for day in days]
    for day, row in zip(days, found, strict=True):
        assert dict(money(line) for line in row[2].split("\n")) == revenue[day]

    # the chart of tickets has its numbers on its bars
    labels = browser.run("[...document.querySelectorAll('.charts .value')].map(e => e.textContent)")
    assert [number(text) for text in labels] == [n for day in reversed(days) if (n := by_day[day])]

    in_cities = {
        (row[0], row[1], money(row[3])[0]): (number(row[2]), money(row[3])[1])
        for row in cells(browser, "city-days")
    }
    assert in_cities == {
        (short(day), city, currency): (sold, city_revenue[day, city, currency])
        for (day, city, currency), sold in by_city.items()
    }
    of_city: Counter[str] = Counter()
    for (_, city, _), sold in by_city.items():
        of_city[city] += sold
    cards = read(browser, ".cities .card", name="h3", sold=".tickets", best="svg .value")
    assert {card["name"]: number(card["sold"]) for card in cards} == of_city
    assert len(of_city) > 4
    best: dict[str, Counter[date]] = defaultdict(Counter)
    for (day, city, _), sold in by_city.items():
        best[city][day] += sold
    labels = browser.run(
        "[...document.querySelectorAll('.cities svg')].map("
        "e => e.querySelector('.value').textContent)"
    )
    assert [number(text) for text in labels] == [max(best[card["name"]].values()) for card in cards]


def test_what_is_left_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    worth: dict[int, Decimal | None] = {}
    for event_id, value in query(
        site, "select event_id, left_value from fact_qtickets_inventory_by_price"
    ):
        known = worth.get(event_id, Decimal(0))
        worth[event_id] = None if known is None or value is None else known + value
    fills = Counter(
        event_id
        for event_id, fills in query(site, "select event_id, will_sell_out from v_show_forecast")
        if fills
    )
    expected = {
        event_id: (left, total, sold, worth.get(event_id), currency)
        for event_id, left, total, sold, currency in query(
            site,
            "select event_id, tickets_left, tickets_total, tickets_sold_7d, currency"
            " from v_sell_through inner join dim_events using event_id",
        )
    }
    found = {}
    for card in read(
        browser,
        ".left .card",
        left=".tickets-left",
        total=".tickets-total",
        sold=".sold-7d",
        value=".left-value",
        fills=".will-sell-out",
        text="",
    ):
        event_id = int(card["event"])
        left, _, _, value, currency = expected[event_id]
        found[event_id] = (
            0 if "Распродано" in card["text"] else card["left"] and number(card["left"]),
            card["total"] and number(card["total"]),
            number(card["sold"]),
            value,
            currency,
        )
        assert ("Остаток неизвестен" in card["text"]) == (left is None)
        if left == 0:
            assert card["value"] is None
        elif value is None:
            assert card["value"] == "неизвестно"
        else:
            assert is_short_for(card["value"], value, currency)
        if card["fills"]:
            assert number(card["fills"]) == fills[event_id]
        # how long it lasts at this pace says nothing of a show that begins before
        assert "хватит" not in card["text"]
    assert found == expected
    assert {True, False} == {row[3] is None for row in expected.values()}


def test_plan_and_fact_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    due: dict[tuple[int, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    month: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    for day, event_id, city, currency, tickets, sold, planned, revenue in query(
        site,
        "select sales_date, event_id, city, currency, planned_tickets, tickets_sold,"
        " planned_revenue, revenue from v_plan_vs_fact",
    ):
        if (day.year, day.month) == (today.year, today.month) and tickets is not None:
            old = month[currency]
            month[currency] = [a + b for a, b in zip(old, (tickets, planned), strict=True)]
            if day <= today:
                new = (tickets, sold, planned, revenue)
                key = (event_id, city, currency)
                due[key] = [a + b for a, b in zip(due[key], new, strict=True)]

    expected = {}
    for key, (tickets, sold, planned, revenue) in due.items():
        expected[key] = (
            [sold, tickets, sold - tickets, percent(sold, tickets)],
            [revenue, planned, revenue - planned, percent(revenue, planned)],
        )
    found = {}
    for row in read(browser, "#plan tbody tr", cells="td*"):
        tickets, revenue = (
            [line.removeprefix("из").strip() for line in cell.split("\n")] for cell in row["cells"]
        )
        currency = row["currency"]
        assert {money(amount)[0] for amount in revenue[:3]} == {currency}
        found[int(row["event"]), row["city"], currency] = (
            [*(number(n) for n in tickets[:3]), tickets[3] if tickets[3:] else None],
            [*(money(n)[1] for n in revenue[:3]), revenue[3] if revenue[3:] else None],
        )
    assert found == expected
    assert None in {tickets[3] for tickets, _ in found.values()}  # one has a plan of nothing

    cards = read(
        browser, ".plans .card", done=".done*", month=".month*", due=".due-by-now*", of=".of-due*"
    )
    assert {card["currency"] for card in cards} == {key[2] for key in due} == {"RUB", "KZT"}
    for card in cards:
        currency = card["currency"]
        tickets, sold, planned, revenue = (
            sum((due[key][n] for key in due if key[2] == currency), Decimal(0)) for n in range(4)
        )
        for part, amount, count in (
            ("done", revenue, sold),
            ("due", planned, tickets),
            ("month", month[currency][1], month[currency][0]),
        ):
            assert is_short_for(card[part][0], amount, currency)
            assert number(card[part][1]) == count
        assert card["of"] == [percent(revenue, planned), percent(sold, tickets)]


def test_sources_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    tickets: Counter[tuple[str, str]] = Counter()
    sums: dict[tuple[str, str], dict[str, list[Any]]] = defaultdict(dict)
    rows = query(
        site,
        "select utm_source, utm_campaign, currency, sum(tickets_sold), sum(r.revenue),"
        " sum(r.spend) from v_romi_daily as r"
        f" where spend_date {of_14_days(today)} group by 1, 2, 3",
    )
    for source, campaign, _, sold, *_ in rows:
        tickets[source, campaign] += sold
    order = sorted(tickets, key=lambda key: (-tickets[key], key))
    rest = ("остальные", "")
    for source, campaign, currency, _, revenue, spend in rows:
        key = (source, campaign) if (source, campaign) in order[:BEST] else rest
        old = sums[key].get(currency, [Decimal(0), None])
        spent = old[1] if spend is None else (old[1] or 0) + spend
        sums[key][currency] = [old[0] + revenue, spent]
    expected = []
    for key in [*order[:BEST], rest]:
        sold = tickets[key] if key != rest else sum(tickets[k] for k in order[BEST:])
        money_of = {
            currency: (revenue, percent(revenue - spend, spend) if spend else None)
            for currency, (revenue, spend) in sums[key].items()
        }
        source, campaign = key
        name = "без метки" if source == "(none)" else source
        if key == ("(none)", "(none)"):
            campaign = ""
        elif campaign == "(none)":
            campaign = "без кампании"
        expected.append((name, campaign, sold, percent(sold, sum(tickets.values())), money_of))
    found = []
    for name, sold_and_share, amounts in cells(browser, "sources"):
        source, _, campaign = name.partition("\n")
        sold, share = sold_and_share.split("\n")
        money_of = {}
        for line in amounts.split("\n"):
            if line.startswith("ROMI"):
                money_of[currency] = (money_of[currency][0], line.removeprefix("ROMI").strip())
            else:
                currency, revenue = money(line)
                money_of[currency] = (revenue, None)
        found.append((source, campaign, number(sold), share, money_of))
    assert found == expected
    (romi,) = (row[4]["RUB"][1] for row in found if row[:2] == (SOURCE, CAMPAIGN))
    assert romi


def test_ticket_types_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    rows = query(
        site,
        "select ticket_type_name, currency, tickets_sold,"
        " tickets_sold + tickets_refunded - tickets_free, gross_revenue, revenue"
        f" from fact_qtickets_sales_by_type_daily where sales_date {of_14_days(today)}",
    )
    tickets: Counter[str] = Counter()
    for name, _, sold, *_ in rows:
        tickets[name] += sold
    best = sorted((name for name in tickets), key=lambda name: (-tickets[name], name))[:BEST]
    sums: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    of_rest = 0
    for name, currency, sold, *measures in rows:
        key = name if name in best else "остальные"
        of_rest += 0 if name in best else sold
        old = sums[key].get(currency, [0, Decimal(0), Decimal(0)])
        sums[key][currency] = [a + b for a, b in zip(old, measures, strict=True)]
    found = {}
    for name, sold, amounts in cells(browser, "types"):
        shown = [money(line) for line in amounts.split("\n")]
        found["unknown" if name == "без названия" else name] = number(sold)
        expected: list[tuple[str, Decimal]] = []
        of_currency = {currency: 0 for currency, _ in shown}
        for currency in of_currency:
            paid, gross, revenue = sums["unknown" if name == "без названия" else name][currency]
            expected.append((currency, revenue))
            if paid:
                expected.append((currency, round(gross / paid, 2)))
        assert shown == expected
    assert found == {name: tickets[name] for name in best} | (
        {"остальные": of_rest} if len(tickets) > BEST else {}
    )
    assert len(found) > 2


def test_promo_codes_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    sales = query(
        site,
        "select promo_code, promo_code_id, discount_id, discount_name, currency, tickets_sold,"
        f" revenue, discount_cost from v_qtickets_sales_promo where sales_date {of_14_days(today)}"
        " and (promo_code_id != 0 or discount_id != 0)",
    )
    tickets: Counter[tuple[Any, ...]] = Counter()
    for *key, _, sold, _, _ in sales:
        tickets[tuple(key)] += sold
    top = sorted(tickets, key=lambda key: (-tickets[key], key))[:BEST]
    assert len(tickets) > BEST
    expected: dict[tuple[int, int], list[Any]] = {}
    for key in [*top, None]:
        these = [row for row in sales if (tuple(row[:4]) if tuple(row[:4]) in top else None) == key]
        sums: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for *_, currency, _, amount, cost in these:
            sums[0][currency] += amount
            sums[1][currency] += cost
        ids = (key[1], key[2]) if key else (0, 0)
        expected[ids] = [sum(row[5] for row in these), *sums]

    found = {}
    names = []
    for row in read(browser, "#promo tbody tr", name="th", cells="td*"):
        sold, amounts = row["cells"]
        lines = amounts.split("\n")
        found[int(row["promoCode"]), int(row["discount"])] = [
            number(sold),
            dict(money(line) for line in lines[::2]),
            dict(money(line) for line in lines[1::2]),
        ]
        names.append(row["name"].split("\n")[0])
    assert list(found.items()) == list(expected.items())
    assert CODE in names
    assert "(none)" not in names
    assert names[-1] == "остальные"


def test_the_hours_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    tickets: Counter[tuple[int, int]] = Counter()
    for day, hour, sold in query(
        site, "select sales_date, sales_hour, tickets_sold from fact_qtickets_sales_hourly"
    ):
        if today - timedelta(days=28) <= day < today:
            tickets[hour, day.weekday()] += sold
    found = [[number(cell) for cell in row] for row in cells(browser, "week")]
    assert found == [[hour, *(tickets[hour, day] for day in range(7))] for hour in range(24)]
    strongest = browser.run(
        "[...document.querySelectorAll('.week .hour')].findIndex("
        "e => e.getAttribute('fill-opacity') === '1.00')"
    )
    assert tickets[strongest % 24, strongest // 24] == max(tickets.values())


def test_buyers_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    expected = {
        event_id: (new, returning, nobody)
        for event_id, new, returning, nobody in query(
            site,
            "select event_id, new_buyers, returning_buyers, orders_without_buyer from"
            f" fact_qtickets_buyers_monthly where sales_month = '{today.replace(day=1)}'",
        )
    }
    found = {}
    for row in read(browser, "#buyers tbody tr", name="th", cells="td*"):
        nobody = re.search(r"без покупателя (\d+)", row["name"])
        new, returning = row["cells"]
        found[int(row["event"])] = (number(new), number(returning), int(nobody[1]) if nobody else 0)
    assert found == expected
    assert all(sum(row[n] or 0 for row in found.values()) for n in range(3))


def check_attendance(browser: Browser, site: Site, where: str, most: int) -> None:
    expected = {
        show_id: (begins(starts_at, local), scanned, valid, percent(1 - share))
        for show_id, starts_at, local, scanned, valid, share in query(
            site,
            "select show_id, a.starts_at, s.local_start, tickets_scanned, tickets_valid,"
            " no_show_share"
            " from fact_qtickets_attendance_by_show as a left join dim_shows as s using show_id"
            " where no_show_share is not null"
            f" and {where} order by a.starts_at desc, show_id limit {most}",
        )
    }
    parts = {"scanned": ".scanned", "valid": ".valid", "share": ".came-share", "text": ""}
    found = {}
    for card in read(browser, ".attendance .card", **parts):
        starts = next(line for line in card["text"].split("\n") if re.search(r", \d\d:\d\d", line))
        shown = (starts.strip(), number(card["scanned"]), number(card["valid"]), card["share"])
        found[int(card["show"])] = shown
    assert found == expected


def test_attendance_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    check_attendance(browser, site, "true", 10)
    assert len(read(browser, ".attendance .card")) > 5


def test_cash_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    by_day: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for day, currency, *amounts in query(
        site,
        "select cash_date, currency, gross_revenue, refunded_amount, net_cash from v_cash_daily",
    ):
        if today - timedelta(days=14) < day <= today:
            for key in ((short(day), currency), ("14 дней", currency)):
                by_day[key] = [a + b for a, b in zip(by_day[key], amounts, strict=True)]
    found = {}
    for day, moved, net in cells(browser, "cash") + cells(browser, "cash-days"):
        currency, total = money(net)
        paid, *back = (money(line) for line in moved.split("\n"))
        assert {c for c, _ in (paid, *back)} == {currency}
        found[day, currency] = [paid[1], -back[0][1] if back else 0, total]
    assert found == by_day


def test_refunds_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    expected = {
        (event_id, currency): (refunded, amount, percent(refunded, sold + refunded))
        for event_id, currency, sold, refunded, amount in query(
            site,
            "select event_id, currency, tickets_sold, tickets_refunded, refunded_amount"
            " from v_sales_14d where tickets_refunded > 0 or refunded_amount > 0",
        )
    }
    found = {}
    for row in read(browser, ".refunds tbody tr", tickets=".tickets-refunded", cells="td*"):
        currency, amount = money(row["cells"][-1])
        share = row["cells"][0].split("\n")[1]
        found[int(row["event"]), currency] = (number(row["tickets"]), amount, share)
    assert found == expected
    assert found


def test_the_time_of_the_data_and_its_state(browser: Browser, site: Site, today: date) -> None:
    names = {
        "discounts": "Скидки",
        "events": "Мероприятия",
        "inventory": "Остатки",
        "orders": "Заказы",
        "promo_codes": "Промокоды",
    }
    quality = query(
        site,
        "select resource, rows_landed, api_total, is_fresh, is_complete,"
        " formatDateTime(last_proven_at, '%H:%i', 'Europe/Moscow')"
        " from v_data_quality order by resource",
    )
    assert {row[0] for row in quality} == set(names)
    assert all(fresh and complete for *_, fresh, complete, _ in quality)
    found = cells(browser, "quality")
    for row, (resource, landed, total, *_, proven_at) in zip(found, quality, strict=True):
        name, when = row[0].split("\n")
        assert name == f"✓ {names[resource]}"
        assert when.endswith(f", {proven_at}")
        assert [number(part) for part in row[1].split("из")] == [landed, total]
    (state,) = read(browser, "#state", text="", time="time")
    (orders,) = (row[5] for row in quality if row[0] == "orders")
    assert state["time"].endswith(
        f"{today.day} {MONTHS[today.month - 1]}{state['time'].split(MONTHS[today.month - 1])[1]}"
    )
    assert state["time"].endswith(f", {orders}")
    assert "✓\xa0свежие и полные" in state["text"]


def test_each_event_has_a_page_with_its_own_figures_only(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    names = dict(query(site, "select event_id, event_name from dim_events"))
    opened(browser, site.report, size)
    links = browser.run(
        "[...document.querySelectorAll('.events a, .left a, .shows a')].map(a => a.href)"
    )
    drawn = {int(link.rsplit("/", 1)[1].removesuffix(".html")) for link in links}
    upcoming = {event_id for (event_id,) in query(site, "select event_id from v_sell_through")}
    assert upcoming <= drawn
    for event_id in sorted(drawn):
        url = urljoin(site.report, f"events/{event_id}.html")
        day = opened(browser, url, size)
        assert browser.asked_for() == [url]
        (title,) = read(browser, "h1", text="")
        assert title["text"] == names[event_id]
        body = browser.run("document.body.innerText")
        others = [name for other, name in names.items() if other != event_id]
        assert [name for name in others if name in body and name not in names[event_id]] == []
        if compared(site, "event", event_id):
            check_headline(browser, site, "event", event_id)
            check_periods(browser, site, "event", event_id)
        shows = query(
            site, f"select show_id from fact_qtickets_inventory_by_show where event_id = {event_id}"
        )
        check_shows(browser, site, [show for (show,) in shows])
        check_attendance(browser, site, f"a.event_id = {event_id}", 6)
        check_types(browser, site, event_id, day)
        check_seats(browser, site, event_id)


def check_types(browser: Browser, site: Site, event_id: int, today: date) -> None:
    expected: Counter[Any] = Counter()
    for name, tariff, price, currency, sold, revenue in query(
        site,
        "select any(ticket_type_name), tariff, price, currency, sum(tickets_sold) as n,"
        " sum(t.revenue) as amount from fact_qtickets_sales_by_type_daily as t"
        f" where event_id = {event_id} and sales_date {of_14_days(today)}"
        " group by ticket_type, tariff, price, currency having n > 0 or amount != 0",
    ):
        of_tariff = f", {tariff}" if tariff not in ("", "(none)") else ""
        title = f"{'без названия' if name == 'unknown' else name}{of_tariff}"
        expected[title, (currency, price), sold, (currency, revenue)] += 1
    found: Counter[Any] = Counter()
    for name_and_price, sold, revenue in cells(browser, "types") + cells(browser, "more-types"):
        name, price = name_and_price.rsplit("\n", 1)
        found[name, money(price), number(sold), money(revenue)] += 1
    assert found == expected


def check_seats(browser: Browser, site: Site, event_id: int) -> None:
    sums: dict[tuple[Any, ...], list[Any]] = {}
    for zone, price, currency, *measures in query(
        site,
        "select zone, price, currency, tickets_left, tickets_total, left_value"
        f" from fact_qtickets_inventory_by_price where event_id = {event_id}",
    ):
        old = sums.get((zone, price, None if price is None else currency), [0, 0, Decimal(0)])
        sums[zone, price, None if price is None else currency] = [
            None if a is None or b is None else a + b for a, b in zip(old, measures, strict=True)
        ]
    found = {}
    for zone_and_price, left, value in cells(browser, "seats"):
        zone, price = zone_and_price.rsplit("\n", 1)
        left, _, total = left.partition("\nиз ")
        currency, amount = (None, None) if price == "цена неизвестна" else money(price)
        found["unknown" if zone == "зона неизвестна" else zone, amount, currency] = [
            number(left),
            number(total) if total else None,
            None if value == "неизвестно" else money(value)[1],
        ]
    assert found == sums


def test_the_files_equal_the_marts(site: Site) -> None:
    marts = {
        "sales_daily": (
            "fact_qtickets_sales_daily",
            ("sales_date", "event_id", "currency", "revenue"),
        ),
        "shows": ("fact_qtickets_inventory_by_show", ("show_id", "event_id", "tickets_left")),
        "events": (
            "v_sales_compared where scope = 'event' and period = '14_days'",
            ("event_id", "currency", "tickets_sold", "revenue", "average_price"),
        ),
    }
    for name, (mart, columns) in marts.items():
        with urlopen(urljoin(site.report, f"{name}.csv")) as answer:
            rows = list(csv.DictReader(answer.read().decode().splitlines()))
        found = Counter(tuple(row[column] for column in columns) for row in rows)
        expected = Counter(
            tuple("" if value is None else str(value) for value in row)
            for row in query(site, f"select {', '.join(columns)} from {mart}")
        )
        assert found == expected, name
        assert found


def test_names_from_outside_are_shown_and_do_nothing(
    browser: Browser, site: Site, today: date
) -> None:
    names = [card["name"] for card in read(browser, ".left .card", name="h3")]
    assert SCRIPT in names
    assert LONG in names
    assert CITY in [card["name"] for card in read(browser, ".cities .card", name="h3")]
    for url in (site.report, urljoin(site.report, "events/26340.html")):
        opened(browser, url)
        harm = "document.scripts.length + document.querySelectorAll('b, i, u').length"
        assert browser.run(harm) == 0
        assert "родажи" in browser.run("document.title")


def test_the_page_needs_no_network_and_has_no_complaints(browser: Browser, site: Site) -> None:
    opened(browser, site.report)
    assert browser.asked_for() == [site.report]
    assert browser.errors() == []


def test_the_contents_lead_somewhere(browser: Browser, site: Site, today: date) -> None:
    found = browser.run(
        "[...document.querySelectorAll('.contents a')].map("
        "a => !!document.getElementById(a.hash.slice(1)))"
    )
    assert all(found)
    headings = browser.run("document.querySelectorAll('main h2[id]').length")
    assert len(found) == headings > 15


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it(
    browser: Browser, site: Site, dark: bool, screenshot: Callable[[str], None]
) -> None:
    pages = {"report": site.report, "event": urljoin(site.report, "events/26340.html")}
    for name, url in pages.items():
        for size in (DESKTOP, PHONE):
            browser.open(url, size, dark=dark)
            picture = f"{name}-{size[0]}-{'dark' if dark else 'light'}"
            screenshot(picture)
            opened(browser, url, size, dark=dark)
            screenshot(f"{picture}-unfolded")
            assert browser.run("document.documentElement.scrollWidth") <= size[0]
            # nor is anything cut off, to be found by scrolling a table
            cut = browser.run(
                "[...document.querySelectorAll('.scroll')]"
                ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.ariaLabel)"
            )
            assert cut == [], size
        assert browser.barriers() == []
    paper, card, bar, unfinished, rest, up, down = (
        browser.run(
            "name => { const e = document.createElement('i'); e.style.color = `var(--${name})`;"
            "document.body.append(e); const c = getComputedStyle(e).color; e.remove(); return c }",
            name,
        )
        for name in ("paper", "card", "bar", "bar-unfinished", "rest", "good", "bad")
    )
    assert (luminance(paper) < 0.1) == dark
    # bars against what they stand on, the outline of the last against its inside, sold against left
    for other in (card, unfinished, rest):
        assert contrast(bar, other) >= 3
    for color in (up, down):
        assert contrast(color, card) >= 4.5


def luminance(color: str) -> float:
    """As WCAG 2 defines it, of «rgb(1, 2, 3)»."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
