"""On a ClickHouse server, as in production: the same truth, and every way in which it can fail.

Whatever failed: one message that names the setting or the fault, the exit code that the README
tells, no traceback, no password; and the next run puts it right.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.e2e import test_truth
from tests.forks import Forked
from tests.qtickets_api import QTicketsServer
from tests.zakaz import ROOT, Place, Ran, clean_env, ended, events_of, orders_of, small_organiser

PASSWORD = "s3cr3t-pa55word"


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ClickHouseServer]:
    """Return a server of the test's own, to be stopped at will."""
    with ClickHouseServer(tmp_path / "clickhouse", own=True) as server:
        yield server


@pytest.fixture(scope="module")
def api() -> Iterator[QTicketsServer]:
    """Return an API that is always well."""
    with QTicketsServer(small_organiser(days=2)) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def deaf(tmp_path_factory: pytest.TempPathFactory, api: QTicketsServer) -> Iterator[Forked]:
    """Return a run on a server that never answers, begun early: it takes half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = Place(tmp_path_factory.mktemp("deaf"))
        host, port = server.getsockname()
        running = place.start_extract(api, CLICKHOUSE_HOST=host, CLICKHOUSE_PORT=str(port))
        yield running
        running.kill()
        running.communicate()


def assert_said_well(ran: Ran, code: int, *says: str) -> None:
    """One message that says all of this, and nothing that it should not."""
    assert ran.code == code, ran
    assert ran.err.startswith("zakaz: "), ran
    assert ran.err.count("\n") == 1, ran
    for said in says:
        assert said in ran.err, ran
    assert_nothing_leaks(ran)


def assert_nothing_leaks(ran: Ran) -> None:
    assert "Traceback" not in ran.out + ran.err, ran
    assert PASSWORD not in ran.out + ran.err, ran


CHECK_USER = "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CLICKHOUSE_PASSWORD": PASSWORD}, CHECK_USER),
        ({"CLICKHOUSE_USER": "nobody", "CLICKHOUSE_PASSWORD": PASSWORD}, CHECK_USER),
        ({"CLICKHOUSE_PORT": "1"}, "CLICKHOUSE_PORT"),
        ({"CLICKHOUSE_HOST": "nowhere.invalid"}, "CLICKHOUSE_HOST"),
        ({"CLICKHOUSE_SECURE": "true"}, "no TLS there: WRONG_VERSION_NUMBER"),
    ],
    ids=["password", "user", "port", "host", "TLS"],
)
@pytest.mark.parametrize(
    "flags", [[], ["--check"], ["--healthcheck"]], ids=["run", "check", "health"]
)
def test_a_server_out_of_reach_is_said_and_the_setting_named(
    place: Place, api: QTicketsServer, settings: dict[str, str], says: str, flags: list[str]
) -> None:
    ran = place.extract(api, *flags, **{"CLICKHOUSE_PASSWORD": PASSWORD} | settings)
    assert_said_well(ran, 4, says, "CLICKHOUSE_")


def test_a_native_port_is_told_from_an_http_port(place: Place, api: QTicketsServer) -> None:
    assert place.server
    ran = place.extract(api, CLICKHOUSE_PORT=str(place.server.native_port))
    assert_said_well(ran, 4, "is for clickhouse-client", "CLICKHOUSE_PORT")


def test_dbt_says_so_too(place: Place) -> None:
    ran = place.dbt("build", CLICKHOUSE_USER="nobody", CLICKHOUSE_PASSWORD=PASSWORD)
    assert ran.code == 2, ran
    assert "nobody: Authentication failed" in ran.out
    assert_nothing_leaks(ran)


def test_health_of_a_database_that_is_not_there(place: Place) -> None:
    ran = place.extract(None, "--healthcheck")
    assert ran.code == 5, ran
    assert "nothing was landed yet" in ran.out
    assert place.server
    databases = place.server.query("select name from system.databases")
    assert (place.database,) not in databases


def test_a_server_that_never_answers_is_given_up(deaf: Forked) -> None:
    assert_said_well(ended(deaf), 4, "no answer: timed out", "CLICKHOUSE_HOST")


def wait_for_more(
    table: str, server: ClickHouseServer, running: Forked, where: str = "true"
) -> None:
    def rows() -> int:
        there = server.query(f"exists table zakaz.{table}")[0][0]
        count = f"select count() from zakaz.{table} where {where}"
        return server.query(count)[0][0] if there else 0

    before, deadline = rows(), time.monotonic() + 60
    while rows() <= before:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_server_that_goes_while_orders_land(
    tmp_path: Path, mortal: ClickHouseServer, way: str
) -> None:
    place = Place(tmp_path, server=mortal, settings={"EXTRACT_CONNECTIONS": "2"})
    organiser = small_organiser(days=50, orders_per_day=160)
    orders = len(organiser.orders.ids)
    with QTicketsServer(organiser, latency=0.04, per_page={"orders": 100}) as server:
        # between the landing of a span and its checkpoint, and after that
        for table, where in (
            ("stg_qtickets_api_orders_raw", "true"),
            ("meta_slices", "resource = 'orders' and rows > 0"),
        ):
            running = place.start_extract(server, "events", "orders")
            wait_for_more(table, mortal, running, where)
            getattr(mortal, way)()
            assert_said_well(ended(running), 4, "no answer", "Check that it runs")
            mortal.start()
        assert 0 < len(place.landed_orders()) < orders

        server.latency = 0
        ran = place.extract(server)
        assert ran.code == 0, ran
        assert ran.err == ""
        assert place.landed_orders() == orders_of(organiser)
        assert place.landed_events() == events_of(organiser)
        assert f"{orders:,} read" not in ran.out, "a span with a checkpoint was read a second time"


@pytest.mark.slow
def test_a_server_that_goes_while_dbt_builds(tmp_path: Path, mortal: ClickHouseServer) -> None:
    place = Place(tmp_path, server=mortal)
    organiser = small_organiser()
    with QTicketsServer(organiser) as server:
        assert place.extract(server).code == 0
        for way, table in (("stop", "stg_qtickets_api__orders"), ("kill", "dim_events")):
            running = place.start_dbt("build", "--select", "+dim_events")
            wait_for_more(table, mortal, running)
            getattr(mortal, way)()
            ran = ended(running)
            assert ran.code in {1, 2}, ran
            assert "Connection refused" in ran.out or "Connection aborted" in ran.out, ran
            assert_nothing_leaks(ran)
            mortal.start()

        test_truth.build(place, server)
        test_truth.assert_facts_are_true(place, organiser)
        left = "select name from system.tables where database = 'zakaz' and name like '%\\_\\_dbt%'"
        assert place.query(left) == []


def test_no_server_outlives_its_tests(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from tests.clickhouse_server import ClickHouseServer\n"
        "server = ClickHouseServer(Path(sys.argv[1]), own=True); server.start()\n"
        "print(server.http_port, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    port, deadline = int(died.stdout), time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            break
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)
