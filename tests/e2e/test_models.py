"""dbt's models under change: whatever happens to orders and events, and while they are built.

Figures of a whole organiser are compared with those computed in Python by test_truth.py; here the
question is whether builds agree with each other, and what they do when
something is missing, broken, late, or happens at the wrong moment.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import MUTATIONS, Organiser, Shelf
from tests.qtickets_sample import stamp
from tests.zakaz import ROOT, Place, Ran, small_organiser

MARTS = (
    *("dim_events", "fact_qtickets_sales_daily"),
    *("fact_qtickets_inventory_by_show", "fact_qtickets_inventory_latest"),
    *("v_sales_14d", "v_sales_latest"),
    *("fact_qtickets_inventory_daily", "fact_qtickets_pace_latest", "v_sell_through"),
    *("fact_qtickets_refunds_daily", "v_cash_daily", "fact_qtickets_buyers_monthly"),
    "v_plan_vs_fact",
    *("dim_discounts", "dim_promo_codes", "v_qtickets_sales_promo", "v_qtickets_sales_utm_daily"),
    *("fact_qtickets_sales_promo_daily", "fact_qtickets_sales_utm_daily"),
    *("dim_shows", "fact_qtickets_sales_by_show_daily", "fact_qtickets_sales_hourly"),
    *("fact_qtickets_sales_curve", "v_show_forecast"),
)
TYPED = (
    *("stg_qtickets_api__orders", "int_tickets", "stg_qtickets_api__events"),
    *("stg_qtickets_api__shows", "stg_qtickets_api__inventory"),
    *("stg_qtickets_api__discounts", "stg_qtickets_api__promo_codes"),
)
NO_TESTS = ("test", "unit_test")
DAILY = "fact_qtickets_sales_daily"
DATA = ("build", "--exclude-resource-type", "unit_test")
CORE = (*DATA, "--select", "+v_sales_latest", "+v_sales_14d", "--indirect-selection", "cautious")
"""Sales and what is left, and the tests that need nothing else."""
KEPT = ("--select", "+config.materialized:incremental", "resource_type:seed")
"""What a build changes and does not make anew, with what that reads."""
SALES = """
    select sales_date, event_id, city, currency,
           tickets_sold, tickets_refunded, gross_revenue, refunded_amount, revenue
    from fact_qtickets_sales_daily
"""


def ok(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def cells(place: Place, tables: Sequence[str] = (*MARTS, *TYPED)) -> dict[str, list[str]]:
    """Every cell of these tables, each as sorted rows of text."""
    return {
        table: sorted(map(repr, place.query(f"select * from {table} settings final = 1")))
        for table in tables
    }


# --- landing by hand ----------------------------------------------------------------------------


def literal(value: Any) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


class Landing:
    """Writes rows as the extractor would have landed them, in versions that only grow."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.ver = int(time.time() * 1000)

    def orders(self, payloads: Mapping[int, Any], ver: int | None = None) -> None:
        self._things("orders", "order_id", payloads, ver)

    def events(self, payloads: Mapping[int, Any]) -> None:
        self._things("events", "event_id", payloads, None)

    def _things(self, name: str, key: str, payloads: Mapping[int, Any], ver: int | None) -> None:
        self.ver += 1
        rows = ", ".join(
            f"({id_}, {literal(p if isinstance(p, str) else json.dumps(p, ensure_ascii=False))},"
            f" {self.ver}, {ver or self.ver}, 'test')"
            for id_, p in payloads.items()
        )
        self.place.query(
            f"insert into stg_qtickets_api_{name}_raw ({key}, payload, _dedup_key, _ver, _run_id)"
            f" values {rows}"
        )

    def runs(self, verified_at: Mapping[str, datetime]) -> None:
        self.ver += 1
        # a database of the first version has a lane instead of a mode, and says `proven`
        names = {name for name, *_ in self.place.query("describe meta_job_runs")}
        how, mode, status = (
            ("mode", "incremental", "verified")
            if "mode" in names
            else ("lane", "changes", "proven")
        )
        rows = ", ".join(
            f"('test', 'extract', '{resource}', '{mode}', {at.timestamp():.3f},"
            f" {at.timestamp():.3f}, '{status}', {self.ver})"
            for resource, at in verified_at.items()
        )
        self.place.query(
            "insert into meta_job_runs"
            f" (run_id, job, resource, {how}, started_at, finished_at, status, _ver)"
            f" values {rows}"
        )


