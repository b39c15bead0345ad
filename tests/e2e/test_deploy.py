"""What deploy/ has: users with just the rights that they need, timers, and the way back.

The users of users.d/zakaz.xml are tried on a server; roles.sql, which that server cannot run for
want of a place to keep users, is parsed by it and must say the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import ClassVar
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from extract.resources import EVENTS, INVENTORY_TABLE, ORDERS
from tests.clickhouse_server import DEFAULT_USERS, ClickHouseServer, ServerError
from tests.e2e import test_truth
from tests.qtickets_api import TOKEN, QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.zakaz import (
    ETL_PASSWORD,
    READER_PASSWORD,
    ROOT,
    STRANGERS_PASSWORD,
    Place,
    Ran,
    orders_of,
    small_organiser,
)

DEPLOY = ROOT / "deploy"
USERS_XML = DEPLOY / "clickhouse" / "users.d" / "zakaz.xml"
ROLES_SQL = DEPLOY / "clickhouse" / "roles.sql"

# tests/e2e/test_docs.py says that these are what is public
MARTS = {path.stem for path in (ROOT / "models" / "marts").rglob("*.sql")}
NO_ROWS_YET = {"fact_plan_sales_daily"}  # until the organiser writes a plan
MODELS = ("build", "--exclude-resource-type", "unit_test", "test")
FORBIDDEN, READONLY, CONSTRAINT = 497, 164, 452
NO_RIGHT = "CLICKHOUSE_USER lacks a right; see the grants in deploy/clickhouse."
NO_ENTRY = "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD."


@pytest.fixture(scope="module")
def organiser() -> Organiser:
    return small_organiser()


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, guarded: ClickHouseServer, organiser: Organiser
) -> Place:
    """Return a place that the ETL user made, from nothing to a full build."""
    guarded.query("create database elsewhere")
    guarded.query("create table elsewhere.t (a Int8) engine = Memory")
    place = Place(
        tmp_path_factory.mktemp("built"),
        server=guarded,
        settings={"CLICKHOUSE_USER": "zakaz_etl", "CLICKHOUSE_PASSWORD": ETL_PASSWORD},
    )
    with QTicketsServer(organiser) as server:
        # the data tests are run by cron's line
        test_truth.build(place, server, MODELS)
        check = place.extract(server, "--check")
        assert check.code == 0, check
        assert "rights sufficient" in check.out
    assert place.landed_orders() == orders_of(organiser)
    assert_all_is_well(place, organiser)
    return place


@dataclass
class Cron:
    """A directory as /srv/zakaz would be, and the lines of the crontab run in it."""

    checkout: Path
    place: Place
    ran: list[Ran] = field(default_factory=list)

    lines: ClassVar[list[str]] = [
        line.split(maxsplit=5)[5]
        for line in (DEPLOY / "crontab").read_text().splitlines()
        if re.match(r"[*\d]", line)
    ]

    def run(self, line: str, server: QTicketsServer) -> Ran:
        settings = self.place.env(server, QTICKETS_API_TOKEN=TOKEN)
        ours = ("CLICKHOUSE_", "QTICKETS_")
        envfile = [f"{k}={v}\n" for k, v in settings.items() if k.startswith(ours)]
        (self.checkout / ".env").write_text("".join(envfile))
        done = subprocess.run(
            ["/bin/sh", "-c", line.replace("/srv/zakaz", str(self.checkout))],
            # what cron gives: no more than this
            env={"HOME": str(self.checkout), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project, set up as the README says."""
    directory = tmp_path_factory.mktemp("srv") / "zakaz"
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
    (directory / ".venv").symlink_to(sys.prefix)
    shutil.copy(directory / "profiles.example.yml", directory / "profiles.yml")
    return directory


def age(place: Place) -> None:
    """Make the raw tables as they were before orders and events could be marked as deleted."""
    for listing in (ORDERS, EVENTS):
        place.query(f"alter table {listing.table} drop index landed_at")
        # in one go: what was deleted then is not there
        place.query(f"delete from {listing.table} where _deleted")
        place.query(f"alter table {listing.table} drop column _deleted")
    place.query(
        f"alter table {INVENTORY_TABLE} modify ttl toDateTime(snapshot_ts) + interval 9 day"
    )


