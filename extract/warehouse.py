"""ClickHouse: the raw tables, what is landed in them, and the ledger of runs.

Landing is safe to repeat: a row's key is the thing's id, `_ver` grows with each landed version, and
a payload with the hash that is already there is not landed again. Times are UTC.
"""

from __future__ import annotations

import logging
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import clickhouse_connect
import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, StreamClosedError
from urllib3 import Timeout

from extract import schema
from extract.errors import Locked, WarehouseError
from extract.resources import INVENTORY_TABLE, LISTINGS, Listing
from extract.settings import Settings
from extract.store import Landed, Row, Slice, Snapshot, Span

_LANDED = """
    payload String codec(ZSTD(1)),
    _dedup_key UInt64,
    _ver UInt64,
    _landed_at DateTime64(3, 'UTC') default now64(3),
    _run_id LowCardinality(String)"""

_LISTING = """
create table if not exists {table}{on_cluster} (
    {key} UInt64,{landed},
    _deleted UInt8 default 0,
    index landed_at _landed_at type minmax
) engine = {replicated}ReplacingMergeTree(_ver) order by {key}"""

_INVENTORY = """
create table if not exists {table}{on_cluster} (
    show_id UInt64,
    event_id UInt64,
    snapshot_ts DateTime64(3, 'UTC'),{landed},
    index landed_at _landed_at type minmax
) engine = {replicated}ReplacingMergeTree(_ver) order by (show_id, snapshot_ts)
ttl toDateTime(snapshot_ts) + toIntervalDay({days})"""

_RUNS = """
create table if not exists {table}{on_cluster} (
    run_id String,
    job LowCardinality(String),
    resource LowCardinality(String),
    lane LowCardinality(String),
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    status LowCardinality(String),
    cursor_from Nullable(DateTime64(3, 'UTC')),
    cursor_to Nullable(DateTime64(3, 'UTC')),
    requests UInt64,
    retries UInt64,
    rows_seen UInt64,
    rows_changed UInt64,
    rows_landed UInt64,
    api_total Nullable(UInt64),
    bytes UInt64,
    filters LowCardinality(String),
    error String,
    _ver UInt64
) engine = {replicated}ReplacingMergeTree(_ver) order by (started_at, run_id, resource, lane)"""

_SLICES = """
create table if not exists {table}{on_cluster} (
    resource LowCardinality(String),
    lo UInt64,
    hi UInt64,
    rows UInt64,
    read_at DateTime64(3, 'UTC'),
    run_id String,
    _ver UInt64
) engine = {replicated}ReplacingMergeTree(_ver) order by (resource, lo)"""

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

_CLOSING = "lane in ('changes', 'all', 'snapshot')"  # a run's last lane of a resource

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


@dataclass(frozen=True, slots=True)
class Known:
    """What is landed of a thing: its payload's hash, its version, whether it is gone by now."""

    dedup_key: int
    ver: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest run that was proven complete: when (UTC), and what the API's total was.

    `filters`: how they travelled; `pages` when the API ignored them, and all was read.
    """

    started_at: datetime
    finished_at: datetime
    api_total: int
    filters: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a resource is. Times are UTC, None before the first.

    `rows`: landed and not gone. `proven_rows`: what is here of that which the proof counted.
    `slices_swept`: those read again within EXTRACT_SWEEP_HOURS. `last_*`: of the newest run.
    """

    rows: int
    proof: Proof | None
    proven_rows: int
    cursor: datetime | None
    slices: int
    slices_swept: int
    oldest_read: datetime | None
    last_status: str
    last_error: str