def ticket(ticket_id: int, price: float = 100, **fields: Any) -> dict[str, Any]:
    return {"id": ticket_id, "show_id": 10, "price": price, "quantity": 1, **fields}


def order(order_id: int, payed_at: datetime, price: float = 100, **fields: Any) -> dict[str, Any]:
    made = {"created_at": stamp(payed_at), "updated_at": stamp(payed_at), "deleted_at": None}
    tickets = [ticket(order_id * 10, price)]
    paid = {"payed": True, "payed_at": stamp(payed_at), "event_id": 1, "currency_id": "RUB"}
    return {"id": order_id, **paid, **made, "baskets": tickets, **fields}


def event(event_id: int, city: str = "Томск") -> dict[str, Any]:
    starts = stamp(datetime.now(UTC) + timedelta(days=9))
    return {
        "id": event_id,
        "name": "Концерт",
        "is_active": 1,
        "currency_id": "RUB",
        "city": {"name": city},
        "shows": [{"id": 10, "is_active": 1, "start_date": starts}],
        "deleted_at": None,
    }


def empty_tables(place: Place) -> Landing:
    """What the extractor makes for an organiser who has nothing yet."""
    with QTicketsServer(Organiser(0, Shelf(), Shelf())) as server:
        ok(place.extract(server))
    return Landing(place)


# --- whatever changes ---------------------------------------------------------------------------


def avoid_the_end_of_a_show() -> None:
    """Shows begin and end at quarters of an hour: two builds with one between them may differ."""
    left = 900 - time.time() % 900
    if left < 60:
        time.sleep(left + 1)


def test_incremental_equals_full_refresh(place: Place) -> None:
    organiser = small_organiser(seed=3, days=75, orders_per_day=4)
    rng = Random(11)
    kinds = {**MUTATIONS, "delete_event": 2, "hard_delete_event": 1}
    with QTicketsServer(organiser) as server:
        ok(place.extract(server))
        ok(place.dbt("build", "--exclude-resource-type", *NO_TESTS, *KEPT))
        before = cells(place, ["stg_qtickets_api__orders"])
        for is_last in (False, True):
            happened = {organiser.mutate(rng, kinds).split()[0] for _ in range(120)}
            assert {"new_order", "pay", "refund", "cancel", "hard_delete"} <= happened
            # months late: the oldest paid orders there are
            oldest = [row["id"] for row in organiser.orders.rows() if row["payed"]][:7]
            for order_id in oldest[:4]:
                organiser.refund(order_id, deduction=10)
            organiser.cancel(oldest[4])
            organiser.cancel(oldest[5])
            organiser.hard_delete(oldest[6])
            avoid_the_end_of_a_show()
            ok(place.extract(server, "--full"))
            # all else is made anew in each build
            ok(place.dbt("run", *(() if is_last else KEPT)))
        incremental = cells(place)
        # its data tests read everything
        ok(place.dbt(*DATA, "--full-refresh"))
        rebuilt = cells(place)
        for table in (*MARTS, *TYPED):
            assert incremental[table] == rebuilt[table], table
        assert incremental["stg_qtickets_api__orders"] != before["stg_qtickets_api__orders"]
        assert all(rebuilt[table] for table in MARTS)


# --- nothing, little, broken --------------------------------------------------------------------


