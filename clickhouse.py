"""A connection to ClickHouse, a server or embedded, and what went wrong with it in one line.

For extract, report, notify and the demo; dbt, which connects by itself, uses `use_known_zone`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, StreamClosedError

# importing the driver turned the first on: each retry would be a line on stderr, though all went
# well; and what the driver itself would log, our errors say
for _chatty in ("urllib3", "clickhouse_connect"):
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)

CONNECT_SECONDS = 10

_PASSWORD = "password", "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD."
_READONLY = 164
_ADVICE = {
    47: ("missing", "The marts are of another version: run `dbt build`."),
    60: ("missing", "The marts are not built: run `python -m extract`, then `dbt build`."),
    81: ("missing", "Check CLICKHOUSE_DATABASE, or run `python -m extract`, then `dbt build`."),
    159: (
        "failed",
        "A replica did not answer in time; when it is down for long, see docs/cluster.md.",
    ),
    _READONLY: ("permission", "CLICKHOUSE_USER may only read."),
    192: _PASSWORD,
    193: _PASSWORD,
    194: _PASSWORD,
    243: ("failed", "The disk of ClickHouse is full."),
    285: ("failed", "Too few replicas are up to take an insert safely."),
    289: ("failed", "This replica is behind; the next run goes on."),
    497: ("permission", "CLICKHOUSE_USER lacks a right; see the grants in deploy/clickhouse."),
    516: _PASSWORD,
    701: ("failed", "Check CLICKHOUSE_CLUSTER."),
}


class Fault(Exception):
    """One line that says what failed and what to do; it holds no password.

    `kind`: busy, unreachable, tls, password, permission, settings (of the embedded one's
    directory), missing (no database, or marts that are not built) or failed.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(" ".join(text.split()))
        self.kind = kind


def to_server(
    host: str, port: int, user: str, password: str, *, secure: bool, seconds: float, **more: Any
) -> Client:
    """Connect to a server; its first answer may take so many seconds. Raises what the driver does.

    `more`: what else the driver takes.
    """
    return clickhouse_connect.get_client(
        host=host,
        port=port,
        username=user,
        password=password,
        secure=secure,
        connect_timeout=CONNECT_SECONDS,
        send_receive_timeout=int(seconds),
        client_name="zakaz",
        autogenerate_session_id=False,
        **more,
    )


def to_embedded(path: Path) -> Client:
    """Open the embedded database, which is made where there is none. Raises Fault."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise Fault(
            "settings",
            f"ClickHouse (embedded at {path}): {error.strerror}. "
            "Check CLICKHOUSE_PATH, its owner and its rights.",
        ) from None
    use_known_zone()
    with _captured_stderr() as captured:
        try:
            return clickhouse_connect.get_client(interface="chdb", path=str(path), query_limit=0)
        except (ClickHouseError, OSError) as error:
            said = str(error)
    if _is_locked(path):
        raise Fault(
            "busy",
            f"The embedded database at {path} is in use by another process (extract, dbt, report "
            "or notify). Try again when it is done.",
        )
    # the driver knows that it failed; what failed, the engine wrote on stderr
    said = next((line for line in captured[::-1] if line.startswith("Code: ")), said)
    raise Fault(
        "failed",
        f"ClickHouse (embedded at {path}) cannot be opened: {_said(said)} Check the owner and the "
        "rights of its files. If it is broken, restore it from a backup, or move it away: all is "
        "read again.",
    )


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Raise a Fault for what the driver raises inside. `place` names the server or the path."""
    try:
        yield
    except (ClickHouseError, StreamClosedError, OSError) as error:
        kind, said, advice = _explanation(error, is_embedded=place.startswith("embedded"))
        raise Fault(kind, f"ClickHouse ({place}): {said} {advice}") from None


def utc(moment: datetime) -> datetime:
    """Return a time of ClickHouse as an aware one: the driver gives UTC columns as naive."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def use_known_zone() -> None:
    """Let a TZ that the engine does not know be UTC for this process, before it is loaded.

    Under TZ=MSK-3 (POSIX has such zones, the engine has not) it refuses to load, and
    clickhouse-connect says that it is not installed. Our SQL names the zone of each instant, so no
    figure depends on TZ.
    """
    zone = os.environ.get("TZ", "").removeprefix(":")
    try:
        if Path(zone).is_absolute():
            with Path(zone).open("rb") as file:
                ZoneInfo.from_file(file)
        elif zone:
            ZoneInfo(zone)
    except (LookupError, OSError, ValueError):
        os.environ["TZ"] = "UTC"
    if "right" in Path(zone).parts:  # these count leap seconds, which the engine does not
        os.environ["TZ"] = "UTC"


def _explanation(error: BaseException, *, is_embedded: bool) -> tuple[str, str, str]:
    """Return the kind of a failure, what is said of it, and what to do."""
    code = getattr(error, "code", None)
    if str(error).endswith(" is readonly"):  # a setting; the driver asks the server beforehand
        code = _READONLY
    if code or is_embedded:
        kind, advice = _ADVICE.get(code or 0, ("failed", ""))
        return kind, _said(str(error)), advice
    while cause := error.__cause__ or error.__context__:
        error = cause
    if isinstance(error, ssl.SSLError):
        said = f"no TLS there: {error.reason or error}."
        return "tls", said, "Check CLICKHOUSE_SECURE, CLICKHOUSE_PORT and the certificate."
    said = f"no answer: {_said(str(getattr(error, 'strerror', None) or error))}"
    advice = "Check that it runs, and CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_SECURE."
    return "unreachable", said, advice


def _said(text: str) -> str:
    """Return what ClickHouse said, in one line, without what the driver put around it."""
    line = (text.splitlines() or ["no reason given"])[0]
    line = re.sub(r"^.*server response: (Code: \d+\. )?(DB::Exception: )?", r"\1", line)
    line = re.sub(r" \(for url \S+\)$", "", line)[:300].rstrip()
    return line if line.endswith((".", ")")) else f"{line}."


def _is_locked(path: Path) -> bool:
    """Return whether a process holds the lock that an embedded ClickHouse takes."""
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
