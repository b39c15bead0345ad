"""One run at a time on a database, as far as this machine can tell."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from extract.errors import Locked, SettingsError
from extract.settings import Settings

# where every user and every service may make a file: systemd's PrivateTmp hides /tmp, not this
_SHARED = Path("/run/lock")


def lock_file(settings: Settings) -> Path:
    """Return the file whose lock stands for the database of these settings.

    Of the embedded database it lies beside its directory. Of a server it is in /run/lock, so that a
    run by hand and the timer's see each other; in the temp folder where nothing can be made there.
    """
    if settings.clickhouse_host is None:
        path = settings.clickhouse_path.absolute()
        return path.with_name(f"{path.name}.lock")
    place = f"{settings.clickhouse_place}/{settings.clickhouse_database}"
    name = hashlib.sha256(place.encode()).hexdigest()[:12]
    path = _SHARED / f"zakaz-{name}.lock"
    seen = path.exists() or os.access(_SHARED, os.W_OK)
    return path if seen else Path(tempfile.gettempdir()) / path.name


@contextmanager
def only_run(settings: Settings) -> Iterator[None]:
    """Hold the lock while inside.

    Raises Locked at once when another run holds it, SettingsError when its file cannot be opened.
    The system lets go of the lock when its holder dies, however it dies.
    """
    path = lock_file(settings)
    handle: int | None = None
    try:
        try:
            handle = _open(path)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                f"Another run is at work on {settings.clickhouse_place}. "
                "Nothing was done; it goes on by itself."
            ) from None
        except OSError as error:
            fault = f"The lock file {path} cannot be opened: {error.strerror}."
            raise SettingsError(fault) from None
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _open(path: Path) -> int:
    """Open the file so that it does not matter who made it: to lock it, reading is enough."""
    # nothing to wait for, whatever is there
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with suppress(FileNotFoundError):
        return os.open(path, flags)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, flags | os.O_CREAT, 0o644)
    with suppress(PermissionError):  # another user was faster
        os.fchmod(handle, 0o644)  # whatever our umask is
    return handle