@pytest.fixture(scope="module")
def by_cron(built: Place, checkout: Path, organiser: Organiser) -> Cron:
    """Return what the lines of the crontab said, some sales after the first build.

    And after the raw tables became those of an older version.
    """
    rng = Random(5)
    for _ in range(50):
        organiser.mutate(rng)
    age(built)
    cron = Cron(checkout, built)
    assert len(cron.lines) == 2
    with QTicketsServer(organiser) as server:
        cron.ran = [cron.run(line, server) for line in cron.lines]
    return cron


def refusal(server: ClickHouseServer, sql: str, user: str, password: str) -> int | None:
    """Return the code with which the server refuses it, None when it does not."""
    try:
        server.query(sql, user=user, password=password)
    except DatabaseError as error:
        return int(error.code or 0)
    return None


def read(server: ClickHouseServer, table: str) -> int:
    """Return how many rows the reader finds."""
    rows = server.query(
        f"select * from zakaz.{table}", user="zakaz_reader", password=READER_PASSWORD
    )
    return len(rows)


def assert_all_is_well(place: Place, organiser: Organiser) -> None:
    """The figures are true, and the reader sees them and nothing else."""
    assert place.server
    test_truth.assert_facts_are_true(place, organiser)
    assert all(bool(read(place.server, t)) == (t not in NO_ROWS_YET) for t in MARTS)
    assert_reader_is_refused(place.server)


def test_each_user_does_its_job_before_and_after_a_rebuild(
    built: Place, by_cron: Cron, organiser: Organiser
) -> None:
    assert_all_is_well(built, organiser)
    # all else is made anew in each build
    kept = ("config.materialized:incremental", "resource_type:seed")
    rebuilt = built.dbt(*MODELS, "--full-refresh", "--select", *kept)
    assert rebuilt.code == 0, rebuilt
    assert_all_is_well(built, organiser)
    documented = built.dbt("docs", "generate")
    assert documented.code == 0, documented


def test_the_etl_user_has_no_right_that_it_does_not_use(
    built: Place, by_cron: Cron, guarded: ClickHouseServer
) -> None:
    # who builds by hand runs dbt's unit tests too
    tested = built.dbt("test", "--select", "fourteen_days_end_today_and_include_it")
    assert tested.code == 0, tested
    # and a seed changes, which is known by this alone
    guarded.query("truncate table zakaz.meta_builds")
    seeded = built.dbt("seed", "--select", "utm_channels")
    assert seeded.code == 0, seeded
    guarded.query("system flush logs")
    rows = guarded.query(
        "select distinct privilege from system.query_log array join used_privileges as privilege"
        " where user = 'zakaz_etl'"
    )
    used = {
        (kind, re.sub(r"^zakaz\..*", "zakaz.*", where))
        for kinds, _, where in (privilege.rpartition(" ON ") for (privilege,) in rows)
        # "SELECT(a, b), DROP TABLE" are two kinds
        for kind in re.sub(r"\([^)]*\)", "", kinds).split(", ")
    }
    granted = grants_in(USERS_XML.read_text(), "zakaz_etl")
    assert granted <= used, f"granted and never used: {granted - used}"


@pytest.mark.parametrize(
    "sql",
    [
        "create database another",
        "drop database zakaz",
        "create table default.t (a Int8) engine = Memory",
        "select * from elsewhere.t",
        "select * from system.processes",
        "select * from system.query_log",
        "select * from information_schema.tables",
        "alter table zakaz.stg_qtickets_api_orders_raw delete where 1",
        "alter table zakaz.stg_qtickets_api_orders_raw drop column payload",
        "alter table zakaz.stg_qtickets_api_orders_raw modify column payload UInt8",
        "create dictionary zakaz.d (a UInt64) primary key a source(null()) layout(flat())",
        "create function f as x -> x",
        "create user somebody",
        "grant select on zakaz.* to zakaz_reader",
        "kill query where 1",
        "system shutdown",
        "system stop merges zakaz.dim_events",
        "backup database zakaz to Null",
        "select * from file('/etc/passwd', 'LineAsString')",
        "select * from url('http://127.0.0.1:1/', 'LineAsString')",
        "select * from remote('127.0.0.1:1', zakaz.dim_events)",
        "insert into function file('x', 'CSV', 'a Int8') values (1)",
        "create table zakaz.t (a Int8) engine = URL('http://127.0.0.1:1/', 'CSV')",
        "create table zakaz.t (a Int8) engine = File('CSV')",
    ],
)
def test_the_etl_user_is_refused_the_rest(
    built: Place, guarded: ClickHouseServer, sql: str
) -> None:
    assert refusal(guarded, sql, "zakaz_etl", ETL_PASSWORD) in {FORBIDDEN, 495}


