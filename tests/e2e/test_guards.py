"""What dbt's own tests guard is seen by them, named, and costs nothing else; nor is it invented."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.test_models import HEADER, cells
from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.zakaz import ROOT, Place

DATA = ("build", "--exclude-resource-type", "unit_test")
GUARDS = ("assert_orders_are_read_as_landed", "assert_sales_equal_raw")
SAID_OF_NAMES = (
    'seeds/city_names.csv is not UTF-8: save it as "CSV UTF-8".',
    "seeds/payment_methods.csv: the first line must be",
    "seeds/utm_channels.csv line 2 has 4 values and the first 3",
)
ALTER = "alter table {} {} where {} settings mutations_sync = 2"


@pytest.mark.parametrize(
    ("typed", "fact"),
    [
        # a tag of an order; money of a day
        ("update utm_campaign = 'another'", "update gross_revenue = gross_revenue + 0.01"),
        # an order that is not there; a row of a day that is not there
        ("delete", "delete"),
    ],
)
def test_what_was_tampered_with_is_named(built_place: Place, typed: str, fact: str) -> None:
    [(order_id, day)] = built_place.query(
        "select order_id, sales_date::String from int_sold_tickets where gross_amount > 0"
        " order by order_id limit 1"
    )
    [(another_day,)] = built_place.query(
        f"select max(sales_date)::String from fact_qtickets_sales_daily where sales_date != '{day}'"
    )
    tests = ("test", "--select", *GUARDS)
    untouched = built_place.dbt(*tests)
    assert untouched.code == 0, untouched

    built_place.query(ALTER.format("stg_qtickets_api__orders", typed, f"order_id = {order_id}"))
    built_place.query(
        ALTER.format("fact_qtickets_sales_daily", fact, f"sales_date = '{another_day}'")
    )
    tested = built_place.dbt(*tests)
    assert tested.code == 1, tested
    for guard, named in (
        (GUARDS[0], f"order_id = {order_id}, "),
        (GUARDS[1], f"sales_date = {another_day}, "),
    ):
        # what was found is said last
        found = tested.out.partition(f"{guard} found")[2].partition(" found, ")[0]
        assert named in found, tested


def test_seeds_that_cannot_be_read_stop_the_plan_only(built_place: Place, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for part in ("models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(ROOT / part, project / part)
    shutil.copy(ROOT / "dbt_project.yml", project)
    names = ("city_names", "payment_methods", "utm_channels")
    before = cells(built_place, (*names, "dim_events"))
    for name, text in {
        "plan_sales": f"{HEADER}\n2026-11-25,0,Москва,RUB,3,900\n".encode("cp1251"),
        "city_names": "spelling,city\nПитер,Санкт-Петербург\n".encode("cp1251"),
        "payment_methods": b"payment_type;payment_method\ncard;Card\n",
        "utm_channels": b"utm_source,utm_medium,channel\nvk,,Social, paid\n",
    }.items():
        (project / "seeds" / f"{name}.csv").write_bytes(text)
    dbt = ("--quiet", *DATA, "--project-dir", str(project))
    built = built_place.dbt(*dbt)
    assert built.code == 1, built
    for said in (*SAID_OF_NAMES, 'seeds/plan_sales.csv is not UTF-8: save it as "CSV UTF-8".'):
        assert built.out.count(said) == 1, built

    # the last names are there, and all is built with them; of the plan nothing is
    assert cells(built_place, (*names, "dim_events")) == before
    target = tmp_path / "target"
    results = json.loads((target / "run_results.json").read_text())["results"]
    status = {result["unique_id"]: result["status"] for result in results}
    children = json.loads((target / "manifest.json").read_text())["child_map"]
    of_plan, found = set(), ["seed.zakaz.plan_sales"]
    while found:
        of_plan.add(node := found.pop())
        found += set(children[node]) - of_plan
    stopped = {node for node in status if status[node] in ("error", "fail", "skipped")}
    assert stopped - of_plan == {"test.zakaz.assert_names_can_be_read"}
    assert {"seed.zakaz.plan_sales", "model.zakaz.v_plan_vs_fact"} <= stopped
    marts = {node for node in status if node.startswith("model.")}
    assert len(marts - of_plan) > 40

    # as long as it is so, and no longer
    names_only = (*dbt, "--select", *names, "assert_names_can_be_read")
    built = built_place.dbt(*names_only)
    assert built.code == 1, built
    assert all(built.out.count(said) == 1 for said in SAID_OF_NAMES), built
    for name in names:
        shutil.copy(ROOT / "seeds" / f"{name}.csv", project / "seeds")
    with (project / "seeds" / "city_names.csv").open("a") as file:
        file.write('"Томск, центр",Томск\n')
    built = built_place.dbt(*names_only)
    assert (built.code, built.out) == (0, ""), built
    assert built_place.query("select city from city_names where spelling = 'Томск, центр'")


def test_an_untouched_hall_is_explained(place: Place) -> None:
    # with a season ticket: it is sold on its own show, and holds seats of others
    with QTicketsServer(Organiser.sample(seed=1)) as server:
        extracted = place.extract(server)
        assert extracted.code == 0, extracted
    guard = "assert_seats_are_explained_by_sales"
    built = place.dbt(*DATA, "--select", f"+{guard}", "--indirect-selection", "cautious")
    assert built.code == 0, built
    assert f"PASS {guard}" in built.out, built
    [(in_season, paid)] = place.query(
        "select sum(tickets_in_season), sum(tickets_paid_in_hall) from v_seats_vs_sales"
    )
    assert in_season > 0
    assert paid > 100
