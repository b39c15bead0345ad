"""What organisers fill in themselves, and what runs leave behind: costs of advertising, run log."""

from __future__ import annotations

from decimal import Decimal

from tests.qtickets_api import QTicketsServer
from tests.truth_shown import COSTS_TABLE, write_costs
from tests.zakaz import Golden, Place

COLUMNS = "(spend_date, utm_source, utm_campaign, currency, spend, impressions, clicks)"
COSTS = (
    *("build", "--exclude-resource-type", "unit_test"),
    *("--select", "stg_planning__ad_costs+", "--indirect-selection", "cautious"),
    *("--vars", f"{{ad_costs_table: {COSTS_TABLE}}}"),
)


def test_wrong_costs_count_and_are_named(golden: Golden, built_place: Place) -> None:
    today = golden.organiser().clock().date()
    costs = write_costs(built_place, today)
    spent = sum((cost.spend for cost in costs), Decimal(0))
    # doubts only: they are told, and nothing fails
    built = built_place.dbt(*COSTS)
    assert built.code == 0, built
    assert "nobody came from this source" in built.out
    assert built_place.query("select sum(spend) from v_romi_daily") == [(spent,)]

    built_place.query(
        f"insert into {COSTS_TABLE} {COLUMNS} values"
        f" ('{today}', 'vk', 'a', '', 10, 1, 1), ('{today}', 'vk', 'b', 'RUB', -5, 1, 1),"
        f" ('{today}', 'vk', 'c', 'RUB', 7, 1, 1), ('{today}', ' VK', 'c ', 'rub', 8, 1, 1)"
    )
    built = built_place.dbt(*COSTS)
    assert built.code == 1, built
    for mistake in ("no currency", "negative", "more than once"):
        assert mistake in built.out, built
    assert built_place.query("select sum(spend) from v_romi_daily") == [(spent + 20,)]
    together = "select spend from v_romi_daily where utm_campaign = 'c'"
    assert built_place.query(together) == [(Decimal(15),)]


def test_costs_may_stand_in_the_seed(built_place: Place) -> None:
    rows = built_place.query("select count(), sum(spend) from v_romi_daily")
    assert rows[0][0] > 20
    assert rows[0][1] == 0  # the file has a header only


def test_history_of_runs_says_how_each_ended(golden: Golden, built_place: Place) -> None:
    with QTicketsServer(golden.organiser()) as server:
        server.faults.outage = {"/events"}
        failed = built_place.extract(server, EXTRACT_TRIES="2")
        assert failed.code != 0, failed
    built = built_place.dbt("run", "--select", "stg_qtickets_api__job_runs", "v_runs")
    assert built.code == 0, built
    runs = built_place.query(
        "select resource, status, seconds >= 0, requests > 0, error != '' from v_runs"
        " order by started_at, resource"
    )
    assert len(runs) == 10
    first, last = runs[:5], {row[0]: row[1:] for row in runs[5:]}
    assert {row[1] for row in first} == {"verified"}
    assert last["orders"] == ("verified", 1, 1, 0)
    assert last["events"][0] == "failed"
    assert last["events"][3]
