"""What one more organiser costs: processor time of a run, memory, disk and tables on one server.

Sample organisers, one after the other, as the template units run them: a first run, then quiet ones
in which nothing is new. Seconds are of the processor, not of the clock, and of this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measured import measured
from tests.clickhouse_server import ClickHouseServer
from tests.qtickets_api import in_own_process
from tests.zakaz import Place

# whole processes, from the start of an interpreter, as cron has them
COMMANDS = {
    "extract": [sys.executable, "-m", "extract"],
    "build": [
        str(Path(sys.executable).parent / "dbt"),
        *("--quiet", "build", "--exclude-resource-type", "unit_test"),
    ],
    "alerts": [sys.executable, "-m", "notify", "alerts", "--dry-run"],
    "digest": [sys.executable, "-m", "notify", "digest", "--dry-run"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organisers", type=int, default=3)
    parser.add_argument("--quiet-runs", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, in_own_process() as api:
        directory = Path(name)
        with ClickHouseServer(directory / "server", own=True) as server:
            measure(directory, server, api, args.organisers, args.quiet_runs)


def measure(
    directory: Path, server: ClickHouseServer, api: dict[str, str], count: int, quiet: int
) -> None:
    spent: dict[str, list[float]] = {}
    most = 0.0

    for number in range(count):
        home = directory / f"organiser{number}"
        home.mkdir()
        place = Place(home, server=server, database=f"zakaz_{number}", settings=dict(api))
        for round_ in range(1 + quiet):
            kind = "quiet" if round_ else "first"
            before = _of_server(server)
            for step, command in COMMANDS.items():
                cost = measured(command, place.dbt_env())
                spent.setdefault(f"{kind} {step}", []).append(cost.cpu)
                most = max(most, cost.megabytes)
            spent.setdefault(f"{kind} in ClickHouse", []).append(_of_server(server) - before)
        print(f"{number + 1} organisers: {_state(server)}", flush=True)
    for name, seconds in spent.items():
        print(f"{name:<20} {sum(seconds) / len(seconds):6.1f} s of processor time")
    print(f"largest process      {most:6.0f} MB")


def _of_server(server: ClickHouseServer) -> float:
    (seconds,) = server.query(
        "select sumIf(value, event = 'OSCPUVirtualTimeMicroseconds') / 1e6 from system.events"
    )[0]
    return float(seconds)


def _state(server: ClickHouseServer) -> str:
    rows: Any = server.query(
        "select formatReadableSize(sum(bytes_on_disk)), uniqExact(database, table), count()"
        " from system.parts where active and startsWith(database, 'zakaz_')"
    )
    status = Path(f"/proc/{server._process.pid}/status").read_text()  # type: ignore[union-attr]
    memory = int(status.split("VmRSS:")[1].split()[0]) // 1024
    disk, tables, parts = rows[0]
    return f"{disk} on disk, {tables} tables, {parts} parts, the server has {memory} MB of memory"


if __name__ == "__main__":
    main()
