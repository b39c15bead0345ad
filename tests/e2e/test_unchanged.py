"""A build leaves alone what nothing has changed for, and nothing else.

Whether what was left alone is right is asked by the tests that compare every cell with Python's
after many builds of one database, and with a `--full-refresh` (test_truth.py, test_models.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.e2e.test_models import DAILY, Landing, avoid_the_end_of_a_show, cells, ok, order
from tests.zakaz import Place

BY_THE_CLOCK = {
    *("dim_shows", "fact_qtickets_attendance_by_show", "v_sales_compared"),
    *("fact_qtickets_inventory_by_show", "fact_qtickets_inventory_by_price"),
    *("fact_qtickets_pulls", "v_runs"),
}
"""What holds other rows when a show has begun or a run is old: built each time."""
INCREMENTAL = {"stg_qtickets_api__orders", "stg_qtickets_api__snapshots"}
BUILD = ("build", "--exclude-resource-type", "test", "unit_test")


def built(place: Place, *args: str) -> set[str]:
    """Run dbt, and return the tables that it built."""
    before = when_built(place)
    ok(place.dbt(*(args or BUILD)))
    after = when_built(place)
    return {name for name, moment in after.items() if moment != before.get(name)}


def when_built(place: Place) -> Mapping[str, datetime]:
    return dict(place.query("select name, max(built_at) from meta_builds group by name"))


def test_what_something_has_changed_for_is_built(built_place: Place) -> None:
    avoid_the_end_of_a_show()
    before = cells(built_place)
    # the incremental ones, since a second build asks for other orders than the first: for new ones
    assert built(built_place) - INCREMENTAL == BY_THE_CLOCK
    assert cells(built_place) == before
    days = ("run", "--select", f"+{DAILY}", "+fact_qtickets_inventory_daily")
    assert not built(built_place, *days)

    built_place.query(
        "insert into stg_qtickets_api_inventory_raw"
        " select * replace (snapshot_ts + interval 1 second as snapshot_ts)"
        " from stg_qtickets_api_inventory_raw order by snapshot_ts desc limit 1"
    )
    with_seats = built(built_place, *days)
    assert with_seats == {"stg_qtickets_api__snapshots", "fact_qtickets_inventory_daily"}

    Landing(built_place).orders({9_000_001: order(9_000_001, datetime.now(UTC), price=777)})
    with_order = built(built_place, *days)
    assert {"stg_qtickets_api__orders", "int_tickets", DAILY} < with_order
    assert not with_order & {"stg_qtickets_api__snapshots", "stg_qtickets_api__events"}

    few = {DAILY, "plan_sales", "stg_qtickets_api__snapshots"}
    assert built(built_place, *BUILD, "--full-refresh", "--select", *few) == few


def test_what_was_written_by_hand_is_built(built_place: Place) -> None:
    # more rows, fewer, no table at all, and others in the place of those that were there
    before = cells(built_place, [DAILY])
    for statement in (
        f"insert into {DAILY} select * from {DAILY} limit 3",
        f"alter table {DAILY} delete where revenue > 0 settings mutations_sync = 1",
        f"drop table {DAILY} sync",
        f"alter table {DAILY} update revenue = 0 where true settings mutations_sync = 1",
    ):
        built_place.query(statement)
        assert built(built_place, "run", "--select", DAILY) == {DAILY}, statement
        assert cells(built_place, [DAILY]) == before, statement


def test_another_day_builds_everything(built_place: Place) -> None:
    few = {DAILY, "dim_discounts"}
    today = datetime.now(UTC).date()
    for day in (today - timedelta(days=40), today - timedelta(days=41)):
        args = ("run", "--vars", f"{{report_today: {day}}}", "--select", *few)
        assert built(built_place, *args) == few
        assert not built(built_place, *args)


def test_a_table_of_the_organiser_is_read_each_time(built_place: Place) -> None:
    built_place.query(
        "create table plans (day Date, tickets UInt32) engine = Log as select '2026-01-01', 5"
    )
    # dbt sees the view and not what it reads
    built_place.query(
        "create view my_plan as select day as plan_date, 0::UInt64 as event_id, 'Томск' as city,"
        " 'RUB' as currency, tickets as planned_tickets, 100 as planned_revenue from plans"
    )
    args = ("run", "--vars", "{plan_sales_table: my_plan}", "--select")
    chain = ("stg_planning__plan_sales", "fact_plan_sales_daily")
    for planned in (5, 12):
        assert built(built_place, *args, *chain) == {"fact_plan_sales_daily"}
        assert built_place.query("select sum(planned_tickets) from fact_plan_sales_daily") == [
            (planned,)
        ]
        built_place.query("insert into plans values ('2026-01-02', 7)")
