"""Reads the marts for report and notify: one connection, rows as dicts, errors of one line.

Settings are the CLICKHOUSE_* of the environment or of an env file, as for dbt: a server, or the
embedded ClickHouse where CLICKHOUSE_HOST is not set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import clickhouse

# NAME=value, in one kind of quotes or none: what a shell and systemd read as we do. The extractor
# refuses lines that they would read otherwise.
_LINE = re.compile(r"""^[ \t]*([A-Za-z_]\w*)=(?:'([^']*)'|"([^"]*)"|([^\r\n]*?))[ \t\r]*$""", re.M)

_ANSWER_SECONDS = 60


class ReaderError(clickhouse.Fault):
    """One line that says what failed and what to do; it holds no password.

    `exit_code`: 2 of a setting, 6 when the database is busy, else 4.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
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
                self._client = clickhouse.to_server(
                    host,
                    int(port),
                    env.get("CLICKHOUSE_USER", "default"),
                    env.get("CLICKHOUSE_PASSWORD", ""),
                    secure=secure,
                    seconds=_ANSWER_SECONDS,
                    query_limit=0,  # one that is set is refused to who may only read
                )
            else:
                if not path.exists():
                    text = "nothing there yet: run `python -m extract`, then `dbt build`."
                    raise ReaderError("missing", f"ClickHouse ({self.place}): {text}")
                self._client = clickhouse.to_embedded(path)
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
            with clickhouse.explained(self.place):
                yield
        except clickhouse.Fault as fault:
            raise ReaderError(fault.kind, str(fault)) from None


def _aware(value: Any) -> Any:
    return clickhouse.utc(value) if isinstance(value, datetime) else value
