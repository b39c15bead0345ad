"""How much slower is it to land every order, verified, than to read the same pages and drop them?

    python -m benchmarks.drain                         126,213 orders, no latency, 1 connection
    python -m benchmarks.drain --latency 0.1 --connections 8
    python -m benchmarks.drain --orders 1000000 --memory-only

The baseline is plain httpx reading the same pages by number from the same server, one process, as
many connections. Each command is a process of its own; wall seconds and peak memory are the whole
process's. Baseline and extract run in turn, and the ratio is that of each pair.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.clickhouse_server import ClickHouseServer
from tests.qtickets_api import in_own_process
from tests.zakaz import ROOT, clean_env

PER_PAGE = 50
CONNECTIONS = 4  # the extractor's default


@dataclass(frozen=True)
class Cost:
    """Wall seconds and peak memory (MB) of one process."""

    seconds: float
    megabytes: float


def measured(command: list[str], env: dict[str, str]) -> Cost:
    """Run a command to its end; raise when it fails."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} left with {process.returncode}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def drain(url: str, token: str, orders: int, connections: int) -> None:
    """Read all pages with plain httpx and throw them away."""
    pages = range(1, -(-orders // PER_PAGE) + 1)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:

        def page(number: int) -> int:
            response = client.get("/orders", params={"page": number})
            return len(response.raise_for_status().content)

        if connections == 1:
            read = sum(map(page, pages))
        else:
            with ThreadPoolExecutor(connections) as pool:
                read = sum(pool.map(page, pages))
    if read < orders * 1000:
        raise SystemExit("the drain read less than there is")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drain", description=__doc__)
    parser.add_argument("--orders", type=int, default=126_213)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer")
    parser.add_argument("--connections", type=int, default=1, help="of the drain")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true", help="no baseline")
    parser.add_argument("--drain", nargs=2, metavar=("URL", "TOKEN"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.drain:
        drain(*args.drain, args.orders, args.connections)
        return

    side_by_side = max(args.connections, CONNECTIONS)
    print(f"{args.orders:,} orders of 3.8 KB, {args.latency * 1000:.0f} ms latency")
    print(f"drain: {args.connections} connections; extract: {side_by_side}")
    ratios = []
    serve = ["--uniform", str(args.orders), "--latency", str(args.latency)]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with in_own_process(*serve) as settings:
            read = [sys.executable, "-m", "benchmarks.drain", "--orders", str(args.orders)]
            read += ["--connections", str(args.connections), "--drain", *settings.values()]
            for number in range(args.runs):
                base = None if args.memory_only else measured(read, clean_env())
                with ClickHouseServer(directory / f"clickhouse{number}") as clickhouse:
                    env = clean_env() | settings | clickhouse.env()
                    env["EXTRACT_CONNECTIONS"] = str(side_by_side)
                    ours = measured([sys.executable, "-m", "extract", "orders"], env)
                    rows = "select count() from zakaz.stg_qtickets_api_orders_raw final"
                    landed = clickhouse.query(rows)[0][0]
                if landed != args.orders:
                    raise SystemExit(f"{landed} landed of {args.orders}")
                line = f"extract {ours.seconds:6.1f} s, {ours.megabytes:5.0f} MB"
                if base:
                    ratios.append(ours.seconds / base.seconds)
                    line = f"drain {base.seconds:6.1f} s; {line}; ratio {ratios[-1]:.2f}"
                print(line, flush=True)
    if ratios:
        print(f"ratio, median of {len(ratios)}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
