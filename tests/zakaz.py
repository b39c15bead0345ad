"""The project as its users run it: commands in processes of their own, and a ClickHouse to ask."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import clickhouse_connect
import orjson
from clickhouse_connect.driver.client import Client

from extract.payloads import keep
from extract.resources import EVENTS, ORDERS, Resource
from tests.clickhouse_server import ClickHouseServer
from tests.forks import Forked
from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.qtickets_sample import MOSCOW

ROOT = Path(__file__).resolve().parent.parent

# on the server of the fixture `guarded`: of the users in deploy/clickhouse, and of two more
ETL_PASSWORD = "e7l-pa55word"
READER_PASSWORD = "r3ader-pa55word"
STRANGERS_PASSWORD = "stranger5-pa55word"

# a test should not wait as long as an operator would
PATIENCE = {
    "EXTRACT_TRIES": "8",
    "EXTRACT_PATIENCE_SECONDS": "30",
    "EXTRACT_BACKOFF_SECONDS": "0.02",
}


def clean_env() -> dict[str, str]:
    """Return this process's environment without settings that could leak into a test."""
    ours = ("CLICKHOUSE_", "QTICKETS_", "EXTRACT_", "DBT_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}


@dataclass(frozen=True, repr=False)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


def run(command: list[str], env: Mapping[str, str]) -> Ran:
    """Run a command from its very beginning, as an operator or cron would."""
    done = subprocess.run(
        command, cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False, timeout=300
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def ended(running: Forked) -> Ran:
    """Wait for a command, and return what it did."""
    out, err = running.communicate(timeout=300)
    return Ran(running.wait(), out, err)


# to open one takes longer than to ask it; a process can have one open, and no other process then
_embedded: dict[Path, Client] = {}


def close_embedded() -> None:
    """Let others have the embedded ClickHouse that was asked last."""
    while _embedded:
        _embedded.popitem()[1].close()


@dataclass
class Place:
    """A ClickHouse of a test's own, and commands that work on it, each in a process of its own.

    Embedded in the directory, or a database of a server. `settings` are the commands' and win over
    the rest; `query` sees everything, whoever the commands are.
    """

    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    server: ClickHouseServer | None = None
    database: str = "zakaz"

    @property
    def path(self) -> Path:
        return self.directory / "chdb"

    def env(self, server: QTicketsServer | None = None, **more: str) -> dict[str, str]:
        """Return the environment of a command; it may open what is embedded, as we do no more."""
        close_embedded()
        api = (
            {"QTICKETS_BASE_URL": server.url, "QTICKETS_API_TOKEN": server.token} if server else {}
        )
        clickhouse = {"CLICKHOUSE_PATH": str(self.path)}
        if self.server:
            clickhouse = self.server.env() | {"CLICKHOUSE_DATABASE": self.database}
        return clean_env() | PATIENCE | clickhouse | api | self.settings | more

    def extract(self, server: QTicketsServer | None, *args: str, **more: str) -> Ran:
        return ended(self.start_extract(server, *args, **more))

    def start_extract(self, server: QTicketsServer | None, *args: str, **more: str) -> Forked:
        return Forked(["extract", *args], self.env(server, **more))

    def dbt(self, *args: str, **more: str) -> Ran:
        return ended(self.start_dbt(*args, **more))

    def start_dbt(self, *args: str, **more: str) -> Forked:
        return Forked(["dbt", "--no-use-colors", *args], self.dbt_env(**more))

    def report(self, *args: str, **more: str) -> Ran:
        return ended(Forked(["report", *args], self.env(**more)))

    def publish(self, directory: Path, **more: str) -> Ran:
        return run([str(ROOT / "deploy" / "publish"), str(directory)], self.dbt_env(**more))

    def dbt_env(self, **more: str) -> dict[str, str]:
        profiles = self.directory / "profiles"
        profiles.mkdir(exist_ok=True)
        example = (ROOT / "profiles.example.yml").read_text()
        # other tests run at the same time: more threads only cost time
        (profiles / "profiles.yml").write_text(example.replace("threads: 4", "threads: 1"))
        places = {
            "DBT_PROFILES_DIR": str(profiles),
            "DBT_TARGET_PATH": str(self.directory / "target"),
            "DBT_LOG_PATH": str(self.directory / "logs"),
        }
        return self.env(**(places | more))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.server:
            return self.server.query(sql, database=self.database)
        if self.path not in _embedded:
            close_embedded()
            client = clickhouse_connect.get_client(interface="chdb", path=str(self.path))
            client.database = "zakaz"
            _embedded[self.path] = client
        return [tuple(row) for row in _embedded[self.path].query(sql).result_rows]

    def landed_orders(self) -> dict[int, bytes]:
        """Return the payload of each order that is landed and not marked as deleted."""
        return self.landed(ORDERS)

    def landed_events(self) -> dict[int, bytes]:
        """Return the payload of each event that is landed and not marked as deleted."""
        return self.landed(EVENTS)

    def landed(self, listing: Resource) -> dict[int, bytes]:
        """Return the payload of each thing that is landed and not marked as deleted."""
        rows = self.query(
            f"select {listing.key}, payload from {listing.table} final where not _deleted"
        )
        return {id_: payload.encode() for id_, payload in rows}


Cells = Mapping[Any, tuple[Any, ...]]


def assert_same_cells(what: str, found: Cells, expected: Cells) -> None:
    """Compare the cells of a mart, by the key of their row."""
    wrong = {
        at: (found.get(at), expected.get(at))
        for at in {*found, *expected}
        if found.get(at) != expected.get(at)
    }
    assert not wrong, f"{what}, found and expected: {wrong}"


def orders_of(organiser: Organiser) -> dict[int, bytes]:
    """Return each order that the organiser has, as it ought to be landed."""
    return held_by(organiser, ORDERS)


def events_of(organiser: Organiser) -> dict[int, bytes]:
    """Return each event that the organiser has, as it ought to be landed."""
    return held_by(organiser, EVENTS)


def held_by(organiser: Organiser, listing: Resource) -> dict[int, bytes]:
    """Return each thing of a list that the organiser has, as it ought to be landed."""
    with organiser.lock:
        rows = getattr(organiser, listing.name).rows()
        return {row["id"]: keep(listing.kind, orjson.dumps(row)).payload for row in rows}


def small_organiser(
    seed: int = 1, days: int = 12, orders_per_day: int = 20, now: datetime | None = None
) -> Organiser:
    """Return an organiser with a few hundred orders up to now, or to that aware moment."""
    first_day = (now or datetime.now(UTC)).astimezone(MOSCOW).date() - timedelta(days=days)
    organiser = Organiser.sample(seed, now, first_day=first_day, orders_per_day=orders_per_day)
    organiser.set_clock(None)
    return organiser


@dataclass(frozen=True)
class Golden:
    """A small organiser's database, landed and built once; tests take copies of it."""

    directory: Path

    def make(self) -> None:
        """Make it, unless another process did."""
        self.directory.mkdir(exist_ok=True)
        with (self.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made_at = self.directory / "made_at"
            if made_at.exists():
                return
            now = datetime.now(UTC)
            place = Place(self.directory)
            with QTicketsServer(small_organiser(now=now)) as server:
                extracted = place.extract(server)
            assert extracted.code == 0, extracted
            built = place.dbt("build", "--exclude-resource-type", "unit_test")
            assert built.code == 0, built
            made_at.write_text(now.isoformat())

    def organiser(self) -> Organiser:
        """Return the organiser whose database it is, as it was then; its clock goes on."""
        made_at = datetime.fromisoformat((self.directory / "made_at").read_text())
        return small_organiser(now=made_at)

    def copy(self, directory: Path) -> Place:
        """Return a copy in an existing directory, to be changed at will; a tenth of a second.

        With what dbt said of its build.
        """
        place = Place(directory)
        shutil.copytree(self.directory / "chdb", place.path, symlinks=True)
        (directory / "target").mkdir()
        shutil.copy(self.directory / "target" / "run_results.json", directory / "target")
        return place
