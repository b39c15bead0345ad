"""Lets dbt use the embedded ClickHouse (chDB), which dbt-clickhouse 1.10 has no driver for.

dbt imports every top-level module whose name starts with `dbt_` and takes its `plugins`. This one
wraps `clickhouse_connect.get_client`: a host of the form `chdb:PATH` (see profiles.example.yml)
opens PATH in this process, any other host goes to a server as before. To be deleted when
dbt-clickhouse has `driver: chdb` (its pull request 693).
"""

import functools
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ProgrammingError
from dbt.plugins.manager import dbtPlugin
from dbt_common.exceptions import DbtRuntimeError

from embedded import use_known_zone

PREFIX = "chdb:"
_get_client = clickhouse_connect.get_client


@functools.wraps(_get_client)
def get_client(*, host: str = "", settings: Any = None, **kwargs: Any) -> Client:
    """Open PATH when host is `chdb:PATH`, where port, user, TLS and timeouts mean nothing."""
    if not host.startswith(PREFIX):
        return _get_client(host=host, settings=settings, **kwargs)
    path = Path(host.removeprefix(PREFIX)).absolute()
    if not str(path).isprintable():
        # a .env with the line ends of Windows: it would be a new and empty database
        raise DbtRuntimeError("CLICKHOUSE_PATH has control characters in it: is .env of Windows?")
    use_known_zone()
    try:
        return _get_client(interface="chdb", path=str(path), settings=settings, query_limit=0)
    except ProgrammingError as error:
        raise DbtRuntimeError(
            f"Cannot open the embedded ClickHouse in {path}. It is in use by another process"
            " (extract or another dbt running?), or cannot be written to: one process at a time"
            " may hold it."
        ) from error


class Embedded(dbtPlugin):
    """Nothing to hook into: importing this module was enough."""

    def initialize(self) -> None:
        """Put the wrapper in place."""
        clickhouse_connect.get_client = get_client  # type: ignore[assignment]


plugins = [Embedded]
