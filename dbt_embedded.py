"""Lets dbt use the embedded ClickHouse (chDB), which dbt-clickhouse 1.10 has no driver for.

And lets it read a project with a seed that is no UTF-8: a plan saved by Excel stops the plan.

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
from dbt.contracts.files import FilePath, ParseFileType, SourceFile
from dbt.parser import read_files
from dbt.plugins.manager import dbtPlugin
from dbt_common.exceptions import DbtRuntimeError

from clickhouse import use_known_zone

PREFIX = "chdb:"
_get_client = clickhouse_connect.get_client
_load_seed_source_file = read_files.load_seed_source_file


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


@functools.wraps(_load_seed_source_file)
def load_seed_source_file(match: FilePath, project_name: str) -> SourceFile:
    """Take a seed that cannot be read for one too large to look at: its own node fails then.

    dbt would stop before anything is built, with a traceback that names no file.
    """
    try:
        return _load_seed_source_file(match, project_name)
    except (OSError, UnicodeDecodeError):
        source_file = SourceFile.big_seed(match)
        source_file.parse_file_type = ParseFileType.Seed
        source_file.project_name = project_name
        return source_file


class Embedded(dbtPlugin):
    """Nothing to hook into: importing this module was enough."""

    def initialize(self) -> None:
        """Put the wrappers in place."""
        clickhouse_connect.get_client = get_client  # type: ignore[assignment]
        read_files.load_seed_source_file = load_seed_source_file


plugins = [Embedded]
