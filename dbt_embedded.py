"""Lets dbt use the embedded ClickHouse (chDB), which dbt-clickhouse 1.10 has no driver for.

And lets a seed that cannot be read, as Excel may save it, stop itself and nothing else.

dbt imports every top-level module whose name starts with `dbt_` and takes its `plugins`. This one
wraps `clickhouse_connect.get_client`: a host of the form `chdb:PATH` (see profiles.example.yml)
opens PATH in this process, any other host goes to a server as before. To be deleted when
dbt-clickhouse has `driver: chdb` (its pull request 693).
"""

import csv
import functools
import io
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ProgrammingError
from dbt.artifacts.resources.base import FileHash
from dbt.contracts.files import FilePath, ParseFileType, SourceFile
from dbt.parser import read_files
from dbt.plugins.manager import dbtPlugin
from dbt_common.exceptions import DbtRuntimeError

from clickhouse import use_known_zone

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


def load_seed_source_file(match: FilePath, project_name: str) -> SourceFile:
    """Take what is wrong with a seed for its checksum, and let the node of that seed say so.

    dbt would stop before anything is built, with a traceback that names no file. And it takes no
    checksum of a large one, so that nobody could tell whether it changed.
    """
    source_file = SourceFile.big_seed(match)
    source_file.parse_file_type = ParseFileType.Seed
    source_file.project_name = project_name
    try:
        source_file.checksum = FileHash.from_contents(_read_table(Path(match.absolute_path)))
    except ValueError as error:
        source_file.checksum = FileHash("unreadable", str(error))
    return source_file


def _read_table(path: Path) -> str:
    """Return the text of a CSV file in which no line has more values than the first.

    Raises:
        ValueError: what is wrong with it, to be read behind the file's name.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lines = csv.reader(io.StringIO(text, newline=""))
        width = len(next(lines, []))
        for line in lines:
            if len(line) > width:
                raise ValueError(
                    f"line {lines.line_num} has {len(line)} values and the first {width}:"
                    " a value with a comma in it stands in double quotes."
                )
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValueError('is not UTF-8: save it as "CSV UTF-8".') from error
    except csv.Error as error:
        raise ValueError(f"is no CSV: {error}, in line {lines.line_num}.") from error
    return text


class Embedded(dbtPlugin):
    """Nothing to hook into: importing this module was enough."""

    def initialize(self) -> None:
        """Put the wrappers in place."""
        clickhouse_connect.get_client = get_client  # type: ignore[assignment]
        read_files.load_seed_source_file = load_seed_source_file


plugins = [Embedded]