@pytest.mark.embedded
def test_first_install_then_one_order_then_broken_ones(place: Place) -> None:
    landing = empty_tables(place)
    ok(place.dbt("build"))
    assert all(not rows for rows in cells(place).values())

    day = datetime.now(UTC) - timedelta(days=1)
    moscow_day = (day + timedelta(hours=3)).date()
    landing.orders({1: order(1, day, price=590.5)})
    landing.events({1: event(1)})
    ok(place.dbt(*CORE))
    row = (moscow_day, 1, "Томск", "RUB", 1, 0, Decimal("590.50"), Decimal(0), Decimal("590.50"))
    assert place.query(SALES) == [row]
    assert place.query("select event_id, tickets_left from fact_qtickets_inventory_latest") == [
        (1, None)
    ]

    broken = {
        2: '{"id":2,"payed":true,"payed_at":"2025-05-05T12:00:00+03:00","baskets":[{"id":21,"pri',
        3: order(99, day),
        4: {**order(4, day), "payed": "[redacted]"},
        5: order(5, day, price=1e30),
        6: "<html>",
    }
    # of order 5 only the price cannot be read; order 7 is fine
    landing.orders({**broken, 7: order(7, day, price=100)})
    failed = place.dbt(*CORE)
    assert failed.code == 1
    for order_id, field in [(2, "payload"), (3, "payload"), (4, "payed"), (6, "payload")]:
        assert f'order_id = {order_id}, unreadable_fields = ["{field}"]' in failed.out
    assert 'order_id = 5, unreadable_fields = ["baskets.price"]' in failed.out
    assert "Completed with 1 error" in failed.out
    row = (moscow_day, 1, "Томск", "RUB", 3, 0, Decimal("690.50"), Decimal(0), Decimal("690.50"))
    assert place.query(SALES) == [row]
    kept = dict(place.query("select order_id, payload from stg_qtickets_api_orders_raw final"))
    assert kept[2] == broken[2]
    assert kept[6] == broken[6]
    assert sorted(kept) == [1, 2, 3, 4, 5, 6, 7]

    # a fresh fetch of the orders heals everything
    landing.orders({order_id: order(order_id, day, price=1) for order_id in broken})
    ok(place.dbt(*CORE))
    assert [r[4:] for r in place.query(SALES)] == [
        (7, 0, Decimal("695.50"), Decimal(0), Decimal("695.50"))
    ]


# --- while dbt runs, and when it fails ----------------------------------------------------------


class Meanwhile:
    """Does something over and over in a thread; an error in it comes out at the end."""

    def __init__(self, what: Callable[[int], None]) -> None:
        self._what = what
        self._enough = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self.times = 0

    def _run(self) -> None:
        try:
            while not self._enough.is_set():
                self._what(self.times)
                self.times += 1
        except Exception as error:  # noqa: BLE001 - raised in the test's own thread
            self._error = error

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        if self._error:
            raise self._error


HEADER = "plan_date,event_id,city,currency,planned_tickets,planned_revenue"


