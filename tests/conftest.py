"""Fixtures: a ClickHouse of a test's own, embedded or on a server."""

from __future__ import annotations

import re
import resource
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.clickhouse_server import DEFAULT_USERS, ClickHouseServer
from tests.zakaz import (
    ETL_PASSWORD,
    READER_PASSWORD,
    ROOT,
    STRANGERS_PASSWORD,
    Golden,
    Place,
    close_embedded,
)

# an embedded ClickHouse holds three files a thread open: more than the 1,024 of many a shell
_, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", metavar="DIRECTORY", help="where tests/site writes what it saw"
    )


# each builds something for all of its tests
TOGETHER = (
    *("tests/e2e/test_cluster.py", "tests/e2e/test_deploy.py", "tests/e2e/test_docs.py"),
    "tests/site/",
)


class Together(LoadScopeScheduling):
    """Shares tests out one by one, but for those that belong together; these come first."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not looked at: a skipped test proves nothing."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"NOT RUN: {count} of the tests. {reason}", yellow=True)


@pytest.fixture(autouse=True)
def _one_embedded_at_a_time() -> Iterator[None]:
    yield
    close_embedded()


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Golden:
    """Return the landed and built database of a small organiser that all tests share."""
    base = tmp_path_factory.getbasetemp()
    golden = Golden((base if worker_id == "master" else base.parent) / "golden")
    golden.make()
    return golden


@pytest.fixture
def built_place(golden: Golden, tmp_path: Path) -> Place:
    """Return a copy of it, a test's own."""
    return golden.copy(tmp_path)


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """Return a ClickHouse server that tests share; nobody stops it."""
    with ClickHouseServer(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return a database on that server, not there yet and dropped afterwards.

    Or an embedded ClickHouse, for what is `embedded`: each command starts its engine anew.
    """
    if request.node.get_closest_marker("embedded"):
        yield Place(tmp_path)
        return
    server = request.getfixturevalue("clickhouse")
    database = f"zakaz_{uuid4().hex[:8]}"
    revive(server)
    yield Place(tmp_path, server=server, database=database)
    revive(server)
    server.query(f"drop database if exists {database}")


def revive(server: ClickHouseServer) -> None:
    """Start the shared server again if it died: TLS on its plain port was seen to crash 26.7."""
    deadline = time.monotonic() + 30
    while True:
        server.start()
        try:
            server.query("select 1")
        except ClickHouseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


# as in the config.xml that every ClickHouse server is installed with, but for the last, which is
# stricter; and the log of queries
IMPROVEMENTS = (
    "users_without_row_policies_can_read_rows",
    "on_cluster_queries_require_cluster_grant",
    "select_from_system_db_requires_grant",
    "select_from_information_schema_requires_grant",
    "settings_constraints_replace_previous",
    "table_engines_require_grant",
)
GUARDED = (
    "<access_control_improvements>"
    + "".join(f"<{name}>true</{name}>" for name in IMPROVEMENTS)
    + "</access_control_improvements>"
    "<query_log><database>system</database><table>query_log</table></query_log>"
)
STRANGERS = f"""<clickhouse>
    <users>
        <powerless>
            <password>{STRANGERS_PASSWORD}</password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <grants><query>GRANT SELECT ON elsewhere.*</query></grants>
        </powerless>
        <onlooker>
            <password>{STRANGERS_PASSWORD}</password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>onlooker</profile>
            <quota>default</quota>
        </onlooker>
        <watcher>
            <password>{STRANGERS_PASSWORD}</password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>onlooker</profile>
            <quota>default</quota>
            <grants><query>GRANT SELECT ON zakaz.*</query></grants>
        </watcher>
    </users>
    <profiles><onlooker><readonly>1</readonly></onlooker></profiles>
</clickhouse>
"""


def install_users(directory: Path, *, for_cluster: bool = False) -> Path:
    """Put the users of deploy/clickhouse beside one who may do everything; return the file."""
    users = directory / "users.xml"
    users.write_text(
        DEFAULT_USERS.replace("<password/>", "<password/><access_management>1</access_management>")
    )
    text = (ROOT / "deploy" / "clickhouse" / "users.d" / "zakaz.xml").read_text()
    for who, password in (("ETL", ETL_PASSWORD), ("READER", READER_PASSWORD)):
        hashed = sha256(password.encode()).hexdigest()
        text = text.replace(f"SHA256_OF_{who}_PASSWORD", hashed)
    if for_cluster:
        text, found = re.subn(
            r"<!-- On a cluster, also these[^<]*(.*?)-->", r"\1", text, flags=re.DOTALL
        )
        assert found == 1
    (directory / "users.d").mkdir()
    (directory / "users.d" / "zakaz.xml").write_text(text)
    return users


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """Return a server with the users of deploy/clickhouse, and three who lack what it takes."""
    directory = tmp_path_factory.mktemp("guarded")
    users = install_users(directory)
    (users.with_suffix(".d") / "strangers.xml").write_text(STRANGERS)
    backups = f"<backups><allowed_path>{directory / 'backups'}</allowed_path></backups>"
    with ClickHouseServer(directory / "server", users=users, config=GUARDED + backups) as server:
        yield server
