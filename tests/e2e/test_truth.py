"""The whole chain: API server, extract, dbt; then every cell against what the organiser holds.

The expected figures are computed in Python from the organiser's rows (tests/qtickets_organiser.py),
without SQL and without the extractor.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.truth_planning import PLAN_TABLE, Planning
from tests.zakaz import Place, Ran, small_organiser

DAILY = """
    select sales_date, event_id, city, currency,
           tickets_sold, tickets_refunded, gross_revenue, refunded_amount, revenue
    from fact_qtickets_sales_daily
"""
INVENTORY = "select event_id, tickets_total, tickets_left from fact_qtickets_inventory_latest"

# a conservation test may look at everything, however long ago it was landed
BUILD = ("build", "--vars", "{raw_check_hours: 0}")
WITH_PLAN = ("build", "--vars", f"{{raw_check_hours: 0, plan_sales_table: {PLAN_TABLE}}}")


def build(place: Place, server: QTicketsServer, command: Sequence[str] = BUILD) -> Ran:
    extracted = place.extract(server)
    assert extracted.code == 0, extracted
    built = place.dbt(*command)
    assert built.code == 0, built
    return extracted


def assert_facts_are_true(place: Place, organiser: Organiser) -> None:
    sales = {
        key: (s.tickets_sold, s.tickets_refunded, s.gross_revenue, s.refunded_amount, s.revenue)
        for key, s in organiser.daily_sales().items()
    }
    found = {row[:4]: row[4:] for row in place.query(DAILY)}
    assert found == sales
    assert len(sales) > 50
    assert sum((s[4] for s in sales.values()), Decimal(0)) > 0
    inventory: dict[int, Any] = {row[0]: row[1:] for row in place.query(INVENTORY)}
    assert inventory == organiser.inventory()


def test_every_cell_equals_what_the_organiser_holds(place: Place) -> None:
    organiser = small_organiser()
    planning = Planning(place, organiser)
    with QTicketsServer(organiser) as server:
        planning.prepare(server)
        build(place, server, WITH_PLAN)
        assert_facts_are_true(place, organiser)
        planning.assert_true()

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
        build(place, server, WITH_PLAN)
        assert_facts_are_true(place, organiser)
        planning.assert_true()
        incremental = sorted(place.query(DAILY))
        planning.let_snapshots_expire()
        rebuilt = place.dbt(*WITH_PLAN, "--full-refresh")
        assert rebuilt.code == 0, rebuilt
        assert sorted(place.query(DAILY)) == incremental
        planning.assert_true()
        assert server.non_get == 0
