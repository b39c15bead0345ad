"""ClickHouse: the raw tables, what is landed in them, checkpoints and the run log.

Landing is safe to repeat: a row's key is the thing's id, `_ver` grows with each landed version, and
a payload with the hash that is already there is not landed again. Times are UTC.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import ssl
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, cast

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, StreamClosedError
from urllib3 import Timeout

from extract.client import SKEW
from extract.errors import Locked, WarehouseError
from extract.payloads import Kept
from extract.plan import Checkpoint, Span
from extract.resources import INVENTORY_TABLE, LISTINGS, Resource, Show
from extract.settings import Settings

# On a cluster, with every statement. A run reads back what it landed, and dbt what the run landed,
# through any replica: an insert counts once most replicas have it, and a replica that lacks some
# refuses to answer rather than answer with less. Sequential reads need inserts one by one. What
# looks inserted already is inserted all the same: keys settle that here, and counts must be true.
_CLUSTER_SETTINGS = {
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
    "insert_deduplicate": 0,
}

# importing the driver turned the first on: each retry would be a line on stderr, though all went
# well; and what the driver itself would log, our errors tell
for _chatty in ("urllib3", "clickhouse_connect"):
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)

_CONNECT_SECONDS = 10
_HELLO_SECONDS = 30  # the first answer; a server that hangs should not hold up a run for long
_ANSWER_SECONDS = 300  # any later one: an insert can wait for a busy disk

_RIGHTS = (
    "select",
    "insert",
    "create table",
    # bring tables of an older version forward
    "alter add column",
    "alter add index",
    "alter ttl",
)

_READONLY = 164
_ADVICE = {
    81: "Check CLICKHOUSE_DATABASE.",
    _READONLY: "CLICKHOUSE_USER may only read.",
    193: "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    194: "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    159: "A replica did not answer in time; when it is down for long, see docs/cluster.md.",
    243: "The disk of ClickHouse is full.",
    285: "Too few replicas are up to take an insert safely.",
    289: "This replica is behind; the next run goes on.",
    497: "CLICKHOUSE_USER lacks a right; see the grants in deploy/clickhouse.",
    516: "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.",
    701: "Check CLICKHOUSE_CLUSTER.",
}

VERIFIED = "mode in ('incremental', 'full') and status in ('verified', 'proven')"
"""Of rows of the run log: everything was read and verified. Version 1 said "proven"."""


@dataclass(slots=True)
class Counts:
    """How many rows were new, changed, unchanged, newly deleted; and how often [redacted] came."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    redacted: int = 0

    def __iadd__(self, other: Counts) -> Counts:
        return Counts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The seats of a show at a moment of the server's (UTC)."""

    show: Show
    taken_at: datetime
    payload: bytes
    redacted: int


