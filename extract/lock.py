"""One run at a time on a database, as far as this machine can tell."""

from __future__ import annotations

import fcntl
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extract.errors import Locked
from extract.settings import Settings


def lock_file(settings: Settings) -> Path:
    """Return the file whose lock stands for the database of these settings."""
    if settings.clickhouse_host is None:
        path = settings.clickhouse_path.absolute()
        return path.with_name(f"{path.name}.lock")
    place = f"{settings.clickhouse_place}/{settings.clickhouse_database}"
    name = hashlib.sha256(place.encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"zakaz-{name}.lock"


@contextmanager
def only_run(settings: Settings) -> Iterator[None]:
    """Hold the lock while inside. Raises Locked at once when another run holds it.

    The system lets go of the lock when its holder dies, however it dies.
    """
    path = lock_file(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise Locked(f"The lock file {path} cannot be opened: {error.strerror}.") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                f"Another run is at work on {settings.clickhouse_place}. "
                "Nothing was done; it goes on by itself."
            ) from None
        yield