def assert_reader_is_refused(server: ClickHouseServer) -> None:
    tables = {name for (name,) in server.query("show tables from zakaz")}
    for table in tables - MARTS:
        assert refused_to_reader(server, f"select * from zakaz.{table}") == FORBIDDEN, table
    assert len(tables - MARTS) > 8
    seen = server.query("show tables from zakaz", user="zakaz_reader", password=READER_PASSWORD)
    assert {name for (name,) in seen} == MARTS
    for sql in (
        "select * from system.processes",
        "select * from system.query_log",
        "select * from file('/etc/passwd', 'LineAsString')",
        "select * from url('http://127.0.0.1:1/', 'LineAsString')",
        "select * from remote('127.0.0.1:1', zakaz.dim_events)",
    ):
        assert refused_to_reader(server, sql) == FORBIDDEN, sql
    for sql in (
        "insert into zakaz.dim_events (event_id) values (1)",
        "create table zakaz.dim_mine (a Int8) engine = Memory",
        "create view zakaz.v_mine as select 1",
        "create or replace view zakaz.v_sales_14d as select 1",
        "drop table zakaz.dim_events",
        "truncate table zakaz.dim_events",
        "alter table zakaz.dim_events comment column city 'x'",
        "exchange tables zakaz.dim_events and zakaz.fact_qtickets_sales_daily",
        "create database another",
    ):
        assert refused_to_reader(server, sql) in {READONLY, FORBIDDEN}, sql
    for setting in (
        "readonly = 0",
        "max_execution_time = 0",
        "max_memory_usage = 0",
        "max_result_rows = 0",
        "max_threads = 64",
        "max_concurrent_queries_for_user = 0",
    ):
        code = refused_to_reader(server, f"select 1 settings {setting}")
        assert code in {READONLY, CONSTRAINT}, setting
    assert refused_to_reader(server, "select number from numbers(2000000)") == 396


def refused_to_reader(server: ClickHouseServer, sql: str) -> int | None:
    return refusal(server, sql, "zakaz_reader", READER_PASSWORD)


def test_the_reader_is_refused_the_rest(built: Place, guarded: ClickHouseServer) -> None:
    assert_reader_is_refused(guarded)
    limits = guarded.query(
        "select max_queries, max_execution_time from system.quota_limits"
        " where quota_name = 'zakaz_reader'"
    )
    assert limits == [(20000, 7200)]


def test_the_report_needs_no_more_than_the_reader_may(
    built: Place, guarded: ClickHouseServer, tmp_path: Path
) -> None:
    reader = {"CLICKHOUSE_USER": "zakaz_reader", "CLICKHOUSE_PASSWORD": READER_PASSWORD}
    page = tmp_path / "report.html"
    ran = Place(tmp_path, server=guarded, settings=reader).report("--output", str(page))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert "свежие и полные" in page.read_text()
    assert READER_PASSWORD not in page.read_text()


