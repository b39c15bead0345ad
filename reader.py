"""Reads the marts for report and notify: one connection, rows as dicts, errors of one line.

Settings are the CLICKHOUSE_* of the environment or of an env file, as for dbt: a server, or the
embedded ClickHouse where CLICKHOUSE_HOST is not set.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, StreamClosedError

from embedded import use_known_zone

for _chatty in ("urllib3", "clickhouse_connect"):  # they tell what is told here, and URLs
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)

# NAME=value, in one kind of quotes or none: what a shell and systemd read as we do. The extractor
# refuses lines that they would read otherwise.
_LINE = re.compile(r"""^[ \t]*([A-Za-z_]\w*)=(?:'([^']*)'|"([^"]*)"|([^\r\n]*?))[ \t\r]*$""", re.M)

_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60
_ADVICE = {
    47: ("missing", "The marts are of another version: run `dbt build`."),
    60: ("missing", "The marts are not built: run `python -m extract`, then `dbt build`."),
    81: ("missing", "Check CLICKHOUSE_DATABASE, or run `python -m extract`, then `dbt build`."),
    164: ("permission", "CLICKHOUSE_USER may only read."),
    **dict.fromkeys(
        (192, 193, 194, 516), ("password", "Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.")
    ),
    497: ("permission", "CLICKHOUSE_USER lacks a right; see the grants in deploy/clickhouse."),
}


class ReaderError(Exception):
    """One line that says what failed and what to do; it holds no password.

    `kind`: settings, busy, unreachable, tls, password, permission, missing (no database, or marts
    that are not built) or failed. `exit_code`: 2 of a setting, 6 when busy, else 4.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(" ".join(text.split()))
        self.kind = kind
        self.exit_code = {"settings": 2, "busy": 6}.get(kind, 4)


def environment(envfile: Path | None = None) -> dict[str, str]:
    """Return the settings that are set and not empty; the environment wins over the file.

    Raises ReaderError (settings) when the file cannot be read.
    """
    text = ""
    if envfile is not None:
        try:
            text = envfile.read_bytes().decode("utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a text file in UTF-8"
            raise ReaderError("settings", f"--envfile {envfile}: {reason}.") from None
    found = {name: one or two or bare for name, one, two, bare in _LINE.findall(text)} | os.environ
    return {name: value for name, value in found.items() if value}


class Reader:
    """A connection to the database of the marts; a context manager that lets go of it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Connect. `env`: settings by name, as `environment` returns them. Raises ReaderError."""
        self.database = env.get("CLICKHOUSE_DATABASE", "zakaz")
        self.cluster = env.get("CLICKHOUSE_CLUSTER", "")
        for name, value in (("DATABASE", self.database), ("CLUSTER", self.cluster or "_")):
            if not re.fullmatch(r"[A-Za-z_]\w{0,62}", value, re.ASCII):
                text = f"CLICKHOUSE_{name}: only letters, digits and _, no digit first."
                raise ReaderError("settings", text)
        host = env.get("CLICKHOUSE_HOST")
        secure = env.get("CLICKHOUSE_SECURE", "").strip().lower() in ("1", "true", "yes", "on")
        port = env.get("CLICKHOUSE_PORT", "8443" if secure else "8123")
        if not re.fullmatch(r"\d{1,5}", port):
            raise ReaderError("settings", "CLICKHOUSE_PORT: must be a number.")
        path = Path(env.get("CLICKHOUSE_PATH", ".chdb")).expanduser().absolute()
        self.place = f"{host}:{port}" if host else f"embedded at {path}"
        with self._explained():
            if host:
                user, password = (
                    env.get("CLICKHOUSE_USER", "default"),
                    env.get("CLICKHOUSE_PASSWORD", ""),
                )
                self._client = _server(host, int(port), secure, user, password)
            else:
                self._client = _embedded(path, self.place)
            self._client.database = self.database

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a select, each by column name. Raises ReaderError.

        `parameters` are values for `{name:Type}`. Money is Decimal; instants are aware, in UTC
        where the column names no other zone.
        """
        with self._explained():
            found = self._client.query(sql, parameters=parameters).named_results()
            return [{name: _aware(value) for name, value in row.items()} for row in found]

    def command(self, sql: str, **parameters: Any) -> None:
        """Run a statement that gives no rows. Raises ReaderError."""
        with self._explained():
            self._client.command(sql, parameters=parameters)

    def tables(self) -> set[str]:
        """Return the names of the tables and views that this user may see. Raises ReaderError."""
        return {row["name"] for row in self.rows("show tables")}

    def close(self) -> None:
        """Let go of the server, or of the embedded database."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (ClickHouseError, StreamClosedError, OSError) as error:
            kind, text = _explanation(error)
            raise ReaderError(kind, f"ClickHouse ({self.place}): {text}") from None


def _server(host: str, port: int, secure: bool, user: str, password: str) -> Any:
    return clickhouse_connect.get_client(
        host=host,
        port=port,
        username=user,
        password=password,
        secure=secure,
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=_ANSWER_SECONDS,
        client_name="zakaz",
        autogenerate_session_id=False,
        query_limit=0,  # one that is set is refused to who may only read
    )


def _embedded(path: Path, place: str) -> Any:
    if not path.exists():
        raise ReaderError("missing", f"ClickHouse ({place}): nothing there yet. {_ADVICE[60][1]}")
    try:
        with (path / "status").open("r+b") as status:  # the engine holds it as long as it runs
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = f"ClickHouse ({place}) is in use by another process. Try again when it is done."
        raise ReaderError("busy", text) from None
    except FileNotFoundError:
        pass  # never opened yet
    except OSError as error:
        text = f"CLICKHOUSE_PATH {path}: {error.strerror}. Is it a directory of this user's?"
        raise ReaderError("settings", text) from None
    use_known_zone()
    return clickhouse_connect.get_client(interface="chdb", path=str(path), query_limit=0)


def _explanation(error: BaseException) -> tuple[str, str]:
    """Return the kind of a failure, and what it says with what to do."""
    code = getattr(error, "code", None)
    if code:
        kind, advice = _ADVICE.get(code, ("failed", ""))
        said = (str(error).splitlines() or [""])[0]
        said = re.sub(r"^.*server response: ", "", said)
        said = re.sub(r" \(for url \S+\)$", "", said)[:300].rstrip(". ")
        return kind, f"{said}. {advice}".rstrip()
    while cause := error.__cause__ or error.__context__:
        error = cause
    said = (str(getattr(error, "strerror", None) or error).splitlines() or [""])[0][:300]
    if isinstance(error, ssl.SSLError):
        return "tls", f"{said}. Check CLICKHOUSE_SECURE, CLICKHOUSE_PORT and the certificate."
    if "EmbeddedServer" in said:
        return "failed", "the embedded database cannot be opened: another version, or damaged."
    advice = "Check that it runs, and CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_SECURE."
    return "unreachable", f"no answer: {said or type(error).__name__}. {advice}"


def _aware(value: Any) -> Any:
    # the driver gives UTC columns as naive datetimes
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
