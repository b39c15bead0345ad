"""What each destination was told: in ClickHouse's meta_alerts when it answers, and in a file.

The file is written each time, so that it knows all of it on the day when ClickHouse does not
answer; of two rows the newer one holds. A row is a subject (`digest`, `extract/api`) of a
destination.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reader import Reader, ReaderError

_CREATE = """
create table if not exists meta_alerts{on_cluster} (
    destination String,
    subject String,
    since DateTime64(3, 'UTC'),
    told_at Nullable(DateTime64(3, 'UTC')),
    is_open Bool,
    _ver UInt64
) engine = {replicated}ReplacingMergeTree(_ver) order by (destination, subject)"""
_INSERT = """
insert into meta_alerts (destination, subject, since, told_at, is_open, _ver) select
    {destination:String}, {subject:String},
    fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    if({told_at:Int64} < 0, null, fromUnixTimestamp64Milli({told_at:Int64}, 'UTC')),
    {is_open:Bool}, {ver:UInt64}"""
_TRUSTED_SKEW = timedelta(hours=1)
_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Memory:
    """What a destination was told of a subject. Instants are in UTC.

    `since`: when it began. `told_at`: when it was last told, None if never. `is_open`: it goes on.
    """

    subject: str
    since: datetime
    told_at: datetime | None
    is_open: bool


Memories = Mapping[str, Memory]


class State:
    """The memories of all destinations. Made by `opened`, which holds a lock meanwhile."""

    def __init__(self, path: Path, reader: Reader | None) -> None:
        self._path = path
        self._reader = reader
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._stored: dict[tuple[str, str], int] = {}
        self._take(_in_file(path))
        if reader is not None:
            try:
                stored = self._in_table(reader)
            except ReaderError:  # no right to it: the file alone
                self._reader = None
            else:
                self._take(stored)
                self._stored = {_key(row): row["ver"] for row in stored}

    def of(self, destination: str, now: datetime) -> dict[str, Memory]:
        """Return its memories by subject. What is said to come from the future is not believed."""
        latest = now + _TRUSTED_SKEW
        return {
            subject: Memory(
                subject,
                min(_instant(row["since"]), now),
                None
                if row["told_at"] < 0 or _instant(row["told_at"]) > latest
                else _instant(row["told_at"]),
                row["is_open"],
            )
            for (to, subject), row in self._rows.items()
            if to == destination
        }

    def save(self, destination: str, memories: Memories) -> None:
        """Keep what changed. Raises ReaderError (settings) when the file cannot be written."""
        for subject, memory in memories.items():
            row = {
                "destination": destination,
                "subject": subject,
                "since": _milliseconds(memory.since),
                "told_at": -1 if memory.told_at is None else _milliseconds(memory.told_at),
                "is_open": memory.is_open,
            }
            before = self._rows.get((destination, subject), {"ver": 0})
            if before != {**row, "ver": before["ver"]}:
                # never below the last one, whatever the clock says
                ver = max(time.time_ns() // 1_000_000, before["ver"] + 1)
                self._rows[destination, subject] = {**row, "ver": ver}
        self._write()

    def _write(self) -> None:
        with suppress(ReaderError):  # the file has it; the next time brings it there
            for key, row in self._rows.items():
                if self._reader and row["ver"] > self._stored.get(key, 0):
                    self._reader.command(_INSERT, **row)
                    self._stored[key] = row["ver"]
        text = json.dumps(list(self._rows.values()), indent=1)
        if not self._path.exists() or self._path.read_text("utf-8") != text:
            half = self._path.with_name(f"{self._path.name}.half")
            half.write_text(text, "utf-8")
            half.replace(self._path)

    def _in_table(self, reader: Reader) -> list[dict[str, Any]]:
        if "meta_alerts" not in reader.tables():
            where = {
                "on_cluster": f" on cluster `{reader.cluster}`" if reader.cluster else "",
                "replicated": "Replicated" if reader.cluster else "",
            }
            reader.command(_CREATE.format(**where))
        return reader.rows(
            "select destination, subject, toUnixTimestamp64Milli(since) as since,"
            " ifNull(toUnixTimestamp64Milli(told_at), -1) as told_at, is_open, _ver as ver"
            " from meta_alerts final order by destination, subject"
        )

    def _take(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["ver"] > self._rows.get(_key(row), {"ver": -1})["ver"]:
                self._rows[_key(row)] = row


@contextmanager
def opened(path: Path, reader: Reader | None) -> Iterator[State]:
    """Open the state for one run of ours at a time.

    Raises ReaderError: busy when another one does not end, settings when the file's directory
    cannot be written to. That is found out before anything is sent: what cannot be remembered would
    be told again and again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            deadline = time.monotonic() + _WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        text = "Another `python -m notify` does not end; see what it waits for."
                        raise ReaderError("busy", text) from None
                    time.sleep(0.1)
            if path.exists() and not os.access(path, os.R_OK | os.W_OK):
                raise PermissionError(0, "Permission denied")
            yield State(path, reader)
    except OSError as error:
        text = f"NOTIFY_STATE_PATH {path}: {error.strerror}. It remembers what was told."
        raise ReaderError("settings", text) from None


def _in_file(path: Path) -> list[dict[str, Any]]:
    """Return the rows of the file. One that cannot be understood counts as none."""
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [
            {
                "destination": str(row["destination"]),
                "subject": str(row["subject"]),
                "since": int(row["since"]),
                "told_at": int(row["told_at"]),
                "is_open": bool(row["is_open"]),
                "ver": int(row["ver"]),
            }
            for row in rows
        ]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError):
        return []


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["destination"], row["subject"]


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