def test_datalens_can_ask(built: Place, guarded: ClickHouseServer) -> None:
    # what its connector sends along with each query, at its own default level of `readonly`
    settings = {
        "join_use_nulls": 1,
        "readonly": 2,
        "send_progress_in_http_headers": 0,
        "output_format_json_quote_denormals": 1,
    }
    login = b64encode(f"zakaz_reader:{READER_PASSWORD}".encode()).decode()
    for sql in (
        "select city, sum(revenue) from zakaz.v_sales_latest group by city format JSONCompact",
        "select database, name, engine from system.tables format JSONCompact",
        "select name, type from system.columns where database = 'zakaz' format JSONCompact",
    ):
        request = urllib.request.Request(
            f"http://127.0.0.1:{guarded.http_port}/?{urlencode(settings)}",
            data=sql.encode(),
            headers={"Authorization": f"Basic {login}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert b"revenue" in answer.read() or "system.tables" in sql


@pytest.mark.parametrize(
    ("user", "password", "database", "says", "check_says"),
    [
        ("powerless", STRANGERS_PASSWORD, "zakaz", NO_RIGHT, "lacks select, insert"),
        ("onlooker", STRANGERS_PASSWORD, "zakaz", "CLICKHOUSE_USER may only read", "readonly"),
        ("zakaz_reader", READER_PASSWORD, "zakaz", NO_RIGHT, "readonly"),
        ("zakaz_etl", ETL_PASSWORD, "elsewhere", NO_RIGHT, "lacks select, insert"),
        ("zakaz_etl", ETL_PASSWORD, "missing", NO_RIGHT, "lacks select, insert"),
        ("zakaz_etl", READER_PASSWORD, "zakaz", NO_ENTRY, NO_ENTRY),
    ],
    ids=["powerless", "onlooker", "reader", "database of others", "no database", "password"],
)
def test_a_user_without_rights_is_told_so(
    tmp_path: Path,
    built: Place,
    guarded: ClickHouseServer,
    user: str,
    password: str,
    database: str,
    says: str,
    check_says: str,
) -> None:
    settings = {"CLICKHOUSE_USER": user, "CLICKHOUSE_PASSWORD": password}
    place = Place(tmp_path, settings=settings, server=guarded, database=database)
    before = guarded.query("select count() from zakaz.meta_job_runs")
    with QTicketsServer(small_organiser(days=2)) as server:
        ran, checked = place.extract(server), place.extract(server, "--check")
    assert says in ran.err, ran
    assert check_says in checked.err, checked
    for done in (ran, checked):
        assert done.code == 4, done
        assert done.err.count("\n") == 1, done
        assert "Traceback" not in done.err, done
        assert password not in done.out + done.err, done
    assert guarded.query("select count() from zakaz.meta_job_runs") == before


SQL_IN_A_NAME = "zakaz`'; drop database elsewhere; -- {{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("setting", "code", "says", "dbt_says"),
    [
        ("CLICKHOUSE_DATABASE", 2, "only letters, digits and _", "only letters, digits and _"),
        ("CLICKHOUSE_USER", 4, NO_ENTRY, f"{SQL_IN_A_NAME}: Authentication failed"),
        ("CLICKHOUSE_HOST", 2, "must be a bare host name", "Failed to parse: Host"),
    ],
)
def test_sql_in_a_setting_is_refused_or_plain_text(
    built: Place, guarded: ClickHouseServer, setting: str, code: int, says: str, dbt_says: str
) -> None:
    with QTicketsServer(small_organiser(days=2)) as server:
        ran = built.extract(server, **{setting: SQL_IN_A_NAME})
    assert (ran.code, ran.err.count("\n")) == (code, 1), ran
    assert says in ran.err, ran
    ran = built.dbt("build", "--select", "city_names", **{setting: SQL_IN_A_NAME})
    assert ran.code == 2, ran
    assert dbt_says in ran.out, ran
    guarded.query("system flush logs")
    meant = "select count() from system.query_log where query ilike '%drop%elsewhere%'"
    assert guarded.query(f"{meant} and query not like '%query_log%'") == [(0,)]
    assert guarded.query("select count() from system.databases where name = 'elsewhere'") == [(1,)]


def test_the_healthcheck_needs_no_right_but_to_read(built: Place) -> None:
    ran = built.extract(
        None, "--healthcheck", CLICKHOUSE_USER="watcher", CLICKHOUSE_PASSWORD=STRANGERS_PASSWORD
    )
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 6), ran
    assert ran.out.endswith("\nhealthy\n")


def test_a_server_refuses_the_files_while_a_password_is_missing(
    tmp_path: Path, guarded: ClickHouseServer
) -> None:
    (tmp_path / "users.xml").write_text(DEFAULT_USERS)
    (tmp_path / "users.d").mkdir()
    shutil.copy(USERS_XML, tmp_path / "users.d")
    server = ClickHouseServer(tmp_path / "server", users=tmp_path / "users.xml")
    with pytest.raises(ServerError, match="did not start"):
        server.start()
    created = [s for s in statements() if s.startswith("CREATE USER")]
    assert len(created) == 2
    for sql in created:
        with pytest.raises(DatabaseError, match="password hash"):
            guarded.query(sql)


def statements() -> list[str]:
    """Return the statements of roles.sql, without comments."""
    text = re.sub(r"--.*", "", ROLES_SQL.read_text())
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def grants_in(text: str, user: str) -> set[tuple[str, str]]:
    """Return what users.d/zakaz.xml grants to a user: privilege and object."""
    found = ET.fromstring(text).findall(f"users/{user}/grants/query")
    return {grant for query in found for grant in _granted(query.text or "")}


def _granted(sql: str) -> set[tuple[str, str]]:
    match = re.fullmatch(r"GRANT (.+) ON (\S+)", sql)
    assert match, sql
    return {(kind.strip(), match[2]) for kind in match[1].split(",")}


