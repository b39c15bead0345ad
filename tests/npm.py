"""Files of npm packages, for tests that need what only npm has: fetched once, checked, and kept.

They are kept in `$XDG_CACHE_HOME/zakaz`.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_FETCH_SECONDS = 900


class FetchError(Exception):
    """The file cannot be had. It fails the tests: a skipped test proves nothing."""


def fetched(package: str, version: str, sha512: str, file: str) -> Path:
    """Return the path of a package's file, fetched if it is not in the cache yet.

    `sha512` is npm's own figure: `npm view PACKAGE@VERSION dist.integrity`. Raises FetchError.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zakaz"
    found = cache / f"{package.replace('/', '-').removeprefix('@')}-{version}" / file
    if not found.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "fetch.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not found.exists():
                _fetch(f"{package}@{version}", sha512, found)
    return found


def _fetch(package: str, sha512: str, destination: Path) -> None:
    """Get the package and put its file where it belongs, whole or not at all."""
    npm = shutil.which("npm") or shutil.which("npm", path=Path(sys.executable).parent)
    if not npm:
        raise FetchError("npm, which fetches it, is missing: apt-get install npm")
    with tempfile.TemporaryDirectory(dir=destination.parent.parent) as name:
        workplace = Path(name)
        command = [npm, "pack", "--silent", "--pack-destination", name, package]
        try:
            packed = subprocess.run(
                command,
                cwd=name,
                capture_output=True,
                text=True,
                check=False,
                timeout=_FETCH_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise FetchError(f"{' '.join(command)}: over {_FETCH_SECONDS} seconds") from None
        tarballs = list(workplace.glob("*.tgz"))
        if packed.returncode or len(tarballs) != 1:
            raise FetchError(f"{' '.join(command)}: {packed.stdout}{packed.stderr}")
        with tarballs[0].open("rb") as tarball:
            found = base64.b64encode(hashlib.file_digest(tarball, "sha512").digest()).decode()
        if found != sha512:
            raise FetchError(f"{package} is not what it was: sha512 {found}")
        unpacked = workplace / "unpacked"
        unpacked.mkdir()
        with tarfile.open(tarballs[0]) as archive, (unpacked / destination.name).open("wb") as to:
            source = archive.extractfile(f"package/{destination.name}")
            if source is None:
                raise FetchError(f"{package} has no {destination.name}.")
            shutil.copyfileobj(source, to, 1 << 20)
        unpacked.rename(destination.parent)