class Warehouse:
    """ClickHouse, a server or embedded. One thread at a time."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self._settings = settings
        self._run_id = run_id
        self._place = settings.clickhouse_place
        self._database = settings.clickhouse_database
        self._quoted = f"`{self._database}`"  # it may be a keyword; other signs are refused
        cluster = settings.clickhouse_cluster
        self._on_cluster = f" on cluster `{cluster}`" if cluster else ""
        self._client = self._connect()

    def _connect(self) -> Client:
        s = self._settings
        if s.clickhouse_host is None:
            path = s.clickhouse_path.absolute()
            try:
                return clickhouse_connect.get_client(interface="chdb", path=str(path))
            except ClickHouseError as error:
                if "EmbeddedServer" in str(error) and path.exists():
                    raise Locked(
                        f"The embedded database at {path} is in use by another process "
                        "(dbt, or another extract). Try again when it is done."
                    ) from None
                raise self._explained(error) from None
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
                settings=_CLUSTER_SETTINGS if s.clickhouse_cluster else None,
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
        """Return the statements that make the tables what this version wants.

        Raises WarehouseError where a table is there that none could make so.
        """
        tables = [schema.wanted(create) for create in self._creates()]
        rows = self._query(
            schema.FOUND, database=self._database, tables=[table.name for table in tables]
        )
        found = {row[0]: schema.Found(*row) for row in rows}
        statements, refused = [], []
        for table in tables:
            there = found.get(table.name)
            if there is None:
                statements.append(table.create)
            elif misfits := there.misfits(table):
                refused.append(f"{self._database}.{table.name}: {', '.join(misfits)}")
            else:
                changes = there.changes(table)
                statements += [
                    f"alter table {table.name}{self._on_cluster} {change}" for change in changes
                ]
        if refused:
            advice = (
                "How to move to a cluster: docs/cluster.md."
                if self._on_cluster
                else "Rename such a table and run with --full, which makes and fills a new one; "
                "see `A new version` in deploy/README.md."
            )
            raise WarehouseError(
                f"ClickHouse ({self._place}): this version cannot use what is there, and changed "
                f"nothing. {'; '.join(refused)}. {advice}"
            )
        return statements

    def _creates(self) -> list[str]:
        """Write the tables down: with a cluster on all its replicas, and replicated.

        Where in Keeper is left to the server, whose default path has the table's UUID in it.
        """
        where = {
            "on_cluster": self._on_cluster,
            "replicated": "Replicated" if self._on_cluster else "",
        }
        days = self._settings.extract_inventory_days
        return [
            *(
                _LISTING.format(table=listing.table, key=listing.key, landed=_LANDED, **where)
                for listing in LISTINGS
            ),
            _INVENTORY.format(table=INVENTORY_TABLE, landed=_LANDED, days=days, **where),
            _RUNS.format(table="meta_job_runs", **where),
            _SLICES.format(table="meta_slices", **where),
        ]

    def missing_rights(self) -> list[str]:
        """Return the rights on the database that a run needs and this user lacks."""
        if int(self._query("select getSetting('readonly')")[0][0]):
            return ["the right to write (its profile says readonly)"]
        rights = [(right, f"{self._quoted}.*") for right in _RIGHTS]
        if self._on_cluster:
            rights.append(("cluster", "*.*"))
        return [
            right
            for right, where in rights
            if not self._query(f"check grant {right} on {where}")[0][0]
        ]

    def version(self) -> str:
        """Return the version of ClickHouse."""
        return str(self._client.server_version)

    def standings(self) -> dict[str, Standing]:
        """Return how far each resource is that was ever pulled, by its name. Only reads."""
        with self._explain():
            if not self._client.command(f"exists table {self._quoted}.meta_job_runs"):
                return {}
            self._client.database = self._database
        newest = self._query(
            "select resource, argMax(status, started_at), argMax(error, started_at)"
            f" from meta_job_runs final where {_CLOSING} group by resource order by resource"
        )
        return {resource: self._standing(resource, *last) for resource, *last in newest}

    def _standing(self, resource: str, last_status: str, last_error: str) -> Standing:
        proof = self._proof(resource)
        slices, swept, oldest_read = self._query(
            "select count(), countIf(read_at > now() - {seconds:UInt32}), minOrNull(read_at)"
            " from meta_slices final where resource = {resource:String}",
            resource=resource,
            seconds=int(self._settings.extract_sweep_hours * 3600),
        )[0]
        listing = {listing.name: listing for listing in LISTINGS}.get(resource)
        if listing:
            # what was marked as gone later was there when the totals were compared
            rows, proven_rows = self._query(
                "select countIf(not _deleted), countIf(not _deleted or _ver > {proven_at:Int64})"
                f" from {listing.table} final",
                proven_at=_milliseconds_of(proof.finished_at) if proof else 0,
            )[0]
        else:
            # a show has a snapshot a day at least, by the API's clock
            rows, proven_rows = self._query(
                "select count(), uniqExactIf(show_id, toUnixTimestamp64Milli(snapshot_ts) >"
                f" {{proven_at:Int64}} - 25 * 3600000) from {INVENTORY_TABLE}",
                proven_at=_milliseconds_of(proof.started_at) if proof else 0,
            )[0]
        return Standing(
            rows=rows,
            proof=proof,
            proven_rows=proven_rows,
            cursor=self.cursor(resource),
            slices=slices,
            slices_swept=swept,
            oldest_read=_utc(oldest_read) if oldest_read else None,
            last_status=last_status,
            last_error=last_error,
        )

    def _proof(self, resource: str) -> Proof | None:
        rows = self._query(
            "select started_at, finished_at, api_total, filters from meta_job_runs final"
            f" where resource = {{resource:String}} and {_CLOSING} and status = 'proven'"
            " order by started_at desc limit 1",
            resource=resource,
        )
        for started_at, finished_at, api_total, filters in rows:
            return Proof(_utc(started_at), _utc(finished_at), api_total, filters)
        return None

    def ask(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a select on the database, each by column name. Raises WarehouseError.

        `parameters` are values for `{name:Type}` in the SQL.
        """
        with self._explain():
            self._client.database = self._database
            return list(self._client.query(sql, parameters=parameters).named_results())

    def cursor(self, resource: str) -> datetime | None:
        """Return the server's time up to which changes are proven landed; None before the first."""
        rows = self._query(
            "select argMax(cursor_to, started_at) from meta_job_runs final"
            " where resource = {resource:String} and lane = 'changes' and status = 'proven'"
            " and cursor_to is not null having count() > 0",
            resource=resource,
        )
        return _utc(rows[0][0]) if rows else None

    def newest_version(self) -> int:
        """Return the highest `_ver` landed so far, in milliseconds; 0 before the first."""
        newest = (self._query(f"select max(_ver) from {listing.table}") for listing in LISTINGS)
        return max(int(rows[0][0]) for rows in newest)

    def slices(self, resource: str) -> list[Slice]:
        """Return the slices ever proven, by id. They may leave gaps: what was never read."""
        rows = self._query(
            "select lo, hi, read_at, rows from meta_slices final"
            " where resource = {resource:String} order by lo",
            resource=resource,
        )
        return [Slice(lo, hi, _utc(read_at), count) for lo, hi, read_at, count in rows]

    def record_slice(self, resource: str, piece: Slice) -> None:
        """Remember that a slice is proven and landed."""
        columns = {
            "resource": resource,
            "lo": piece.lo,
            "hi": piece.hi,
            "rows": piece.rows,
            "read_at": piece.read_at,
            "run_id": self._run_id,
            "_ver": _milliseconds(),
        }
        self._insert("meta_slices", [columns])

    def land(
        self, listing: Listing, rows: Sequence[Row], span: Span | None = None
    ) -> tuple[Landed, set[int]]:
        """Land the rows whose payload is not the one already there.

        Also return the ids that are landed, not marked as gone, within `span`, and not in `rows`.
        """
        done = Landed()
        if span:
            known = self._known(listing, self._within(listing, *span))
        elif rows:
            # ids are ints, so this can be nothing else; as a parameter it could outgrow a URL
            among = ",".join(f"{row.id:d}" for row in rows)
            known = self._known(listing, f"{listing.key} in ({among})")
        else:
            return done, set()
        missing = {id_ for id_, was in known.items() if not was.deleted}
        missing.difference_update(row.id for row in rows)
        fresh: list[Row] = []
        for row in rows:
            before = known.get(row.id)
            same = before and before.dedup_key == row.dedup_key and not before.deleted
            # lanes run side by side: what was asked for earlier may arrive here later
            if before and (same or before.ver >= row.ver):
                done.unchanged += 1
                continue
            if before:
                done.changed += 1
            else:
                done.new += 1
            known[row.id] = Known(row.dedup_key, row.ver, deleted=False)
            fresh.append(row)
        self._insert(
            listing.table,
            [{listing.key: row.id, **self._columns(row), "_deleted": 0} for row in fresh],
        )
        return done, missing

    def ids(self, listing: Listing) -> set[int]:
        """Return all landed ids that are not marked as gone."""
        return {id_ for id_, was in self._known(listing, "true").items() if not was.deleted}

    def count(self, listing: Listing, lo: int, hi: int) -> int:
        """Count the landed ids with `lo < id <= hi` that are not marked as gone."""
        rows = self._query(
            f"select count() from {listing.table} final"
            f" where {self._within(listing, lo, hi)} and not _deleted"
        )
        return int(rows[0][0])

    def mark_gone(self, listing: Listing, ids: Sequence[int], ver: int) -> Landed:
        """Land the last known payload of these ids once more, marked: the API has them no more."""
        if not ids:
            return Landed()
        among = ",".join(f"{id_:d}" for id_ in ids)
        rows = self._query(
            f"select {listing.key}, payload, _dedup_key from {listing.table} final"
            f" where {listing.key} in ({among})"
        )
        gone = [
            {listing.key: id_, "payload": payload, **self._stamps(key, ver), "_deleted": 1}
            for id_, payload, key in rows
        ]
        self._insert(listing.table, gone)
        return Landed(gone=len(gone))

    def land_seats(self, snapshots: Sequence[Snapshot]) -> Landed:
        """Land snapshots of shows' seats, but those that equal the last one of the last 24 hours.

        So a show that stands still has at least a snapshot a day, which retention cannot outlive.
        """
        done = Landed()
        if not snapshots:
            return done
        among = ",".join(f"{snapshot.show.show_id:d}" for snapshot in snapshots)
        rows = self._query(
            "select show_id, argMax(_dedup_key, snapshot_ts), max(snapshot_ts) > now() - 86400"
            f" from {INVENTORY_TABLE} final where show_id in ({among}) group by show_id"
        )
        last = {show_id: (key, is_recent) for show_id, key, is_recent in rows}
        fresh = []
        for snapshot in snapshots:
            key, is_recent = last.get(snapshot.show.show_id, (None, False))
            if is_recent and key == snapshot.row.dedup_key:
                done.unchanged += 1
                continue
            if key is None:
                done.new += 1
            else:
                done.changed += 1
            fresh.append(
                {
                    "show_id": snapshot.show.show_id,
                    "event_id": snapshot.show.event_id,
                    "snapshot_ts": snapshot.taken_at,
                    **self._columns(snapshot.row),
                }
            )
        self._insert(INVENTORY_TABLE, fresh)
        return done

    def log(self, entry: dict[str, Any]) -> None:
        """Write a row of the ledger; a later one for the same run and lane replaces it."""
        row = {**entry, "run_id": self._run_id, "_ver": _milliseconds()}
        self._insert("meta_job_runs", [row])

    def _within(self, listing: Listing, lo: int, hi: int) -> str:
        return f"{listing.key} > {lo:d} and {listing.key} <= {hi:d}"

    def _known(self, listing: Listing, where: str) -> dict[int, Known]:
        rows = self._query(
            f"select {listing.key}, _dedup_key, _ver, _deleted from {listing.table} final"
            f" where {where}"
        )
        return {id_: Known(key, ver, bool(deleted)) for id_, key, ver, deleted in rows}

    def _columns(self, row: Row) -> dict[str, Any]:
        # as it is, not as a string: ClickHouse keeps the text of an object that a String column is
        # given, and nobody has to escape it
        return {"payload": orjson.Fragment(row.payload), **self._stamps(row.dedup_key, row.ver)}

    def _stamps(self, dedup_key: int, ver: int) -> dict[str, Any]:
        return {"_dedup_key": dedup_key, "_ver": ver, "_run_id": self._run_id}

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        # as JSON rather than as columns: the driver's own way imports pandas and pyarrow, which
        # take more memory and time than all rows of a run
        block = bytearray()
        for row in rows:
            block += orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        with self._explain():
            summary = self._client.raw_insert(
                table,
                column_names=list(rows[0]),
                insert_block=bytes(block),
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
            yield
        except (ClickHouseError, StreamClosedError, OSError) as error:
            raise self._explained(error) from None

    def _explained(self, error: Exception) -> WarehouseError:
        code = getattr(error, "code", None)
        if str(error).endswith(" is readonly"):  # a setting; the driver asks the server beforehand
            code = _READONLY
        root = _root(error)
        if code:
            said, advice = _said(error), _ADVICE.get(code, "")
        elif isinstance(root, ssl.SSLError):
            said = f"no TLS there: {root.reason or root}."
            advice = "Check CLICKHOUSE_SECURE and CLICKHOUSE_PORT."
        else:
            said = (
                f"no answer: {root.strerror or root}." if isinstance(root, OSError) else _said(root)
            )
            advice = "Check that it runs, and CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_SECURE."
        return WarehouseError(f"ClickHouse ({self._place}): {said} {advice}".rstrip())


def _root(error: BaseException) -> BaseException:
    """Return the error that the others were raised for."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _said(error: BaseException) -> str:
    """Return what ClickHouse said, in one line, without what the driver put around it."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    line = re.sub(r"^.*server response: (Code: \d+\. )?(DB::Exception: )?", r"\1", line)
    line = re.sub(r" \(for url \S+\)$", "", line)[:300].rstrip()
    return line if line.endswith((".", ")")) else f"{line}."


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def _milliseconds_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _utc(moment: datetime) -> datetime:
    # the driver gives UTC columns as naive datetimes
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
