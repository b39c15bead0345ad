"""The report in a browser: each figure equals the marts', on any screen, and nobody is kept out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil

import pytest
from playwright.sync_api import ElementHandle

from tests.browser import DESKTOP, PHONE, Browser
from tests.published import CAMPAIGN, CITY, CODE, LONG, SCRIPT, SOURCE, Site

MONTHS = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
SIGNS = {"₽": "RUB", "KZT": "KZT"}
SALES = """
    select sales_date, event_id, city, currency, tickets_sold, tickets_refunded, revenue,
           refunded_amount
    from fact_qtickets_sales_daily
"""


def number(text: str) -> int:
    return int(re.sub(r"\s", "", text))


def money(text: str) -> tuple[str, Decimal]:
    """«−1 234,50 ₽» -> RUB, -1234.50: spaces that do not break, a comma, two digits, the sign."""
    match = re.fullmatch(r"([+−]?)(\d{1,3}(?:\xa0\d{3})*),(\d\d)\xa0(\S+)", text)
    assert match, text
    amount = Decimal(f"{number(match[2])}.{match[3]}")
    return SIGNS[match[4]], -amount if match[1] == "−" else amount


def percent(part: Decimal | int, whole: Decimal | int) -> list[str]:
    """Return what is shown of a share: nothing when there is nothing to compare with."""
    return [f"{round(100 * part / whole)}\xa0%"] if whole else []


def short(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def text(element: ElementHandle, selector: str) -> str | None:
    found = element.query_selector_all(selector)
    return shown(found[0]) if found else None


def shown(element: ElementHandle) -> str:
    """Return what is on the screen."""
    assert element.is_visible()
    return element.inner_text().strip()


def rows(browser: Browser, table: str) -> list[list[str]]:
    """Return the text of each cell of a table that is on the screen."""
    assert browser.one(f"#{table}").is_visible()
    found: list[list[str]] = browser.run(
        "rows => [...document.querySelectorAll(rows)]"
        ".map(row => [...row.cells].map(cell => cell.innerText.trim()))",
        f"#{table} tbody tr",
    )
    return found


def opened(
    browser: Browser, site: Site, size: tuple[int, int] = DESKTOP, *, dark: bool = False
) -> date:
    """Open the report with all that can be folded unfolded. Return its day."""
    browser.open(site.report, size, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(details => details.open = true)")
    built_at = browser.one("time").get_attribute("datetime")
    assert built_at
    return datetime.fromisoformat(built_at).date()


@pytest.fixture
def today(browser: Browser, site: Site) -> date:
    return opened(browser, site)


def test_the_headline_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    sales = site.query(SALES)
    for period, first, last in (
        ("today", today, today),
        ("yesterday", today - timedelta(days=1), today - timedelta(days=1)),
        ("fortnight", today - timedelta(days=13), today),
    ):
        of_period = [row for row in sales if first <= row[0] <= last]
        revenue: Counter[str] = Counter()
        for row in of_period:
            revenue[row[3]] += row[6]
        card = browser.one(f"#{period}")
        assert number(text(card, ".tickets .number") or "") == sum(r[4] for r in of_period)
        found = [money(shown(p)) for p in card.query_selector_all(".revenue")]
        assert dict(found) == {c: revenue[c] for c in revenue}
        refunded = sum(row[5] for row in of_period)
        assert text(card, ".refunded") == (str(refunded) if refunded else None)
    # of the last: two currencies, never added up
    assert len(found) == 2


def test_the_days_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    days = [today - timedelta(days=n) for n in range(14)]
    by_day: Counter[date] = Counter()
    revenue: dict[date, Counter[str]] = defaultdict(Counter)
    by_city: Counter[tuple[date, str, str]] = Counter()
    city_revenue: Counter[tuple[date, str, str]] = Counter()
    for day, _, city, currency, sold, _, amount, _ in site.query(SALES):
        if days[-1] <= day <= today:
            by_day[day] += sold
            revenue[day][currency] += amount
            by_city[day, city, currency] += sold
            city_revenue[day, city, currency] += amount
    found = rows(browser, "days")
    assert [row[0].split(",")[0] for row in found] == [short(day) for day in days]
    assert [number(row[1]) for row in found] == [by_day[day] for day in days]
    for day, row in zip(days, found, strict=True):
        assert dict(money(line) for line in row[2].split("\n")) == revenue[day]

    # the first chart has its numbers on its bars
    labels = [e.text_content() for e in browser.all(".charts figure:first-child text")]
    assert [number(str(t)) for t in labels[-14:]] == [by_day[day] for day in reversed(days)]

    in_cities = {
        (row[0], row[1], money(row[3])[0]): (number(row[2]), money(row[3])[1])
        for row in rows(browser, "city-days")
    }
    assert in_cities == {
        (short(day), city, currency): (sold, city_revenue[day, city, currency])
        for (day, city, currency), sold in by_city.items()
    }
    of_city: Counter[str] = Counter()
    for (_, city, _), sold in by_city.items():
        of_city[city] += sold
    cards = {text(card, "h3"): text(card, "p .number") for card in browser.all(".cities .card")}
    assert {city: number(sold or "") for city, sold in cards.items()} == of_city
    assert len(of_city) > 4


def test_what_is_left_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    expected = {}
    for event_id, total, left, sold, last_day in site.query(
        "select event_id, tickets_total, tickets_left, tickets_sold_7d,"
        " if(last_show_at > now(), toDate(last_show_at, 'Europe/Moscow'), null)"
        " from fact_qtickets_inventory_latest inner join fact_qtickets_pace_latest using event_id"
    ):
        lasts = ceil(left * 7 / sold) if left and sold else None
        remaining = None
        if left and last_day:
            remaining = max(left - sold * (last_day - today).days // 7, 0) or None
        expected[event_id] = (left, total, sold, lasts, remaining)

    found = {}
    for card in browser.all(".left .card"):
        parts = [
            text(card, f".{name}")
            for name in ("tickets-left", "tickets-total", "sold-7d", "days-to-sell-out")
        ]
        parts.append(text(card, ".tickets-remaining"))
        numbers = [number(re.sub(r"\D+$", "", part)) if part else None for part in parts]
        if "Распродано" in shown(card):
            numbers[0] = 0
        found[int(card.get_attribute("data-event") or 0)] = tuple(numbers)
    assert found == expected

    shows = {}
    for row in browser.all(".shows tbody tr"):
        left = shown(row.query_selector_all("td")[0])
        shows[int(row.get_attribute("data-show") or 0)] = [int(n) for n in re.findall(r"\d+", left)]
    several = site.query(
        "select show_id, tickets_left, tickets_total from fact_qtickets_inventory_by_show where"
        " event_id in (select event_id from fact_qtickets_inventory_latest where shows_to_come > 1)"
    )
    assert shows == {show: [n for n in (left, total) if n] for show, left, total in several}
    assert len(shows) > 5

    unknown = [card for card in browser.all(".left .card") if "неизвестен" in shown(card)]
    assert len(unknown) == sum(left is None for left, *_ in expected.values()) > 0


def test_what_can_be_bought_stands_before_what_cannot(browser: Browser, today: date) -> None:
    found = [shown(card) for card in browser.all(".left .card")]
    sold_out = ["Распродано" in card for card in found]
    assert sold_out == sorted(sold_out)
    assert True in sold_out
    lasts = [re.search(r"\nна ([\d\xa0]+)\xa0д", card) for card in found]
    days = [number(match[1]) for match in lasts if match]
    assert days == sorted(days)
    assert all(lasts[: len(days)])
    assert len(days) > 3


def test_plan_and_fact_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    due: dict[tuple[int, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    month: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    for day, *key, tickets, sold, planned, revenue in site.query(
        "select sales_date, event_id, city, currency, planned_tickets, tickets_sold,"
        " planned_revenue, revenue from v_plan_vs_fact"
    ):
        if (day.year, day.month) == (today.year, today.month) and tickets is not None:
            month[key[2]] = [a + b for a, b in zip(month[key[2]], (tickets, planned), strict=True)]
            if day <= today:
                cells = (tickets, sold, planned, revenue)
                due[tuple(key)] = [a + b for a, b in zip(due[tuple(key)], cells, strict=True)]

    expected = {}
    for key, (tickets, sold, planned, revenue) in due.items():
        expected[key] = (
            [sold, tickets, sold - tickets, *percent(sold, tickets)],
            [revenue, planned, revenue - planned, *percent(revenue, planned)],
        )
    found = {}
    for row in browser.all("#plan tbody tr"):
        key = (int(row.get_attribute("data-event") or 0), str(row.get_attribute("data-city")))
        tickets, revenue = (
            [line.removeprefix("из").strip() for line in re.split(r"\n", shown(cell))]
            for cell in row.query_selector_all("td")
        )
        currency = str(row.get_attribute("data-currency"))
        assert {money(amount)[0] for amount in revenue[:3]} == {currency}
        found[*key, currency] = (
            [*(number(n.replace("−", "-")) for n in tickets[:3]), *tickets[3:]],
            [*(money(amount)[1] for amount in revenue[:3]), *revenue[3:]],
        )
    assert found == expected
    assert {len(cells[0]) for cells in found.values()} == {3, 4}  # one has a plan of nothing

    cards = {str(card.get_attribute("data-currency")): card for card in browser.all(".plans .card")}
    assert set(cards) == {currency for *_, currency in due} == {"RUB", "KZT"}
    for currency, card in cards.items():
        sums = [sum(due[key][n] for key in due if key[2] == currency) for n in range(4)]
        assert text(card, ".tickets-share") == percent(sums[1], sums[0])[0]
        assert text(card, ".revenue-share") == percent(sums[3], sums[2])[0]
        for name, value in zip(("planned-tickets", "tickets-sold"), sums[:2], strict=True):
            assert number(text(card, f".{name}") or "") == value
        for name, value in zip(("planned-revenue", "revenue"), sums[2:], strict=True):
            assert money(text(card, f".{name}") or "") == (currency, value)
        assert number(re.sub(r"\D+$", "", text(card, ".month-tickets") or "")) == month[currency][0]
        assert money(text(card, ".month-revenue") or "") == (currency, month[currency][1])


def best(tickets: Counter[tuple[str, str]], rest: tuple[str, str]) -> dict[tuple[str, str], int]:
    """Return the eight that sold most, best first, and the rest as one."""
    order = sorted(tickets, key=lambda key: (-tickets[key], key))
    assert len(order) > 8
    found = {key: tickets[key] for key in order[:8]}
    return found | {rest: sum(tickets[key] for key in order[8:])}


def test_sources_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    tickets: Counter[tuple[str, str]] = Counter()
    revenue: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    sales = site.query(
        "select sales_date, utm_source, utm_campaign, currency, tickets_sold, revenue"
        " from fact_qtickets_sales_utm_daily"
    )
    sales = [row for row in sales if today - timedelta(days=14) < row[0] <= today]
    for _, source, campaign, _, sold, _ in sales:
        tickets[source, campaign] += sold
    top = best(tickets, ("остальные", ""))
    for _, source, campaign, currency, _, amount in sales:
        key = (source, campaign) if (source, campaign) in top else ("остальные", "")
        revenue[key][currency] += amount
    words = {"(none)": "без метки"}
    found = {}
    for name, sold, amounts in rows(browser, "sources"):
        source, _, campaign = name.partition("\n")
        money_of = dict(money(line) for line in amounts.split("\n"))
        found[source, campaign] = (number(sold), money_of)
    assert list(found) == [
        (words.get(source, source), "" if campaign == "(none)" else campaign)
        for source, campaign in top
    ]
    assert list(found.values()) == [(sold, revenue[key]) for key, sold in top.items()]
    assert (SOURCE, CAMPAIGN) in found
    assert sum(sold for sold, _ in found.values()) == sum(tickets.values())


def test_promo_codes_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    sales = site.query(
        "select sales_date, promo_code_id, promo_code, discount_id, currency, tickets_sold,"
        " revenue, discount_cost from v_qtickets_sales_promo"
        " where promo_code_id != 0 or discount_id != 0"
    )
    sales = [row for row in sales if today - timedelta(days=14) < row[0] <= today]
    tickets: Counter[tuple[str, int, int]] = Counter()
    for _, code_id, code, discount_id, _, sold, *_ in sales:
        tickets[code, code_id, discount_id] += sold
    top = sorted(tickets, key=lambda key: (-tickets[key], key))[:8]
    assert len(tickets) > 8
    expected: dict[tuple[int, int], list[int | Counter[str]]] = {}
    for key in [*top, ("", 0, 0)]:
        these = [
            r
            for r in sales
            if ((r[2], r[1], r[3]) if (r[2], r[1], r[3]) in top else ("", 0, 0)) == key
        ]
        money_of: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for *_, currency, _, amount, cost in these:
            money_of[0][currency] += amount
            money_of[1][currency] += cost
        expected[key[1:]] = [sum(r[5] for r in these), *money_of]

    found = {}
    names = []
    for row in browser.all("#promo tbody tr"):
        ids = (row.get_attribute("data-promo-code"), row.get_attribute("data-discount"))
        sold, amounts = (shown(cell) for cell in row.query_selector_all("td"))
        lines = amounts.split("\n")
        found[tuple(int(n or 0) for n in ids)] = [
            number(sold),
            dict(money(line) for line in lines[::2]),
            dict(money(line.removeprefix("скидка ")) for line in lines[1::2]),
        ]
        names.append(shown(row.query_selector_all("th")[0]).split("\n")[0])
    assert list(found.items()) == list(expected.items())
    assert CODE in names
    assert "(none)" not in names
    assert names[-1] == "остальные"

    card = browser.one("#discounts")
    assert number(text(card, ".tickets") or "") == sum(row[5] for row in sales)
    costs: Counter[str] = Counter()
    for *_, currency, _, _, cost in sales:
        costs[currency] += cost
    shown_costs = [money(shown(p)) for p in card.query_selector_all(".cost")]
    assert dict(shown_costs) == costs
    assert len(shown_costs) == len(costs) > 1


def test_buyers_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    expected = {
        event_id: (new, returning, nobody)
        for event_id, new, returning, nobody in site.query(
            "select event_id, new_buyers, returning_buyers, orders_without_buyer from"
            f" fact_qtickets_buyers_monthly where sales_month = '{today.replace(day=1)}'"
        )
    }
    found = {}
    for row in browser.all("#buyers tbody tr"):
        name, new, returning = (shown(cell) for cell in row.query_selector_all("th, td"))
        nobody = re.search(r"без покупателя (\d+)", name)
        event_id = int(row.get_attribute("data-event") or 0)
        found[event_id] = (number(new), number(returning), int(nobody[1]) if nobody else 0)
    assert found == expected
    assert all(sum(row[n] for row in found.values()) for n in range(3))


def test_cash_equals_the_marts(browser: Browser, site: Site, today: date) -> None:
    by_day: dict[tuple[date, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    total: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for day, currency, *amounts in site.query(
        "select cash_date, currency, gross_revenue, refunded_amount, net_cash from v_cash_daily"
    ):
        if today - timedelta(days=14) < day <= today:
            by_day[day, currency] = [
                a + b for a, b in zip(by_day[day, currency], amounts, strict=True)
            ]
            total[currency] = [a + b for a, b in zip(total[currency], amounts, strict=True)]
    found = {}
    for day, moved, net in rows(browser, "cash"):
        currency, *_ = money(net)
        paid, *back = (money(line) for line in moved.split("\n"))
        assert {c for c, _ in (paid, *back)} == {currency}
        paid_back = -back[0][1] if back else 0
        found[day, currency] = [paid[1], paid_back, money(net)[1]]
    assert found == {(short(day), currency): sums for (day, currency), sums in by_day.items()}
    for card in browser.all(".cash .card"):
        currency = str(card.get_attribute("data-currency"))
        shown_sums = [money(text(card, f".{name}") or "") for name in ("paid", "paid-back", "net")]
        assert shown_sums == [(currency, amount) for amount in total.pop(currency)]
    assert not total


def test_refunds_equal_the_marts(browser: Browser, site: Site, today: date) -> None:
    refunds: Counter[tuple[int, str]] = Counter()
    amounts: Counter[tuple[int, str]] = Counter()
    for day, event_id, _, currency, _, refunded, _, amount in site.query(SALES):
        if today - timedelta(days=14) < day <= today and (refunded or amount):
            refunds[event_id, currency] += refunded
            amounts[event_id, currency] += amount
    found = {}
    for row in browser.all("#refunds tbody tr"):
        currency, amount = money(shown(row.query_selector_all("td")[-1]))
        event_id = int(row.get_attribute("data-event") or 0)
        found[event_id, currency] = (number(text(row, ".tickets-refunded") or ""), amount)
    assert found == {key: (refunds[key], amounts[key]) for key in refunds}
    assert found


def test_freshness_and_completeness_stand_at_the_top(
    browser: Browser, site: Site, today: date
) -> None:
    names = {
        "discounts": "Скидки",
        "events": "Мероприятия",
        "inventory": "Остатки",
        "orders": "Заказы",
        "promo_codes": "Промокоды",
    }
    quality = site.query(
        "select resource, rows_landed, api_total, is_fresh, is_complete,"
        " formatDateTime(last_proven_at, '%H:%i', 'Europe/Moscow')"
        " from v_data_quality order by resource"
    )
    assert {row[0] for row in quality} == set(names)
    assert all(fresh and complete for *_, fresh, complete, _ in quality)
    found = rows(browser, "quality")
    for row, (resource, landed, total, *_, proven_at) in zip(found, quality, strict=True):
        name, when = row[0].split("\n")
        assert name == f"✓ {names[resource]}"
        assert when.endswith(f", {proven_at}")
        assert [number(part) for part in row[1].split("из")] == [landed, total]
    assert shown(browser.one("#state summary")).startswith("✓ Данные свежие и полные")


def test_names_from_outside_are_shown_and_do_nothing(
    browser: Browser, site: Site, today: date
) -> None:
    names = [shown(h3) for h3 in browser.all(".left h3")]
    assert SCRIPT in names
    assert LONG in names
    assert CITY in [shown(h3) for h3 in browser.all(".cities h3")]
    assert browser.run("document.scripts.length + document.querySelectorAll('b, i, u').length") == 0
    assert "Продажи" in browser.page.title()


def test_the_page_needs_no_network_and_has_no_complaints(browser: Browser, site: Site) -> None:
    opened(browser, site)
    assert browser.asked_for() == [site.report]
    assert browser.errors() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it(
    browser: Browser, site: Site, dark: bool, screenshot: Callable[[str], None]
) -> None:
    for size in (DESKTOP, PHONE):
        browser.open(site.report, size, dark=dark)
        screenshot(f"report-{size[0]}-{'dark' if dark else 'light'}")
        opened(browser, site, size, dark=dark)
        screenshot(f"report-{size[0]}-{'dark' if dark else 'light'}-unfolded")
        assert browser.run("document.documentElement.scrollWidth") <= size[0]
        # nor is anything cut off, to be found by scrolling a table
        tables = "[...document.querySelectorAll('.scroll')]"
        assert browser.run(f"{tables}.map(e => e.scrollWidth - e.clientWidth)") == [0] * 9
    assert browser.barriers() == []
    paper, card, bar, unfinished, rest = (
        browser.run(
            "name => { const e = document.createElement('i'); e.style.color = `var(--${name})`;"
            " document.body.append(e); const c = getComputedStyle(e).color; e.remove(); return c }",
            name,
        )
        for name in ("paper", "card", "bar", "bar-unfinished", "rest")
    )
    assert (luminance(paper) < 0.1) == dark
    # bars against what they stand on, the outline of the last against its inside, sold against left
    for other in (card, unfinished, rest):
        assert contrast(bar, other) >= 3


def luminance(color: str) -> float:
    """As WCAG 2 defines it, of «rgb(1, 2, 3)»."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
