"""The whole chain: API server, extract, dbt; then every cell against what the organiser holds.

The expected figures are computed in Python from the organiser's rows (tests/qtickets_organiser.py),
without SQL and without the extractor.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import MUTATIONS, Organiser, Sales
from tests.qtickets_sample import MOSCOW, Row, at, stamp
from tests.truth_forecast import Shows
from tests.truth_planning import PLAN_TABLE, Planning
from tests.truth_rest import Rest, Watched
from tests.truth_shown import COSTS_TABLE, assert_shown_is_true, write_costs
from tests.zakaz import Golden, Place, Ran, small_organiser

DAILY = """
    select sales_date, event_id, city, currency,
           tickets_sold, tickets_refunded, gross_revenue, refunded_amount, revenue
    from fact_qtickets_sales_daily
"""
MEASURES = "tickets_sold, tickets_refunded, gross_revenue, refunded_amount, revenue"
UTM = f"""
    select sales_date, event_id, city, currency,
           utm_source, utm_medium, utm_campaign, utm_content, utm_term, {MEASURES}
    from {{}}
"""
PROMO = f"""
    select sales_date, event_id, city, currency, promo_code_id, discount_id,
           {MEASURES}, gross_discount, discount_cost
    from {{}}
"""
PROMO_CODES = """
    select promo_code_id, promo_code, discount_id, discount_name, discount_type, max_uses,
           is_known, is_active, is_deleted
    from dim_promo_codes
"""
DISCOUNTS = """
    select discount_id, discount_name, discount_type, is_known, is_active, is_deleted
    from dim_discounts
"""
PROMO_NAMES = """
    select promo_code_id, discount_id, event_id, promo_code, discount_name, event_name
    from {}
"""
INVENTORY = "select event_id, tickets_total, tickets_left from fact_qtickets_inventory_latest"

# a conservation test may look at everything, however long ago it was landed
BUILD = ("build", "--exclude-resource-type", "unit_test", "--vars", "{raw_check_hours: 0}")
TABLES = f"plan_sales_table: {PLAN_TABLE}, ad_costs_table: {COSTS_TABLE}"
WITH_PLAN = (*BUILD[:-1], f"{{raw_check_hours: 0, {TABLES}}}")


def build(place: Place, server: QTicketsServer, command: Sequence[str] = BUILD) -> Ran:
    extracted = place.extract(server)
    assert extracted.code == 0, extracted
    built = place.dbt(*command)
    assert built.code == 0, built
    return extracted


def assert_facts_are_true(place: Place, organiser: Organiser) -> None:
    sales = {key: measures(s) for key, s in organiser.daily_sales().items()}
    assert cells(place, DAILY, 4) == sales
    assert len(sales) > 50
    assert sum((s[4] for s in sales.values()), Decimal(0)) > 0
    inventory: dict[int, Any] = {row[0]: row[1:] for row in place.query(INVENTORY)}
    assert inventory == organiser.inventory()
    assert_marketing_is_true(place, organiser)


def cells(place: Place, sql: str, keys: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The rows by their first columns, of which no two are the same."""
    rows = place.query(sql)
    found = {row[:keys]: row[keys:] for row in rows}
    assert len(found) == len(rows)
    return found


def measures(s: Sales) -> tuple[Any, ...]:
    return (s.tickets_sold, s.tickets_refunded, s.gross_revenue, s.refunded_amount, s.revenue)


def assert_marketing_is_true(place: Place, organiser: Organiser) -> None:
    by_tags = {key: measures(s) for key, s in organiser.utm_sales().items()}
    for table in ("fact_qtickets_sales_utm_daily", "v_qtickets_sales_utm_daily"):
        assert cells(place, UTM.format(table), 9) == by_tags, table

    by_code = {
        key: (*measures(s), s.gross_discount, s.discount_cost)
        for key, s in organiser.promo_sales().items()
    }
    codes, discounts = organiser.promo_code_names(), organiser.discount_names()
    assert cells(place, PROMO_CODES, 1) == {(id_,): named for id_, named in codes.items()}
    assert cells(place, DISCOUNTS, 1) == {(id_,): named for id_, named in discounts.items()}
    events = {row["id"]: row["name"] for row in organiser.events.rows()}
    for table in ("fact_qtickets_sales_promo_daily", "v_qtickets_sales_promo"):
        assert cells(place, PROMO.format(table), 6) == by_code, table
        for code_id, discount_id, event_id, *names in place.query(PROMO_NAMES.format(table)):
            assert names == [
                codes[code_id][0] if code_id else "(none)",
                discounts[discount_id][0] if discount_id else "(none)",
                events.get(event_id, "unknown"),
            ]


