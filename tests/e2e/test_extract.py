"""The extractor as an operator meets it: flags, messages, exit codes, and being run twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import orjson
import pytest

from extract.resources import (
    DISCOUNTS,
    EVENTS,
    INVENTORY_TABLE,
    LISTINGS,
    ORDERS,
    PROMO_CODES,
    shows_to_come,
)
from tests.qtickets_api import QTicketsServer
from tests.qtickets_sample import MOSCOW
from tests.zakaz import ROOT, Place, held_by, orders_of, small_organiser


def test_all_is_landed_and_a_second_run_lands_nothing(place: Place) -> None:
    organiser = small_organiser()
    with QTicketsServer(organiser) as server:
        first = place.extract(server)
        assert first.code == 0, first
        assert first.err == ""
        for listing in LISTINGS:
            assert place.landed(listing) == held_by(organiser, listing) != {}, listing.name
        assert any(event["deleted_at"] for event in organiser.events.rows())

        counts = "select count() from stg_qtickets_api_orders_raw"
        before = place.query(counts)
        second = place.extract(server)
        assert second.code == 0, second
        assert place.query(counts) == before
        names = ["discounts", "events", "inventory", "orders", "promo_codes"]
        log = place.query(
            "select resource, mode, status, source, rows_new > 0, rows_changed + rows_deleted,"
            " rows_seen = api_total from meta_job_runs final order by started_at, resource"
        )
        host = server.url.split("/")[2]
        first = [(name, "incremental", "verified", host, True, 0, True) for name in names]
        assert log[:5] == first
        assert [row[:6] for row in log[5:]] == [(*row[:4], False, 0) for row in first]
        assert server.non_get == 0


def test_only_the_resources_asked_for(place: Place) -> None:
    organiser = small_organiser()
    with QTicketsServer(organiser) as server:
        ran = place.extract(server, "inventory")
        assert ran.code == 0, ran
        assert place.landed_orders() == place.landed_events() == {}
        shows = place.query("select uniq(show_id) from stg_qtickets_api_inventory_raw")
        assert shows[0][0] > 5


@pytest.mark.embedded
def test_dry_run_needs_no_clickhouse_and_writes_nothing(place: Place) -> None:
    organiser = small_organiser()
    with QTicketsServer(organiser) as server:
        ran = place.extract(server, "--dry-run", "--verbose", CLICKHOUSE_HOST="nowhere.invalid")
    assert ran.code == 0, ran
    orders = len(organiser.orders.ids)
    assert f"would land {orders} new" in ran.out
    assert "nothing written" in ran.out
    assert not place.path.exists()


def test_offline_from_a_directory_with_all_flags(place: Place, tmp_path: Path) -> None:
    organiser = small_organiser(days=3, orders_per_day=5)
    saved = tmp_path / "saved"
    (saved / "orders").mkdir(parents=True)
    rows = list(organiser.orders.rows())
    half = len(rows) // 2
    for name, part in (("1", rows[:half]), ("2", rows[half:])):
        answer = {"data": part, "paging": {"perPage": 50, "currentPage": 1, "total": len(rows)}}
        (saved / "orders" / f"{name}.json").write_bytes(orjson.dumps(answer))
    (saved / "events.json").write_bytes(orjson.dumps({"data": list(organiser.events.rows())}))
    (saved / "promo_codes.json").write_bytes(
        orjson.dumps({"data": list(organiser.promo_codes.rows())})
    )
    coming = shows_to_come(organiser.events.rows(), datetime.now(MOSCOW))
    show = coming[0].show_id
    seats = saved / "shows" / str(show)
    seats.mkdir(parents=True)
    (seats / "seats.json").write_bytes(orjson.dumps({"data": organiser.seats(show)}))
    yesterday = datetime.now(MOSCOW) - timedelta(days=1)
    (saved / "now.txt").write_text(f"{yesterday.isoformat()}\n")
    envfile = tmp_path / "settings.env"
    envfile.write_text("CLICKHOUSE_DATABASE=elsewhere\n")
    offline = ("--offline-fixtures-dir", str(saved), "--envfile", str(envfile), "--verbose")

    dry = place.extract(None, *offline, "--dry-run")
    assert dry.code == 0, dry
    assert f"would land {len(rows)} new" in dry.out
    landed = place.extract(None, *offline)
    assert landed.code == 0, landed
    assert place.landed_orders() == orders_of(organiser)
    assert place.landed(PROMO_CODES) == held_by(organiser, PROMO_CODES) != {}
    assert place.landed(DISCOUNTS) == {}
    assert place.query("select show_id from stg_qtickets_api_inventory_raw") == [(show,)]


def test_a_range_of_days_moves_no_cursor(place: Place) -> None:
    organiser = small_organiser()
    days = sorted({day for day, *_ in organiser.daily_sales()})
    since, until = days[2], days[4]
    with QTicketsServer(organiser) as server:
        ran = place.extract(server, "orders", "--since", str(since), "--until", str(until))
        assert ran.code == 0, ran
        expected = {
            row["id"]
            for row in organiser.orders.rows()
            if row["payed_at"] and since <= _moscow_day(row["payed_at"]) <= until
        }
        assert set(place.landed_orders()) == expected != set()
        cursors = "select count() from meta_job_runs final where cursor_to is not null"
        assert place.query(cursors) == [(0,)]
        # a plain run afterwards reads the rest
        assert place.extract(server, "orders").code == 0
        assert place.landed_orders() == orders_of(organiser)


def _moscow_day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(MOSCOW).date()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"QTICKETS_API_TOKEN": ""}, "QTICKETS_API_TOKEN: missing"),
        ({"QTICKETS_API_TOKEN": "Bearer s3cr3t"}, "QTICKETS_API_TOKEN: must be the bare token"),
        ({"QTICKETS_BASE_URL": "qtickets.ru"}, "QTICKETS_BASE_URL: must look like"),
        ({"CLICKHOUSE_PORT": "http"}, "CLICKHOUSE_PORT"),
        ({"CLICKHOUSE_HOST": "https://ch.example.org"}, "CLICKHOUSE_HOST: must be a bare host"),
        ({"CLICKHOUSE_DATABASE": "a; drop table b"}, "CLICKHOUSE_DATABASE: only letters"),
        ({"EXTRACT_CONNECTIONS": "0"}, "EXTRACT_CONNECTIONS"),
    ],
)
def test_a_wrong_setting_is_named(place: Place, settings: dict[str, str], says: str) -> None:
    ran = place.extract(None, **({"QTICKETS_API_TOKEN": "s3cr3t"} | settings))
    assert ran.code == 2, ran
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert "s3cr3t" not in ran.out + ran.err


@pytest.mark.parametrize(
    "args",
    [
        ["--envfile", "/no/such"],
        ["--since", "soon"],
        ["--since", "2026-02-02", "--until", "2026-01-01"],
        ["tickets"],
    ],
)
def test_a_wrong_flag_is_named(place: Place, args: list[str]) -> None:
    ran = place.extract(None, *args)
    assert ran.code == 2, ran
    assert args[-1] in ran.err
    assert (ran.err[:7], ran.err.count("\n")) == ("zakaz: ", 1), ran


def test_a_refused_token_is_one_message_and_never_shown(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        ran = place.extract(server, "--verbose", QTICKETS_API_TOKEN="wrong-t0ken")
    assert ran.code == 3, ran
    assert ran.err.count("\n") == 1
    assert "Check QTICKETS_API_TOKEN" in ran.err
    assert "wrong-t0ken" not in ran.out + ran.err


def test_a_dead_api_is_said_and_named(place: Place) -> None:
    ran = place.extract(
        None,
        QTICKETS_API_TOKEN="token",
        QTICKETS_BASE_URL="http://127.0.0.1:1/api",
        EXTRACT_TRIES="2",
    )
    assert ran.code == 3, ran
    assert "cannot connect to 127.0.0.1" in ran.err
    assert ran.err.count("\n") == 1


def test_an_api_that_is_down_is_one_message(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        server.faults.error_503 = 1
        ran = place.extract(server, EXTRACT_TRIES="2")
    assert ran.code == 3, ran
    assert ran.err.startswith("zakaz: events, orders, promo_codes, discounts, inventory: GET /")
    assert ran.err.count("\n") == 1


def test_a_dead_clickhouse_is_said_and_named(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        ran = place.extract(server, CLICKHOUSE_HOST="127.0.0.1", CLICKHOUSE_PORT="1")
    assert ran.code == 4, ran
    assert "CLICKHOUSE_HOST" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.embedded
def test_the_second_of_two_runs_leaves(place: Place) -> None:
    with QTicketsServer(small_organiser(), latency=0.2) as server:
        first = place.start_extract(server)
        _wait_for(place.path)
        second = place.extract(server)
        assert second.code == 6, second
        assert "Another run" in second.err
        assert first.wait(60) == 0, first.communicate()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_cleanly_and_says_how_to_go_on(place: Place, number: int) -> None:
    organiser = small_organiser()
    with QTicketsServer(organiser, latency=0.3) as server:
        running = place.start_extract(server)
        while len(server.requests) < 8:
            time.sleep(0.02)
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
        assert running.returncode == 128 + number, err
        assert "run the same command again" in err
        assert "Traceback" not in out + err
        server.latency = 0
        ran = place.extract(server)
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)


@pytest.mark.embedded
def test_check_finds_all_in_place_and_writes_nothing(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        ran = place.extract(server, "--check")
        assert ran.code == 0, ran
        assert "not there yet" in ran.out
        assert not place.path.exists()
        assert place.extract(server, "--check", QTICKETS_API_TOKEN="wrong").code == 3
        assert place.extract(server, "orders").code == 0
        ran = place.extract(server, "--check")
        assert ran.code == 0, ran
        assert "rights sufficient" in ran.out
        dead = place.extract(server, "--check", CLICKHOUSE_HOST="127.0.0.1", CLICKHOUSE_PORT="1")
        assert dead.code == 4, dead


def test_healthcheck_tells_fresh_and_complete_from_what_is_not(place: Place) -> None:
    def told(code: int, *says: str, args: tuple[str, ...] = (), **settings: str) -> None:
        ran = place.extract(None, "--healthcheck", *args, **settings)
        assert ran.code == code, ran
        assert len(ran.out.splitlines()) == 1 + (len(args) or 5), ran
        assert ran.out.splitlines()[-1].startswith("unhealthy" if code else "healthy"), ran
        assert (ran.err.count("\n"), ran.err[:17]) == (
            (1, "zakaz: unhealthy:") if code else (0, "")
        )
        for said in says:
            assert said in ran.out, ran
        as_json = place.extract(None, "--healthcheck", "--log-format", "json", *args, **settings)
        rows = [orjson.loads(line) for line in as_json.out.splitlines()]
        assert as_json.code == code
        assert all(row["healthy"] == (not row["faults"]) for row in rows[:-1])
        assert rows[-1]["healthy"] == (code == 0) == all(row["healthy"] for row in rows)

    told(5, "nothing was landed yet")
    assert place.server
    assert (place.database,) not in place.server.query("show databases")
    organiser = small_organiser()
    orders, events = len(organiser.orders.ids), len(organiser.events.ids)
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "events", "orders").code == 0
        healthy = f" {events} rows; verified complete 0 h "
        told(0, healthy, f" {orders} rows; ", args=("events", "orders"))
        told(5, "rows; never verified complete")
        server.faults.outage = {"/orders"}
        assert place.extract(server, EXTRACT_TRIES="2").code == 3
    told(0, healthy, "last run failed: GET /orders: 503")
    told(
        5,
        " min ago, EXTRACT_FRESH_HOURS is 1e-05; last run failed:",
        EXTRACT_FRESH_HOURS="0.00001",
    )

    hours_ago = "now64(3) - interval {} hour, run_id, _ver + 1"
    older = "insert into meta_slices select resource, lo, hi, rows, {} from meta_slices final"
    older += " where resource = 'orders'"
    place.query(older.format(hours_ago.format(29)))
    told(0)  # due, and the next run is
    place.query(older.format(hours_ago.format(31)))
    told(5, "some not compared with the API for 31 h 0 min, EXTRACT_SWEEP_HOURS is 24")

    raw = "stg_qtickets_api_{}_raw"
    deleted = "select * replace (1 as _deleted, _ver + 1e9 as _ver) from {0} limit 1"
    place.query(f"insert into {{0}} {deleted}".format(raw.format("events")))
    place.query(f"delete from {raw.format('orders')} where order_id % 2")
    place.query(f"truncate table {raw.format('inventory')}")
    shows = place.query(
        "select api_total from meta_job_runs final"
        " where resource = 'inventory' and status = 'verified'"
    )[0][0]
    half = sum(id_ % 2 == 0 for id_ in organiser.orders.ids)
    told(
        5,
        f"{half} are left of {orders} rows that were verified",
        f" 0 are left of {shows} rows",
    )


def test_log_lines_are_json_when_asked(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        server.faults.script(["error_503"])
        ran = place.extract(server, "--dry-run", "--verbose", "--log-format", "json")
        assert ran.code == 0, ran
        lines = [orjson.loads(line) for line in ran.err.splitlines()]
        assert [line["level"] for line in lines] == ["info"]
        assert "503" in lines[0]["message"]
        ran = place.extract(server, "--log-format", "json", QTICKETS_API_TOKEN="wrong")
        assert orjson.loads(ran.err)["level"] == "error"


def test_the_version_is_told(place: Place) -> None:
    ran = place.extract(None, "--version")
    assert (ran.code, ran.err) == (0, ""), ran
    assert re.fullmatch(r"zakaz \d+\.\d+\S*\n", ran.out)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("reader", ["gone", "closed", "full"])
def test_output_that_nobody_reads_changes_nothing(place: Place, stream: str, reader: str) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if reader == "gone":
        streams[stream] = writing
    ends = {"gone": "", "closed": f"{number}>&-", "full": f"{number}>/dev/full"}
    organiser = small_organiser(days=2)
    with QTicketsServer(organiser) as server:
        server.faults.outage = {"/discounts"}
        ran = subprocess.run(
            ["/bin/sh", "-c", f"exec {sys.executable} -m extract --verbose {ends[reader]}"],
            env=place.env(server, EXTRACT_TRIES="2"),
            cwd=ROOT,
            text=True,
            check=False,
            **streams,
        )
    os.close(writing)
    assert ran.returncode == 3, ran
    said = (ran.stdout or "") + (ran.stderr or "")
    assert "Traceback" not in said
    assert "Exception" not in said
    assert place.landed_orders() == orders_of(organiser)


@pytest.mark.embedded
def test_saved_responses_and_an_api_never_come_into_one_database(
    place: Place, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "orders.json").write_text('{"data": []}')
    offline = ("--offline-fixtures-dir", str(saved))
    organiser = small_organiser(days=2)
    with QTicketsServer(organiser) as server:
        assert place.extract(server).code == 0
        ran = place.extract(None, *offline)
        assert ran.code == 2, ran
        assert "was filled from an API" in ran.err
        assert place.extract(None, *offline, "--dry-run").code == 0
        assert place.landed_orders() == orders_of(organiser)
        elsewhere = {"CLICKHOUSE_PATH": str(tmp_path / "elsewhere")}
        rows = orjson.dumps({"data": list(organiser.orders.rows())})
        (saved / "orders.json").write_bytes(rows)
        assert place.extract(None, *offline, **elsewhere).code == 0
        ran = place.extract(server, **elsewhere)
        assert ran.code == 2, ran
        assert "was filled with --offline-fixtures-dir" in ran.err


def test_a_saved_page_that_is_a_part_is_landed_and_not_called_complete(
    place: Place, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    organiser = small_organiser(days=2)
    rows = list(organiser.orders.rows())
    paging = {"perPage": 50, "currentPage": 1, "total": len(rows) + 1}
    (saved / "orders.json").write_bytes(orjson.dumps({"data": rows, "paging": paging}))
    ran = place.extract(None, "orders", "--offline-fixtures-dir", str(saved))
    assert ran.code == 5, ran
    assert f"the API says {len(rows) + 1}, {len(rows)} are landed" in ran.err
    assert place.landed_orders() == orders_of(organiser)


@pytest.mark.embedded
def test_runs_leave_no_files_behind(place: Place) -> None:
    """An embedded ClickHouse is over before it removes by itself what it merged."""

    def files() -> int:
        return sum(path.is_file() for path in place.path.rglob("*"))

    with QTicketsServer(small_organiser(days=2)) as server:
        for _ in range(2):
            assert place.extract(server).code == 0
        before = files()
        for _ in range(6):
            assert place.extract(server).code == 0
        assert files() < before * 1.5
    assert place.query("select count() from system.parts where not active") == [(0,)]


def fill_as_version_1(place: Place) -> None:
    """Make of what was landed what the release before version 2 would have landed."""
    before = f"{place.database}_before"
    tables = [table for (table,) in place.query("show tables")]
    place.query(f"create database {before}")
    for table in tables:
        place.query(f"rename table {table} to {before}.{table}")
    for statement in (ROOT / "tests" / "version_1.sql").read_text().split(";\n")[:-1]:
        place.query(statement)
    for table in set(tables) - {"meta_job_runs"}:
        place.query(f"insert into {table} select * from {before}.{table}")
    lanes = "['changes', 'backfill']"
    same = "run_id, job, resource, started_at, finished_at, cursor_from, requests, retries"
    same += ", rows_seen, rows_changed, api_total, bytes, filters, error, _ver"
    place.query(
        f"insert into meta_job_runs ({same}, lane, status, cursor_to, rows_landed) select {same},"
        " arrayJoin(multiIf(resource = 'orders', " + lanes + ", resource = 'inventory',"
        " ['snapshot'], ['all'])) as its_lane, 'proven',"
        f" if(its_lane = 'backfill', null, cursor_to), rows_new from {before}.meta_job_runs final"
    )
    place.query(f"drop database {before}")


def test_a_database_of_version_1_goes_on_without_a_full_reading(place: Place) -> None:
    organiser = small_organiser(days=60, orders_per_day=150)
    with QTicketsServer(organiser) as server:
        assert place.extract(server).code == 0
        fill_as_version_1(place)

        checked = place.extract(server, "--check")
        assert "the next run will alter table meta_job_runs add column if not exists mode" in (
            checked.out
        ), checked
        healthy = place.extract(None, "--healthcheck", "orders")
        assert healthy.code == 5, healthy
        assert "of an older version" in healthy.err
        for order_id in list(organiser.orders.ids)[:5]:
            organiser.cancel(order_id)
        for _ in range(5):
            organiser.new_order()
        server.requests.clear()
        ran = place.extract(server)
        assert (ran.code, ran.err) == (0, ""), ran
        pages = sum(seen.path == "/orders" for seen in server.requests)
        assert pages < len(organiser.orders.ids) / 50 * 0.6, "no full reading"
        assert place.landed_orders() == orders_of(organiser)
    assert place.query(
        "select mode, arraySort(groupUniqArray(status)), count() from meta_job_runs final"
        " where resource = 'orders' group by mode order by mode"
    ) == [("incremental", ["proven", "verified"], 2), ("part", ["proven"], 1)]
    assert place.extract(None, "--healthcheck").code == 0


def test_retention_of_inventory_follows_its_setting(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        assert place.extract(server, "inventory").code == 0
        assert place.extract(server, "inventory", EXTRACT_INVENTORY_DAYS="30").code == 0
        table = place.query("show create table stg_qtickets_api_inventory_raw")[0][0]
        assert "toIntervalDay(30)" in table


def test_older_tables_are_brought_forward_and_newer_ones_left_alone(place: Place) -> None:
    organiser = small_organiser(days=4)
    orders, events = ORDERS.table, EVENTS.table
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "orders", "events").code == 0
        place.query(
            "create table old (order_id UInt64, payload String codec(ZSTD(1)),"
            " _dedup_key UInt64, _ver UInt64, _landed_at DateTime64(3, 'UTC') default now64(3),"
            " _run_id LowCardinality(String)) engine = ReplacingMergeTree(_ver) order by order_id"
        )
        place.query(f"insert into old select * except _deleted from {orders} where not _deleted")
        place.query(f"exchange tables old and {orders}")
        place.query("drop table old")
        place.query(f"alter table {events} add column _source String")
        place.query(f"alter table {events} update _source = 'told' where 1")

        forward = f"the next run will alter table {orders} add column if not exists _deleted"
        checked = place.extract(server, "--check")
        assert forward in checked.out, checked
        assert checked.out.count("the next run") == 2
        rng = Random(3)
        for _ in range(60):
            organiser.mutate(rng)
        ran = place.extract(server)
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)
        assert place.landed(EVENTS) == held_by(organiser, EVENTS)
        assert place.query(f"select count() > 0 from {events} where _source = 'told'") == [(True,)]
        assert "the next run" not in place.extract(server, "--check").out


def test_tables_of_another_make_are_refused_before_anything_is_written(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        assert place.extract(server, "events").code == 0
        for table in (ORDERS.table, EVENTS.table, INVENTORY_TABLE, "meta_slices"):
            place.query(f"drop table {table}")
        place.query(f"create table {ORDERS.table} (id Int8) engine = MergeTree order by id")
        place.query(
            f"create table {EVENTS.table} (event_id UInt64, payload Nullable(String),"
            " _dedup_key UInt64, _ver UInt64, _landed_at DateTime64(3, 'UTC'),"
            " _run_id LowCardinality(String)) engine = ReplacingMergeTree order by event_id"
        )
        place.query("create view meta_slices as select 1 as lo")
        runs = place.query("select count() from meta_job_runs")
        ran, checked = place.extract(server), place.extract(server, "--check")
    assert ran.err == checked.err
    assert (ran.code, checked.code, ran.err.count("\n")) == (4, 4, 1), ran
    for said in (
        f"{place.database}.{ORDERS.table}: its engine is MergeTree by (id), wanted"
        " ReplacingMergeTree(_ver) by (order_id)",
        f"{place.database}.{EVENTS.table}: its engine is ReplacingMergeTree by (event_id), wanted",
        f"{place.database}.meta_slices: its engine is View by (), wanted",
        "Rename such a table",
    ):
        assert said in ran.err, ran
    assert place.query("select count() from meta_job_runs") == runs
    assert (INVENTORY_TABLE,) not in place.query("show tables")


def test_a_show_that_stands_still_has_a_snapshot_a_day(place: Place) -> None:
    organiser = small_organiser(days=2)
    count = "select count() from stg_qtickets_api_inventory_raw"
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "inventory").code == 0
        shows = place.query(count)[0][0]
        assert place.extract(server, "inventory").code == 0
        assert place.query(count) == [(shows,)]
        # as if what was landed had been landed a day and an hour ago
        columns = "show_id, event_id, payload, _dedup_key, _ver, _run_id"
        place.query("create table old as stg_qtickets_api_inventory_raw")
        place.query(
            f"insert into old ({columns}, snapshot_ts) select {columns},"
            " snapshot_ts - interval 25 hour from stg_qtickets_api_inventory_raw"
        )
        place.query("exchange tables old and stg_qtickets_api_inventory_raw")
        assert place.extract(server, "inventory").code == 0
        assert place.query(count) == [(2 * shows,)]