def test_roles_sql_parses_and_says_the_same_as_the_files(guarded: ClickHouseServer) -> None:
    parsed = [
        guarded.query("select formatQuerySingleLine('{}')".format(sql.replace("'", "\\'")))[0][0]
        for sql in statements()
    ]
    xml = ET.parse(USERS_XML)
    accounted = 0
    for user in ("zakaz_etl", "zakaz_reader"):
        role = f"{user}_role"
        granted = [sql for sql in parsed if re.match(rf"GRANT .+ ON .+ TO {role}$", sql)]
        in_sql = {grant for sql in granted for grant in _granted(sql.removesuffix(f" TO {role}"))}
        assert in_sql == grants_in(USERS_XML.read_text(), user) != set()
        assert f"GRANT {role} TO {user}" in parsed
        accounted += len(granted) + 1
        assert parsed.index(f"REVOKE ALL ON *.* FROM {role}") < parsed.index(granted[0])

    profile = xml.find("profiles/zakaz_reader")
    assert profile is not None
    constant = {limit.tag for limit in profile.findall("constraints/*")}
    in_xml = [
        f"{setting.tag} = {setting.text}{' CONST' if setting.tag in constant else ''}"
        for setting in profile
        if setting.tag != "constraints"
    ]
    (sql,) = [sql for sql in parsed if sql.startswith("CREATE SETTINGS PROFILE")]
    assert sql.endswith(f"SETTINGS {', '.join(in_xml)} TO zakaz_reader_role")

    interval = xml.find("quotas/zakaz_reader/interval")
    assert interval is not None
    limits = ", ".join(f"{i.tag} = {i.text}" for i in interval if i.tag != "duration")
    assert interval.findtext("duration") == "3600"
    (sql,) = [sql for sql in parsed if sql.startswith("CREATE QUOTA")]
    assert sql.endswith(f"FOR INTERVAL 1 hour MAX {limits} TO zakaz_reader_role")
    assert accounted == sum(sql.startswith("GRANT ") for sql in parsed)


def test_a_backup_restored_equals_what_was_backed_up(
    built: Place, guarded: ClickHouseServer
) -> None:
    path = guarded.directory.parent / "backups" / "zakaz-2026-01-31"
    ((_, status),) = guarded.query(f"backup database zakaz to File('{path}')")
    assert status == "BACKUP_CREATED"
    restore = f"restore database zakaz as zakaz_restored from File('{path}')"
    ((_, status),) = guarded.query(restore)
    assert status == "RESTORED"

    tables = guarded.query("select name, engine from system.tables where database = 'zakaz'")
    assert len(tables) > 13
    for table, engine in sorted(tables):
        # merges go on meanwhile: the same rows, and not as many old versions of them
        final = "final" if engine == "ReplacingMergeTree" else ""
        create, rows = (
            [
                guarded.query(sql.format(f"{database}.{table}"))
                for database in ("zakaz", "zakaz_restored")
            ]
            for sql in ("show create table {}", f"select * from {{}} {final} order by all")
        )
        assert str(create[1]).replace("zakaz_restored", "zakaz") == str(create[0])
        assert engine == "View" or rows[0] == rows[1]
    before = built.landed_orders()
    guarded.query("drop database zakaz_restored sync")
    guarded.query("drop database zakaz sync")
    guarded.query(f"restore database zakaz from File('{path}')")
    assert built.landed_orders() == before


# ---- on a schedule


def test_the_two_lines_of_the_crontab_say_nothing_while_all_is_well(by_cron: Cron) -> None:
    for line, ran in zip(by_cron.lines, by_cron.ran, strict=True):
        assert (ran.code, ran.out, ran.err) == (0, "", ""), line
    with QTicketsServer(small_organiser(days=2), token="changed") as server:
        ran = by_cron.run(by_cron.lines[0], server)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.count("\n") == 1
    assert "Check QTICKETS_API_TOKEN" in ran.err


@pytest.fixture
def units(tmp_path: Path, checkout: Path) -> Path:
    """Return a directory with the units, for a checkout that is there, where systemd is."""
    if not shutil.which("systemd-analyze"):
        # in CI, which installs it, that would hide a fault
        (pytest.fail if os.environ.get("CI") else pytest.skip)("systemd-analyze is not here")
    directory = tmp_path / "units"
    directory.mkdir()
    for unit in (DEPLOY / "systemd").glob("*.*"):
        text = unit.read_text().replace("/srv/zakaz", str(checkout))
        (directory / unit.name).write_text(text)
    return directory