def test_every_cell_equals_what_the_organiser_holds(place: Place) -> None:
    organiser = small_organiser()
    planning = Planning(place, organiser)
    with QTicketsServer(organiser) as server:
        planning.prepare(server)
        costs = write_costs(place, organiser.clock().astimezone(MOSCOW).date())
        build(place, server, WITH_PLAN)
        assert_facts_are_true(place, organiser)
        planning.assert_true()
        assert_shown_is_true(place, organiser, costs)
        # among them what could go wrong: no tag, no code, a discount by itself, unknown ones
        assert {"vk", "(none)"} < {key[4] for key in organiser.utm_sales()}
        pairs = {key[4:] for key in organiser.promo_sales()}
        assert {(0, 0), (0, 6926), (168400, 6840), (168488, 6861)} <= pairs

        # run again: nothing new, and nothing else
        again = place.extract(server)
        assert again.code == 0, again
        for resource in ("events", "orders"):
            line = next(line for line in again.out.splitlines() if line.startswith(resource))
            assert "0 new, 0 changed" in line

        # weeks of a busy organiser's life: sales, refunds, cancellations, moves
        rng = Random(7)
        for _ in range(150):
            organiser.mutate(rng)
        organiser.discounts.put(organiser.discounts.row(6896) | {"name": "Весенняя", "type": "F"})
        ended = {"is_active": 0, "deleted_at": stamp(organiser.clock())}
        organiser.promo_codes.put(organiser.promo_codes.row(168328) | ended)
        build(place, server, WITH_PLAN)
        assert_facts_are_true(place, organiser)
        planning.assert_true()
        assert_shown_is_true(place, organiser, costs)
        incremental = sorted(place.query(DAILY))
        planning.let_snapshots_expire()
        rebuilt = place.dbt(*WITH_PLAN, "--full-refresh")
        assert rebuilt.code == 0, rebuilt
        assert sorted(place.query(DAILY)) == incremental
        planning.assert_true()
        assert_shown_is_true(place, organiser, costs)
        assert server.non_get == 0


@pytest.mark.slow
def test_every_cell_of_every_mart_is_true_after_a_year(place: Place) -> None:
    # the clock stands still at midnight, from which `report_today` looks at a day
    yesterday = datetime.now(MOSCOW).date() - timedelta(days=1)
    began = yesterday - timedelta(days=365)
    plain = _plain(began, began)
    organiser = _plain(began, began)
    watched = Watched(place.directory, server=place.server, database=place.database)
    planning = Planning(watched, organiser)
    rng = Random(11)
    # new orders are those of the sample, which knows what seats are left
    kinds = {kind: weight for kind, weight in MUTATIONS.items() if kind != "new_order"}
    with QTicketsServer(organiser) as server:
        build(watched, server, _as_of(began))
        planning.look()
        for days in (120, 120, 100, 25):
            today = organiser.clock().astimezone(MOSCOW).date() + timedelta(days=days)
            for _ in range(2 * days):
                organiser.tick(days * 86_400 / (2 * days + 1))
                organiser.mutate(rng, kinds)
            plain = _live_on(organiser, plain, began, today)
            if today < yesterday:
                build(watched, server, _as_of(today))
                planning.look()
                assert_facts_are_true(watched, organiser)
                assert_shown_is_true(watched, organiser)
        planning.prepare(server, at(yesterday))
        costs = write_costs(watched, yesterday)
        build(
            watched,
            server,
            _as_of(yesterday, plan_sales_table=PLAN_TABLE, ad_costs_table=COSTS_TABLE),
        )
        assert_facts_are_true(watched, organiser)
        planning.assert_true()
        assert_shown_is_true(watched, organiser, costs)
        Shows(watched, organiser, yesterday).assert_true()
        Rest(watched, organiser, planning).assert_true()
        watched.assert_all_compared()
        assert server.non_get == 0


def _plain(began: date, day: date) -> Organiser:
    """Return a sample organiser at the beginning of a day; it began to sell weeks before a year."""
    first_day = began - timedelta(days=45)
    return Organiser.sample(3, at(day), first_day=first_day, orders_per_day=8)


def _live_on(organiser: Organiser, plain: Organiser, began: date, today: date) -> Organiser:
    """Let happen by that day what happens to `plain`, the organiser without mutations.

    What was deleted for good stays so, and an event keeps its new name, its city and the shows that
    were taken out. Returns `plain` as it is by then.
    """
    later = _plain(began, today)
    for name in ("orders", "events"):
        held, before, after = (getattr(one, name) for one in (organiser, plain, later))
        for row in after.rows():
            old = before.head(row["id"]) if row["id"] in before else None
            if row != old and (old is None or row["id"] in held):
                held.put(_kept(held.row(row["id"]), old, row) if old and name == "events" else row)
    organiser.set_clock(later.clock())
    return later


def _kept(held: Row, old: Row, row: Row) -> Row:
    removed = {show["id"] for show in old["shows"]} - {show["id"] for show in held["shows"]}
    shows = [show for show in row["shows"] if show["id"] not in removed]
    return row | {key: held[key] for key in ("name", "city", "city_id")} | {"shows": shows}


def _as_of(today: date, **given: str) -> tuple[str, ...]:
    given |= {"report_today": str(today)}
    return (*BUILD[:-1], json.dumps(given | {"raw_check_hours": 0}))


def test_it_is_true_of_an_embedded_clickhouse_too(golden: Golden, built_place: Place) -> None:
    organiser = golden.organiser()
    rng = Random(7)
    for _ in range(50):
        organiser.mutate(rng)
    with QTicketsServer(organiser) as server:
        build(built_place, server)
    assert_facts_are_true(built_place, organiser)
