"""ClickHouse: the raw tables, what is landed in them, checkpoints and the run log.

Landing is safe to repeat: a row's key is the thing's id, `_ver` grows with each landed version, and
a payload with the hash that is already there is not landed again. Times are UTC.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from datetime import datetime
from importlib import resources
from typing import Any, cast

import msgspec
from clickhouse_connect.driver.client import Client
from urllib3 import Timeout

import clickhouse
from clickhouse import utc
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

_HELLO_SECONDS = 30  # the first answer; a server that hangs should not hold up a run for long
_ANSWER_SECONDS = 300  # any later one: an insert can wait for a busy disk

# the last three bring tables of an older version forward
_RIGHTS = ("select", "insert", "create table", "alter add column", "alter add index", "alter ttl")

# what each table is ordered by; an older run log has more
_KEYS = {
    **{listing.table: listing.key for listing in LISTINGS},
    INVENTORY_TABLE: "show_id, snapshot_ts",
    "meta_job_runs": "started_at, run_id",
    "meta_slices": "resource, lo",
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
        self._replicated = "Replicated" if self._cluster else ""
        self._last_ver = 0
        self._client = self._connect()

    def _connect(self) -> Client:
        s = self._settings
        with self._explain():
            if s.clickhouse_host is None:
                return clickhouse.to_embedded(s.clickhouse_path.absolute())
            client: Any = clickhouse.to_server(
                s.clickhouse_host,
                s.clickhouse_port or (8443 if s.clickhouse_secure else 8123),
                s.clickhouse_user,
                s.clickhouse_password,
                secure=s.clickhouse_secure,
                seconds=_HELLO_SECONDS,
                settings=_CLUSTER_SETTINGS if self._cluster else None,
            )
            client.timeout = Timeout(connect=clickhouse.CONNECT_SECONDS, read=_ANSWER_SECONDS)
            return cast(Client, client)

    def close(self) -> None:
        """Let go of the server, or of the embedded database's path."""
        self._client.close()

    def prepare(self) -> None:
        """Create the database and the tables that are missing, bring forward those that are older.

        Raises WarehouseError, before anything is written where a table cannot be used.
        """
        todo = self.due()
        database = f"{self._quoted}{self._on_cluster}"
        with self._explain():
            if todo and not self._client.command(f"exists database {self._quoted}"):
                self._client.command(f"create database if not exists {database}")
            self._client.database = self._database
            for statement in todo:
                self._client.command(statement)

    def due(self) -> list[str]:
        """Return the statements of schema.sql that are not in effect yet.

        To run them all would do; on a cluster each one waits for every replica. Raises
        WarehouseError where a table would keep all versions of a row, or keep them by another key.
        """
        rows = self._query(
            "select name, engine_full, sorting_key, create_table_query from system.tables"
            " where database = {database:String}",
            database=self._database,
        )
        there = {name: (engine or "View", key, create) for name, engine, key, create in rows}
        wanted = f"{self._replicated}ReplacingMergeTree"
        refused = []
        for name, by in _KEYS.items():
            engine, key, _ = there.get(name, (f"{wanted}(_ver)", by, ""))
            # replicated or shared is as good, or better; version 1's run log has a longer key
            is_of_ours = re.match(rf"\w*{wanted}\(([^()]*, )?_ver\)", engine)
            if not is_of_ours or not f"{key}, ".startswith(f"{by}, "):
                found = re.split(" [A-Z]+ BY ", engine)[0]
                refused.append(
                    f"{self._database}.{name}: its engine is {found} by ({key}), wanted"
                    f" {wanted}(_ver) by ({by})"
                )
        if refused:
            raise WarehouseError(
                f"ClickHouse ({self._place}): this version cannot use what is there, and changed "
                f"nothing. {'; '.join(refused)}. Rename such a table and run with --full, which "
                "fills a new one; see `A new version` in deploy/README.md, and docs/cluster.md."
            )
        return [each for each in self._schema() if not _is_in_effect(each, there)]

    def _schema(self) -> list[str]:
        """Return the statements: with a cluster on all its replicas, and replicated.

        Where in Keeper is left to the server, whose default path has the table's UUID in it.
        """
        text = resources.files("extract").joinpath("schema.sql").read_text(encoding="utf-8")
        words = {
            "on_cluster": self._on_cluster,
            "replicated": self._replicated,
            "days": self._settings.extract_inventory_days,
        }
        statements = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).split(";")[:-1]
        return [
            statement.strip().format(**words, table=listing.table, key=listing.key)
            for statement in statements
            for listing in (LISTINGS if "{table}" in statement else LISTINGS[:1])
        ]

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

    def checkpoints(self, name: str) -> list[Checkpoint]:
        """Return the spans of a list that were ever read and landed, by id. They may leave gaps.

        What was read at a time that still lies in the future, was read in 1970.
        """
        rows = self._query(
            "select lo, hi, rows, if(toUnixTimestamp64Milli(read_at) > {limit:Int64},"
            " toDateTime64(0, 3, 'UTC'), read_at)"
            " from meta_slices final where resource = {resource:String} order by lo",
            resource=name,
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
            f" where {_within(resource.key, Span(lo, hi))} and not _deleted"
        )
        return int(rows[0][0])

    # ---- landing

    def land(
        self, resource: Resource, rows: Sequence[Kept], span: Span | None = None
    ) -> tuple[Counts, set[int]]:
        """Land the rows whose payload is not the one already there.

        Also return the ids that are landed, not deleted, within `span`, and not in `rows`.
        """
        key, table = resource.key, resource.table
        where = _within(key, span) if span else _among(key, [row.id for row in rows])
        known = self._query(f"select {key}, _dedup_key, _deleted from {table} final where {where}")
        there = {id_: None if deleted else hash_ for id_, hash_, deleted in known}
        records = [({key: row.id, "_deleted": 0}, row.payload, row.redacted) for row in rows]
        counts = self._land(table, key, records, there)
        landed = {id_ for id_, hash_ in there.items() if hash_ is not None}
        return counts, landed - {row.id for row in rows}

    def record(self, resource: Resource, checkpoint: Checkpoint) -> None:
        """Remember that a span was read and is landed."""
        what = {"resource": resource.name, **checkpoint.span._asdict(), "rows": checkpoint.rows}
        stamps = {"read_at": checkpoint.read_at, "run_id": self._run_id, "_ver": self._next_ver()}
        self._insert("meta_slices", [what | stamps])

    def delete(self, resource: Resource, ids: Collection[int]) -> None:
        """Land the last known payload of these ids once more, as a tombstone."""
        rows = self._query(
            f"select {resource.key}, payload, _dedup_key from {resource.table} final"
            f" where {_among(resource.key, ids)}"
        )
        names = (resource.key, "payload", "_dedup_key")
        stamps = {"_ver": self._next_ver(), "_run_id": self._run_id, "_deleted": 1}
        dead = [dict(zip(names, row, strict=True)) | stamps for row in rows]
        self._insert(resource.table, dead)

    def land_seats(self, snapshots: Sequence[Snapshot]) -> Counts:
        """Land snapshots of shows' seats, but those that equal the last one of the last 24 hours.

        So a show that stands still has at least a snapshot a day, which retention cannot outlive.
        """
        known = self._query(
            "select show_id, argMax(_dedup_key, snapshot_ts),"
            " toUnixTimestamp64Milli(max(snapshot_ts)) > {day_ago:Int64}"
            f" from {INVENTORY_TABLE} final"
            f" where {_among('show_id', [snapshot.show.show_id for snapshot in snapshots])}"
            " and toUnixTimestamp64Milli(snapshot_ts) <= {limit:Int64} group by show_id",
            day_ago=_milliseconds() - 86_400_000,
            limit=believable(),
        )
        there = {show_id: hash_ if is_recent else None for show_id, hash_, is_recent in known}
        records = [
            ({**asdict(each.show), "snapshot_ts": each.taken_at}, each.payload, each.redacted)
            for each in snapshots
        ]
        return self._land(INVENTORY_TABLE, "show_id", records, there)

    def _land(
        self,
        table: str,
        key: str,
        records: Sequence[tuple[dict[str, Any], bytes, int]],
        there: Mapping[int, int | None],
    ) -> Counts:
        """Land records (columns, payload, times redacted) but those with the hash that is there.

        `there`: by the value of the column `key`; None is another version in any case.
        """
        done = Counts()
        fresh = []
        ver = self._next_ver()
        for columns, payload, redacted in records:
            hash_, id_ = _hash(payload), columns[key]
            if there.get(id_) == hash_:
                done.unchanged += 1
                continue
            if id_ in there:
                done.changed += 1
            else:
                done.new += 1
            done.redacted += redacted
            stamps = {"_dedup_key": hash_, "_ver": ver, "_run_id": self._run_id}
            fresh.append({**columns, "payload": msgspec.Raw(payload), **stamps})
        self._insert(table, fresh)
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

    @contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            with clickhouse.explained(self._place):
                yield
        except clickhouse.Fault as fault:
            error = Locked if fault.kind == "busy" else WarehouseError
            raise error(str(fault)) from None


