"""Look for passwords and tokens in the files of the repository and in all of its history.

Leaves with 1 when it finds one that .ci/known-secrets does not explain. Run by `make audit`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parent.parent

KNOWN = {line.split()[0] for line in (ROOT / ".ci" / "known-secrets").read_text().splitlines()}


def git(*args: str) -> bytes:
    """Return what git says."""
    return subprocess.run(["git", *args], cwd=ROOT, check=True, capture_output=True).stdout


def versions() -> Iterator[tuple[str, str, bytes]]:
    """Yield each file as it is, and each version of it ever committed: path, blob, content."""
    for path in git("ls-files", "-z").decode().split("\0"):
        if (ROOT / path).is_file():
            yield path, "", (ROOT / path).read_bytes()
    history = git(
        "log", "--all", "--raw", "--no-renames", "--no-abbrev", "--format=", "-m", "--root"
    )
    changes = (line.split("\t") for line in history.decode().splitlines())
    # ":100644 100644 before after M", where a file that was deleted is all 0 afterwards
    for path, blob in sorted({(path, change.split()[3]) for change, path in changes}):
        if set(blob) != {"0"}:
            yield path, blob, git("cat-file", "blob", blob)


def main() -> int:
    """Print what looks like a secret and is not known: in which file, and of which version."""
    unknown: set[str] = set()
    seen = 0
    with tempfile.TemporaryDirectory() as name, default_settings():
        for path, blob, content in versions():
            seen += 1
            copy = Path(name) / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            secrets = SecretsCollection(root=name)
            secrets.scan_file(path)
            for _, secret in secrets:
                if secret.secret_hash not in KNOWN | unknown:
                    unknown.add(secret.secret_hash)
                    where = f"{path}:{secret.line_number}{blob and f' of blob {blob}'}"
                    print(f"{where}: {secret.type}, hash {secret.secret_hash}")
    print(f"{seen} versions of files, {len(unknown)} unknown secrets")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