def test_a_plan_that_cannot_be_read_is_named_and_the_last_one_kept(
    built_place: Place, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    # what a seed needs, which is no model
    shutil.copytree(ROOT / "models", project / "models", ignore=shutil.ignore_patterns("*.sql"))
    for file in (project / "models").rglob("*.yml"):
        if file.name != "_groups.yml":
            file.unlink()
    for part in ("macros", "seeds"):
        shutil.copytree(ROOT / part, project / part)
    shutil.copy(ROOT / "dbt_project.yml", project)
    plan = project / "seeds" / "plan_sales.csv"
    seed = ("seed", "--project-dir", str(project), "--select", "plan_sales")
    query = "select plan_date::String, city, planned_tickets from plan_sales"

    # as Excel saves "CSV UTF-8"; the last value of a line may be missing
    plan.write_text(f"{HEADER}\n2026-01-31,0,Томск,RUB,3\n", encoding="utf-8-sig")
    ok(built_place.dbt(*seed))
    assert built_place.query(query) == [("2026-01-31", "Томск", 3)]
    for wrong in (
        f"{HEADER.replace(',', ';')}\n2026-01-31;0;Томск;RUB;4;900\n",
        "Дата,Событие,Город,Валюта,Билеты,Выручка\n2026-01-31,0,Томск,RUB,4,900\n",
        f"{HEADER.replace(',currency', '')}\n2026-01-31,0,Томск,4,900\n",
    ):
        plan.write_text(wrong)
        ran = built_place.dbt(*seed)
        assert ran.code != 0, ran
        assert "seeds/plan_sales.csv: the first line must be" in ran.out, ran
        assert built_place.query(query) == [("2026-01-31", "Томск", 3)]
    plan.write_text(f"{HEADER}\n31.01.2026,0,Томск,RUB,4,900\n")
    ran = built_place.dbt(*seed)
    assert ran.code != 0, ran
    assert "seeds/plan_sales.csv" in ran.out, ran


@pytest.mark.slow
def test_rows_that_land_while_dbt_reads(place: Place) -> None:
    landing = empty_tables(place)
    landing.events({1: event(1)})
    start = datetime.now(UTC) - timedelta(days=3)
    days = {n: start - timedelta(days=n % 50) for n in range(1, 3001)}
    landing.orders({n: order(n, day) for n, day in days.items()})
    ok(place.dbt("build", "--exclude-resource-type", *NO_TESTS, "--select", f"+{DAILY}"))
    assert place.query("select count(), sum(tickets_sold) from fact_qtickets_sales_daily") == [
        (50, 3000)
    ]

    def land(n: int) -> None:
        # one order changes, one is new, and both share an instant; then the batch is sent once more
        old, new = 1 + n % 3000, 10_000 + n
        batch = {old: order(old, days[old], price=n), new: order(new, start, price=n)}
        landing.orders(batch)
        landing.orders(batch, ver=landing.ver)
        time.sleep(0.1)

    def read(_: int) -> None:
        # every day is there at any moment, with all the tickets that were ever sold on it
        [(found, fewest)] = place.query(
            "select count(), min(tickets_sold) from fact_qtickets_sales_daily"
        )
        assert (found, fewest) == (50, 60)
        time.sleep(0.1)

    with Meanwhile(land) as landed, Meanwhile(read) as reads:
        # its tests do not mind what has landed since it began
        ok(place.dbt(*DATA))
    assert min(landed.times, reads.times) > 20

    ok(place.dbt("run"))
    newest = "select order_id, _ver from {} final order by order_id"
    staged = place.query(newest.format("stg_qtickets_api__orders"))
    assert staged == place.query(newest.format("stg_qtickets_api_orders_raw"))
    assert len(staged) == 3000 + landed.times
    incremental = cells(place)

    # a build that fails in the middle of a fact leaves the numbers of the last one
    landing.orders({20_000: order(20_000, start, price=5)})
    place.query("rename table int_tickets to good_tickets")
    place.query(
        "create view int_tickets as select * from good_tickets"
        " where not throwIf(order_id = 2999, 'this order is not to be had')"
    )
    failed = place.dbt("run", "--exclude", "int_tickets")
    assert failed.code == 1
    assert "this order is not to be had" in failed.out
    after = cells(place, MARTS)
    assert all(after[table] == incremental[table] for table in MARTS)
    place.query("drop view int_tickets")
    place.query("rename table good_tickets to int_tickets")

    # the next one heals it, and full refresh makes of all this what the increments made
    landing.orders({20_000: order(20_000, start, payed=False)})
    ok(place.dbt("run", "--full-refresh"))
    rebuilt = cells(place, MARTS)
    assert all(rebuilt[table] == incremental[table] for table in MARTS)
    names = place.query(f"select name from system.tables where database = '{place.database}'")
    assert not [name for (name,) in names if "__dbt" in name]


# --- clocks -------------------------------------------------------------------------------------


def zone_in_which_it_is(wanted: timedelta) -> tuple[str, timezone]:
    """The zone, whole quarters of an hour from UTC, where this time of day is nearest to now."""
    now = datetime.now(UTC)
    since_midnight = timedelta(hours=now.hour, minutes=now.minute)
    quarters = round((wanted - since_midnight) / timedelta(minutes=15)) % 96
    if quarters > 48:
        quarters -= 96
    sign, ahead = "-" if quarters < 0 else "+", abs(quarters)
    name = f"Fixed/UTC{sign}{ahead // 4:02}:{ahead % 4 * 15:02}:00"
    return name, timezone(timedelta(minutes=15 * quarters))


@pytest.mark.parametrize(
    ("server_zone", "time_of_day"),
    [
        ("UTC", timedelta(minutes=30)),
        ("Asia/Vladivostok", timedelta(hours=23, minutes=30)),
        ("America/New_York", timedelta(minutes=30)),
    ],
)
def test_windows_around_midnight_whatever_the_zone_of_the_server(
    server_zone: str, time_of_day: timedelta, tmp_path: Path
) -> None:
    """Unit tests of the views say what they show at 23:30 and at 00:30 in Moscow.

    All of them run here, on a server in that zone. They tell the models what "now" is; so that the
    real clock is seen to be read right as well, the reports are given the zone in which it is
    about that time of day at this moment.
    """
    with ClickHouseServer(tmp_path / "server", timezone=server_zone) as server:
        assert server.query("select timezone()") == [(server_zone,)]
        place = Place(tmp_path, server=server)
        landing = empty_tables(place)
        landing.events({1: event(1)})
        name, zone = zone_in_which_it_is(time_of_day)
        today = datetime.now(zone).date()
        began = datetime(today.year, today.month, today.day, tzinfo=zone)
        second, day = timedelta(seconds=1), timedelta(days=1)
        instants = {
            1: began + day,  # tomorrow: not yet
            2: began + day - second,
            3: began,
            4: began - second,
            5: began - 13 * day,
            6: began - 13 * day - second,  # the fifteenth day
        }
        landing.orders({n: order(n, at, price=10 ** (n - 1)) for n, at in instants.items()})
        report_zone = json.dumps({"report_timezone": name})
        views = ("--select", "+v_sales_latest", "+v_sales_14d", "*_at_half_past_*")
        alone = ("--indirect-selection", "empty")  # of the tests only those named
        ok(place.dbt("build", *views, *alone, "--vars", report_zone))
        results = json.loads((tmp_path / "target/run_results.json").read_text())["results"]
        assert sum("_at_half_past_" in r["unique_id"] for r in results) == 4
        assert datetime.now(zone).date() == today
        assert place.query("select sales_date, revenue from v_sales_latest order by 1") == [
            (today - 13 * day, Decimal(10_000)),
            (today - day, Decimal(1_000)),
            (today, Decimal(110)),
        ]
        assert place.query("select revenue from v_sales_14d") == [(Decimal(11_110),)]


def test_freshness_is_of_the_last_verified_run(place: Place) -> None:
    landing = empty_tables(place)
    place.query("truncate table meta_job_runs")
    now, hour = datetime.now(UTC), timedelta(hours=1)
    landing.runs({"orders": now - hour, "events": now - 3 * hour, "inventory": now - 7 * hour})
    # rows that landed make nothing fresher: what counts is that everything was compared
    landing.events({1: event(1)})

    freshness = place.dbt("source", "freshness")
    assert freshness.code == 1, freshness
    said = [line for line in freshness.out.splitlines() if "START" not in line]
    for status, resource in [("PASS", "orders"), ("WARN", "events"), ("ERROR STALE", "inventory")]:
        told = f" {status} freshness of qtickets_api.stg_qtickets_api_{resource}_raw"
        assert any(told in line for line in said), freshness

    late = place.dbt("build", "--select", "stg_qtickets_api__job_runs", "assert_runs_are_fresh")
    assert late.code == 1, late
    assert "resource = inventory" in late.out
    assert "resource = events" in late.out
    assert "resource = orders" not in late.out


def test_a_database_of_the_past_is_looked_at(built_place: Place, tmp_path: Path) -> None:
    [(today,)] = built_place.query("select any(report_today) from v_data_quality")
    past = today - timedelta(days=4)
    ok(built_place.dbt("run", "--vars", f"{{report_today: {past}}}"))
    for newest in (
        "any(report_today) from v_data_quality",
        "max(sales_date) from v_sales_latest",
        "any(date_to) from v_sales_compared where period = 'today' and scope = 'all'",
    ):
        assert built_place.query(f"select {newest}") == [(past,)], newest
    page = tmp_path / "report.html"
    ok(built_place.report("--output", str(page)))
    [(sold,)] = built_place.query(
        f"select sum(tickets_sold) from fact_qtickets_sales_daily where sales_date = '{past}'"
    )
    words = re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))
    assert f"сегодня {sold}" in " ".join(words.split())
