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
from collections.abc import Callable
from pathlib import Path, PurePosixPath

_FETCH_SECONDS = 900


class FetchError(Exception):
    """The files cannot be had. It fails the tests: a skipped test proves nothing."""


def fetched(
    package: str,
    version: str,
    sha512: str,
    *files: str,
    prepare: Callable[[Path], None] | None = None,
) -> Path:
    """Return a directory with these files of a package, fetched if the cache has none yet.

    `sha512` is npm's own figure: `npm view PACKAGE@VERSION dist.integrity`. `prepare` gets the
    directory once, before anybody else sees it. Raises FetchError.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zakaz"
    found = cache / f"{package.replace('/', '-').removeprefix('@')}-{version}"
    if not found.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "fetch.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not found.exists():
                with tempfile.TemporaryDirectory(dir=cache) as name:
                    tarball = _pack(f"{package}@{version}", sha512, Path(name))
                    unpacked = Path(name) / "unpacked"
                    unpacked.mkdir()
                    _take(tarball, files, unpacked)
                    if prepare:
                        prepare(unpacked)
                    unpacked.rename(found)
    return found


def _pack(package: str, sha512: str, directory: Path) -> Path:
    """Get the package's tarball, and see that it is the one that is meant."""
    npm = shutil.which("npm") or shutil.which("npm", path=Path(sys.executable).parent)
    if not npm:
        raise FetchError(f"npm, which fetches {package}, is missing; `make test` brings one")
    command = [npm, "pack", "--silent", "--pack-destination", str(directory), package]
    try:
        packed = subprocess.run(
            command,
            cwd=directory,
            # npm is a script of node, which stands beside it
            env={**os.environ, "PATH": f"{Path(npm).parent}:{os.environ.get('PATH', '')}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{' '.join(command)}: over {_FETCH_SECONDS} seconds") from None
    tarballs = list(directory.glob("*.tgz"))
    if packed.returncode or len(tarballs) != 1:
        raise FetchError(f"{' '.join(command)}: {packed.stdout}{packed.stderr}")
    with tarballs[0].open("rb") as tarball:
        found = base64.b64encode(hashlib.file_digest(tarball, "sha512").digest()).decode()
    if found != sha512:
        raise FetchError(f"{package} is not what it was: sha512 {found}")
    return tarballs[0]


def _take(tarball: Path, files: tuple[str, ...], directory: Path) -> None:
    with tarfile.open(tarball) as archive:
        for file in files:
            with (directory / PurePosixPath(file).name).open("wb") as to:
                source = archive.extractfile(f"package/{file}")
                if source is None:
                    raise FetchError(f"{tarball.name} has no {file}.")
                shutil.copyfileobj(source, to, 1 << 20)