# what statements add, and where the definition of a table has it
_ADDED = {
    r"add column if not exists (\w+)": "`{}` ",
    r"add index if not exists (\w+)": "INDEX {} ",
    r"modify ttl (.+)": "TTL {}",
}
_encode_lines = msgspec.json.Encoder().encode_lines


def _within(key: str, span: Span) -> str:
    return f"{key} > {span.lo:d} and {key} <= {span.hi:d}"


def _among(key: str, ids: Collection[int]) -> str:
    # ids are ints, so this can be nothing else; as a parameter it could outgrow a URL
    return f"{key} in ({','.join(f'{id_:d}' for id_ in ids)})" if ids else "false"


def _hash(payload: bytes) -> int:
    # the first 8 bytes of the hash: enough to tell one thing's versions apart
    return int.from_bytes(hashlib.sha256(payload).digest()[:8], "little")


def _is_in_effect(statement: str, there: Mapping[str, tuple[str, str, str]]) -> bool:
    """Return whether the tables have what a statement of schema.sql makes or adds."""
    (table,) = re.findall(r"^\w+ table (?:if not exists )?(\w+)", statement)
    if table not in there:
        return statement.startswith("alter")  # a new one has it all
    for added, shown in _ADDED.items():
        if found := re.search(added, statement):
            return shown.format(found[1]) in there[table][-1]
    return True


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def believable() -> int:
    """Return the last moment that is believed not to lie in the future, in milliseconds."""
    return _milliseconds() + int(SKEW.total_seconds() * 1000)