def analyze(units: Path, *args: str) -> str:
    ran = subprocess.run(
        ["systemd-analyze", *args],
        cwd=units,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


SERVICES = ["zakaz.service", "zakaz-extract.service"]
SITE = "zakaz-site.service"
OF_SEVERAL = ["zakaz@.service", "zakaz-extract@.service", "zakaz-digest@.service"]


def test_the_units_are_sound(units: Path) -> None:
    assert {unit.name for unit in units.iterdir()} == {
        *SERVICES,
        *OF_SEVERAL,
        SITE,
        "zakaz-digest.service",
        "zakaz-digest.timer",
        "zakaz-digest@.timer",
        "zakaz.timer",
        "zakaz@.timer",
    }
    said = analyze(units, "verify", "--man=no", *sorted(unit.name for unit in units.iterdir()))
    assert said == ""
    (units / "zakaz.service").write_text("[Service]\nExecStart=/no/such/program\n")
    with pytest.raises(AssertionError, match="not executable"):
        analyze(units, "verify", "--man=no", "zakaz.service")


@pytest.mark.parametrize("service", [*SERVICES, *OF_SEVERAL, SITE, "zakaz-digest.service"])
def test_the_services_are_hardened(units: Path, service: str) -> None:
    # 10 is a service with all rights; over 2 fails
    analyze(units, "security", "--offline=yes", "--threshold=20", "--no-pager", service)
    text = (units / service).read_text()
    for needed in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "PrivateTmp=yes",
        "ProtectHome=yes",
        "User=zakaz",
    ):
        assert f"\n{needed}\n" in text
    assert re.search(r"\nTimeoutStartSec=\d", text)
    # whatever becomes of it, operators are told; the digest says so by itself
    assert ("\nExecStopPost=-" in text) == ("digest" not in service)


def test_the_timer_is_every_half_hour_in_moscow(units: Path) -> None:
    text = (units / "zakaz.timer").read_text()
    assert "\nPersistent=true\n" in text
    match = re.search(r"\nOnCalendar=(.+)\n", text)
    assert match
    said = analyze(
        units, "calendar", "--base-time=2026-01-01 00:00:00 UTC", "--iterations=4", match[1]
    )
    assert re.findall(r" (\d\d:\d\d:\d\d) UTC", said) == [
        "00:30:00",
        "01:00:00",
        "01:30:00",
        "02:00:00",
    ]


def test_timer_and_crontab_run_the_same(checkout: Path) -> None:
    commands = []
    for service in reversed(SERVICES):
        (command,) = re.findall(
            r"^ExecStart=/srv/zakaz/(.+)$", (DEPLOY / "systemd" / service).read_text(), re.MULTILINE
        )
        commands.append(command.replace(" --no-use-colors", ""))
    in_cron = [
        line.split("&& ")[-1].removesuffix(" >/dev/null").replace(" --envfile .env", "")
        for line in Cron.lines
    ]
    assert commands == in_cron


def test_the_units_of_several_organisers_do_the_same_each_in_a_place_of_its_own() -> None:
    for one in ("zakaz.service", "zakaz-extract.service", "zakaz-digest.service"):
        many = one.replace(".service", "@.service")
        first, second = (
            re.sub(r"^(?:#|Description|Documentation|ReadWritePaths).*\n", "", text, flags=re.M)
            for text in ((DEPLOY / "systemd" / name).read_text() for name in (one, many))
        )
        assert "%i" not in first
        second = second.replace("/etc/zakaz/%i.env", "/srv/zakaz/.env").replace("/%i", "")
        assert re.sub("@?%i", "", second) == first


def test_the_digest_is_at_half_past_nine_in_moscow_and_tried_again_each_hour(units: Path) -> None:
    for timer in ("zakaz-digest.timer", "zakaz-digest@.timer"):
        match = re.search(r"\nOnCalendar=(.+)\n", (units / timer).read_text())
        assert match
        base = "--base-time=2026-01-01 00:00:00 UTC"
        said = analyze(units, "calendar", base, "--iterations=16", match[1])
        hours = re.findall(r" (\d\d:\d\d):00 UTC", said)
        assert hours[:2] == ["06:30", "07:30"]
        assert hours[14:] == ["20:30", "06:30"]


def test_no_password_is_in_the_repository() -> None:
    for path in (USERS_XML, ROLES_SQL):
        found = re.findall(r"(?:sha256_hex>|sha256_hash BY ')(\w+)", path.read_text())
        assert found == ["SHA256_OF_ETL_PASSWORD", "SHA256_OF_READER_PASSWORD"]