class Warehouse:
    """ClickHouse, a server or embedded. One thread at a time."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self._settings = settings
        self._run_id = run_id
        self._place = settings.clickhouse_place
        self._database = settings.clickhouse_database
        self._quoted = f"`{self._database}`"  # it may be a keyword; other signs are refused
        self._cluster = settings.clickhouse_cluster
        self._on_cluster = f" on cluster `{self._cluster}`" if self._cluster else ""
        self._last_ver = 0
        self._client = self._connect()

    def _connect(self) -> Client:
        s = self._settings
        if s.clickhouse_host is None:
            return _open_embedded(s.clickhouse_path.absolute())
        with self._explain():
            client: Any = clickhouse_connect.get_client(
                host=s.clickhouse_host,
                port=s.clickhouse_port or (8443 if s.clickhouse_secure else 8123),
                username=s.clickhouse_user,
                password=s.clickhouse_password.get_secret_value(),
                secure=s.clickhouse_secure,
                connect_timeout=_CONNECT_SECONDS,
                send_receive_timeout=_HELLO_SECONDS,
                client_name="zakaz",
                settings=_CLUSTER_SETTINGS if self._cluster else None,
                autogenerate_session_id=False,
            )
            client.timeout = Timeout(connect=_CONNECT_SECONDS, read=_ANSWER_SECONDS)
            return cast(Client, client)

    def close(self) -> None:
        """Let go of the server, or of the embedded database's path."""
        self._client.close()

    def prepare(self) -> None:
        """Create the database and the tables that are missing, bring forward those that are older.

        Raises WarehouseError, before anything is written where a table cannot be used.
        """
        todo = self.due()
        with self._explain():
            if todo and not self._client.command(f"exists database {self._quoted}"):
                self._client.command(
                    f"create database if not exists {self._quoted}{self._on_cluster}"
                )
            self._client.database = self._database
            for statement in todo:
                self._client.command(statement)

    def due(self) -> list[str]:
        """Return the statements of schema.sql that are not in effect yet.

        Raises WarehouseError where a table is there that none of them could make usable.
        """
        rows = self._query(
            "select name, engine, engine_full, sorting_key, create_table_query from system.tables"
            " where database = {database:String}",
            database=self._database,
        )
        there = {name: _Table(*found) for name, *found in rows}
        schema = self._schema()
        due, refused = [], []
        for statement in schema:
            name = re.findall(r"table (?:if not exists )?(\w+)", statement)[0]
            if statement.startswith("alter"):
                if name in there and not there[name].has(statement):
                    due.append(statement)
            elif name not in there:
                due.append(statement)
            elif misfits := there[name].misfits(statement, _added_to(name, schema)):
                refused.append(f"{self._database}.{name}: {', '.join(misfits)}")
        if refused:
            advice = (
                "How to move to a cluster: docs/cluster.md."
                if self._cluster
                else "Rename such a table and run with --full, which makes and fills a new one; "
                "see `A new version` in deploy/README.md."
            )
            raise WarehouseError(
                f"ClickHouse ({self._place}): this version cannot use what is there, and changed "
                f"nothing. {'; '.join(refused)}. {advice}"
            )
        return due

    def _schema(self) -> list[str]:
        """Return the statements: with a cluster on all its replicas, and replicated.

        Where in Keeper is left to the server, whose default path has the table's UUID in it.
        """
        text = resources.files("extract").joinpath("schema.sql").read_text(encoding="utf-8")
        words = {
            "on_cluster": self._on_cluster,
            "replicated": "Replicated" if self._cluster else "",
            "days": str(self._settings.extract_inventory_days),
        }
        text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
        filled = re.sub(r"\{(\w+)\}", lambda word: words[word[1]], text)
        return [statement.strip() for statement in filled.split(";") if statement.strip()]

    def missing_rights(self) -> list[str]:
        """Return the rights on the database that a run needs and this user lacks."""
        if int(self._query("select getSetting('readonly')")[0][0]):
            return ["the right to write (its profile says readonly)"]
        rights = [(right, f"{self._quoted}.*") for right in _RIGHTS]
        if self._cluster:
            rights.append(("cluster", "*.*"))
        return [
            right
            for right, where in rights
            if not self._query(f"check grant {right} on {where}")[0][0]
        ]

    def version(self) -> str:
        """Return the version of ClickHouse."""
        return str(self._client.server_version)

    def exists(self, table: str) -> bool:
        """Tell whether a table is there."""
        with self._explain():
            return bool(self._client.command(f"exists table {self._quoted}.{table}"))

    def ask(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a select on the database, each by column name. Raises WarehouseError.

        `parameters` are values for `{name:Type}` in the SQL.
        """
        with self._explain():
            self._client.database = self._database
            return list(self._client.query(sql, parameters=parameters).named_results())

    # ---- what a run has to know

    def sources(self) -> set[str]:
        """Return where rows came from so far; "" of runs of version 1, which did not say."""
        rows = self._query("select distinct source from meta_job_runs where rows_seen > 0")
        return {source for (source,) in rows}

    def cursor(self, resource: Resource) -> datetime | None:
        """Return the server's time up to which changes are verified landed; None before the first.

        A time that still lies in the future is not believed.
        """
        rows = self._query(
            "select argMax(cursor_to, started_at) from meta_job_runs final"
            f" where resource = {{resource:String}} and {VERIFIED} and cursor_to is not null"
            " and toUnixTimestamp64Milli(greatest(cursor_to, started_at)) <= {limit:Int64}"
            " having count() > 0",
            resource=resource.name,
            limit=believable(),
        )
        return utc(rows[0][0]) if rows else None

    def checkpoints(self, resource: Resource) -> list[Checkpoint]:
        """Return the spans ever read and landed, by id. They may leave gaps: what never was.

        What was read at a time that still lies in the future, was read in 1970.
        """
        rows = self._query(
            "select lo, hi, rows, if(toUnixTimestamp64Milli(read_at) > {limit:Int64},"
            " toDateTime64(0, 3, 'UTC'), read_at)"
            " from meta_slices final where resource = {resource:String} order by lo",
            resource=resource.name,
            limit=believable(),
        )
        return [Checkpoint(Span(lo, hi), utc(read_at), count) for lo, hi, count, read_at in rows]

    def newest_ids(self, resource: Resource, count: int) -> list[int]:
        """Return the highest ids that are landed and not deleted, up to so many."""
        rows = self._query(
            f"select {resource.key} from {resource.table} final where not _deleted"
            f" order by {resource.key} desc limit {count:d}"
        )
        return [id_ for (id_,) in rows]

    def count(self, resource: Resource, lo: int = 0, hi: int = (1 << 64) - 1) -> int:
        """Count the landed ids with `lo < id <= hi` that are not deleted."""
        rows = self._query(
            f"select count() from {resource.table} final"
            f" where {_within(resource, Span(lo, hi))} and not _deleted"
        )
        return int(rows[0][0])

    # ---- landing

    def land(
        self, resource: Resource, rows: Sequence[Kept], span: Span | None = None
    ) -> tuple[Counts, set[int]]:
        """Land the rows whose payload is not the one already there.

        Also return the ids that are landed, not deleted, within `span`, and not in `rows`.
        """
        done = Counts()
        if span:
            known = self._known(resource, _within(resource, span))
        else:
            known = self._known(resource, _among(resource, [row.id for row in rows]))
        fresh = []
        ver = self._next_ver()
        for row in rows:
            key = _hash(row.payload)
            before = known.pop(row.id, None)
            if before == (key, 0):
                done.unchanged += 1
                continue
            if before:
                done.changed += 1
            else:
                done.new += 1
            done.redacted += row.redacted
            stamps = {"_dedup_key": key, "_ver": ver, "_run_id": self._run_id, "_deleted": 0}
            fresh.append({resource.key: row.id, "payload": msgspec.Raw(row.payload), **stamps})
        self._insert(resource.table, fresh)
        return done, {id_ for id_, (_, deleted) in known.items() if not deleted} if span else set()

    def record(self, resource: Resource, checkpoint: Checkpoint) -> None:
        """Remember that a span was read and is landed."""
        columns = {
            "resource": resource.name,
            "lo": checkpoint.span.lo,
            "hi": checkpoint.span.hi,
            "rows": checkpoint.rows,
            "read_at": checkpoint.read_at,
            "run_id": self._run_id,
            "_ver": self._next_ver(),
        }
        self._insert("meta_slices", [columns])

    def delete(self, resource: Resource, ids: Collection[int]) -> None:
        """Land the last known payload of these ids once more, as a tombstone."""
        rows = self._query(
            f"select {resource.key}, payload, _dedup_key from {resource.table} final"
            f" where {_among(resource, ids)}"
        )
        stamps = {"_ver": self._next_ver(), "_run_id": self._run_id, "_deleted": 1}
        self._insert(
            resource.table,
            [
                {resource.key: id_, "payload": payload, "_dedup_key": key, **stamps}
                for id_, payload, key in rows
            ],
        )

    def land_seats(self, snapshots: Sequence[Snapshot]) -> Counts:
        """Land snapshots of shows' seats, but those that equal the last one of the last 24 hours.

        So a show that stands still has at least a snapshot a day, which retention cannot outlive.
        """
        done = Counts()
        if not snapshots:
            return done
        among = ",".join(f"{snapshot.show.show_id:d}" for snapshot in snapshots)
        rows = self._query(
            "select show_id, argMax(_dedup_key, snapshot_ts),"
            " toUnixTimestamp64Milli(max(snapshot_ts)) > {day_ago:Int64}"
            f" from {INVENTORY_TABLE} final where show_id in ({among})"
            " and toUnixTimestamp64Milli(snapshot_ts) <= {limit:Int64} group by show_id",
            day_ago=_milliseconds() - 86_400_000,
            limit=believable(),
        )
        last = {show_id: (key, is_recent) for show_id, key, is_recent in rows}
        fresh = []
        ver = self._next_ver()
        for snapshot in snapshots:
            key = _hash(snapshot.payload)
            last_key, is_recent = last.get(snapshot.show.show_id, (None, False))
            if is_recent and key == last_key:
                done.unchanged += 1
                continue
            if last_key is None:
                done.new += 1
            else:
                done.changed += 1
            done.redacted += snapshot.redacted
            fresh.append(
                {
                    "show_id": snapshot.show.show_id,
                    "event_id": snapshot.show.event_id,
                    "snapshot_ts": snapshot.taken_at,
                    "payload": msgspec.Raw(snapshot.payload),
                    "_dedup_key": key,
                    "_ver": ver,
                    "_run_id": self._run_id,
                }
            )
        self._insert(INVENTORY_TABLE, fresh)
        return done

    def log(self, columns: dict[str, Any]) -> None:
        """Write a row of the run log; a later one for the same run and resource replaces it."""
        row = {"run_id": self._run_id, "job": "extract", **columns, "_ver": _milliseconds()}
        self._insert("meta_job_runs", [row])

    def remove_merged(self) -> None:
        """Have the embedded ClickHouse remove the files of parts that were merged.

        It would in the background, but a run is over before. A partition that is not there is
        dropped, since that removes them first.
        """
        if self._settings.clickhouse_host is not None:
            return
        rows = self._query(
            "select distinct table from system.parts where database = {database:String}"
            " and not active",
            database=self._database,
        )
        with self._explain():
            for (table,) in rows:
                self._client.command(f"alter table `{table}` drop partition id 'none'")

    def _known(self, resource: Resource, where: str) -> dict[int, tuple[int, int]]:
        """Return hash and `_deleted` of what is landed, by id."""
        rows = self._query(
            f"select {resource.key}, _dedup_key, _deleted from {resource.table} final where {where}"
        )
        return {id_: (key, deleted) for id_, key, deleted in rows}

    def _next_ver(self) -> int:
        """Return milliseconds since 1970, above all that is landed even if a clock was set back."""
        if not self._last_ver:
            tables = ["meta_slices", INVENTORY_TABLE, *(resource.table for resource in LISTINGS)]
            newest = " union all ".join(f"select max(_ver) as ver from {table}" for table in tables)
            self._last_ver = int(self._query(f"select max(ver) from ({newest})")[0][0])
        self._last_ver = max(self._last_ver + 1, _milliseconds())
        return self._last_ver

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        with self._explain():
            # as JSON rather than as columns: the driver's own way imports pandas and pyarrow, which
            # take more memory and time than all rows of a run. A payload goes in as it is, not as a
            # string: ClickHouse keeps the text of an object that a String column is given
            summary = self._client.raw_insert(
                table,
                column_names=list(rows[0]),
                insert_block=_encode_lines(rows),
                fmt="JSONEachRow",
                settings={
                    "async_insert": 0,
                    "date_time_input_format": "best_effort",
                    "input_format_json_read_objects_as_strings": 1,
                    "input_format_json_read_arrays_as_strings": 1,
                },
            )
        if summary.written_rows != len(rows):
            raise WarehouseError(
                f"ClickHouse ({self._place}) took {summary.written_rows} of {len(rows)} rows for "
                f"{table}. The next run lands them again."
            )

    def _query(self, sql: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        with self._explain():
            return self._client.query(sql, parameters=parameters).result_rows

    # ---- what went wrong

    @contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except (ClickHouseError, StreamClosedError, OSError) as error:
            raise self._explained(error) from None

    def _explained(self, error: Exception) -> WarehouseError:
        code = getattr(error, "code", None)
        if str(error).endswith(" is readonly"):  # a setting; the driver asks the server beforehand
            code = _READONLY
        root = _root(error)
        if code or self._settings.clickhouse_host is None:
            said, advice = _said(str(error)), _ADVICE.get(code or 0, "")
        elif isinstance(root, ssl.SSLError):
            said = f"no TLS there: {root.reason or root}."
            advice = "Check CLICKHOUSE_SECURE and CLICKHOUSE_PORT."
        else:
            said = (
                f"no answer: {root.strerror or root}."
                if isinstance(root, OSError)
                else _said(str(root))
            )
            advice = "Check that it runs, and CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_SECURE."
        return WarehouseError(f"ClickHouse ({self._place}): {said} {advice}".rstrip())


_encode_lines = msgspec.json.Encoder().encode_lines


def _within(resource: Resource, span: Span) -> str:
    return f"{resource.key} > {span.lo:d} and {resource.key} <= {span.hi:d}"


def _among(resource: Resource, ids: Collection[int]) -> str:
    # ids are ints, so this can be nothing else; as a parameter it could outgrow a URL
    return f"{resource.key} in ({','.join(f'{id_:d}' for id_ in ids)})" if ids else "false"


def _hash(payload: bytes) -> int:
    # the first 8 bytes of the hash: enough to tell one thing's versions apart
    return int.from_bytes(hashlib.sha256(payload).digest()[:8], "little")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that is there, as system.tables describes it."""

    engine: str
    engine_full: str
    key: str
    create: str

    def misfits(self, create: str, added: set[str]) -> list[str]:
        """Say what it is, and what is wanted, where nothing can or should bring it forward.

        `create`: the statement that would make it anew. `added`: columns that others add.
        """
        wanted, key = re.findall(r"engine = (\w+)\(_ver\) order by \(?([\w, ]+)", create)[0]
        misfits = []
        engine = re.split(r" (?=(?:[A-Z]+ BY|TTL|SETTINGS) )", self.engine_full)[0] or self.engine
        # replicated or shared is as good, or better
        if not self.engine.endswith(wanted) or not re.search(r"[( ]_ver\)$", engine):
            misfits.append(f"its engine is {engine}, wanted {wanted}(_ver)")
        if not f"{self.key}, ".startswith(f"{key}, "):  # in version 1 the run log's had a lane
            misfits.append(f"its key is ({self.key}), wanted ({key})")
        lacking = []
        for name, type_ in re.findall(
            r"^    (?!index)(\w+) (.+?)(?: codec.+)?,?$", create, re.MULTILINE
        ):
            found = re.search(
                rf"`{name}` (.+?)(?: CODEC\(.+?\))?,? ?(?:`|INDEX|\) ENGINE)", self.create
            )
            if not found:
                lacking += [name] if name not in added else []
            elif name not in added and found[1].lower() != type_.lower():
                misfits.append(f"its column {name} is {found[1]}, wanted {type_}")
        if lacking:
            misfits.append(f"it lacks the columns {', '.join(lacking)}")
        return misfits

    def has(self, alter: str) -> bool:
        """Tell whether it has what a statement adds or sets."""
        if added := re.search(r" add (column|index) if not exists (\w+)", alter):
            kind, name = added.groups()
            return (
                f"`{name}` " in self.create if kind == "column" else f"INDEX {name} " in self.create
            )
        return f"TTL {re.findall(r' modify ttl (.+)', alter)[0]}" in self.create


def _added_to(table: str, schema: Sequence[str]) -> set[str]:
    """Return the columns that statements add to a table of an older version."""
    added = re.compile(rf"alter table {table}\b.* add column if not exists (\w+)")
    return {match[1] for statement in schema if (match := added.match(statement))}


def _open_embedded(path: Path) -> Client:
    """Open the embedded database. Raises Locked, or WarehouseError with what ClickHouse said."""
    place = f"ClickHouse (embedded at {path})"
    with _captured_stderr() as captured:
        try:
            return clickhouse_connect.get_client(interface="chdb", path=str(path))
        except (ClickHouseError, OSError) as error:
            said = str(error)
    if _is_locked(path):
        raise Locked(
            f"The embedded database at {path} is in use by another process (dbt, or another "
            "extract). Try again when it is done."
        )
    # the driver knows that it failed; what failed, the engine wrote on stderr
    lines = [line for line in captured if line.startswith("Code: ")]
    said = lines[-1] if lines else said
    if found := re.search(r"(filesystem error: .*?\]|Cannot .*?(?=, errno|\. \())", said):
        said = found[1]
    for word, advice in (
        ("Permission denied", "Check CLICKHOUSE_PATH, its owner and its rights."),
        ("File exists", "It is a file, where a directory is wanted; check CLICKHOUSE_PATH."),
        ("No space left", "The disk is full."),
        ("Read-only file", "The disk may only be read; check CLICKHOUSE_PATH."),
    ):
        if word in " ".join([said, *captured]):
            raise WarehouseError(f"{place}: {_said(said)} {advice}")
    advice = "Restore it from a backup, or move it away: the next run reads everything again."
    raise WarehouseError(f"{place} cannot be opened: {_said(said)} {advice}")


def _is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock that an embedded ClickHouse takes."""
    try:
        with (path / "status").open("rb") as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def _captured_stderr() -> Iterator[list[str]]:
    """Collect the lines that are written to file descriptor 2 inside, also by C++."""
    lines: list[str] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines += file.read().decode("utf-8", "replace").splitlines()


def _root(error: BaseException) -> BaseException:
    """Return the error that the others were raised for."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _said(text: str) -> str:
    """Return what ClickHouse said, in one line, without what the driver put around it."""
    line = (text.splitlines() or ["no reason given"])[0]
    line = re.sub(r"^.*server response: (Code: \d+\. )?(DB::Exception: )?", r"\1", line)
    line = re.sub(r" \(for url \S+\)$", "", line)[:300].rstrip()
    return line if line.endswith((".", ")")) else f"{line}."


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def believable() -> int:
    """Return the last moment that is believed not to lie in the future, in milliseconds."""
    return _milliseconds() + int(SKEW.total_seconds() * 1000)


def utc(moment: datetime) -> datetime:
    """Return a time of ClickHouse as an aware one: the driver gives UTC columns as naive."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
