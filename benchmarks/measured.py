"""What a command costs that runs in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds and peak memory (MB) of one process."""

    seconds: float
    cpu: float
    megabytes: float


def measured(command: list[str], env: dict[str, str], output: Path | None = None) -> Cost:
    """Run a command to its end, its output in a file or nowhere; exit when it fails.

    A process begins with the most memory that its parent ever had, and a benchmark may have had
    a ClickHouse in it: so this module, as a program, starts the command.
    """
    with tempfile.NamedTemporaryFile() as used, (output or Path("/dev/null")).open("w") as to:
        starter = [sys.executable, "-m", "benchmarks.measured", used.name]
        stderr = to if output else None
        code = subprocess.call([*starter, *command], cwd=ROOT, env=env, stdout=to, stderr=stderr)
        if code:
            raise SystemExit(output.read_text() if output else f"{command} left with {code}")
        return Cost(*json.load(used))


def _start(used: str, *command: str) -> int:
    began = time.monotonic()
    code = subprocess.call(command)
    seconds = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = [seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]
    Path(used).write_text(json.dumps(cost))
    return code


if __name__ == "__main__":
    sys.exit(_start(*sys.argv[1:]))
