"""How much slower is it to land every order, verified, than to read the same pages and drop them?

    python -m benchmarks.drain                         126,213 orders, no latency, 1 connection
    python -m benchmarks.drain --latency 0.1 --connections 8
    python -m benchmarks.drain --orders 1000000 --memory-only

The baseline is plain httpx reading the same pages by number from the same server, one process, as
many connections. Each command is a process of its own; wall seconds and peak memory are the whole
process's. Baseline and extract run in turn, and the ratio is that of each pair.

The server is here too, since it must not be what is measured: it has the orders rendered before it
is asked (up to 200,000), and knows no more of the API than these two ask of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from benchmarks.measured import measured
from tests.clickhouse_server import ClickHouseServer
from tests.qtickets_sample import Uniform
from tests.zakaz import ROOT, clean_env

PER_PAGE = 50
CONNECTIONS = 4  # the extractor's default


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


class Orders:
    """Answers GET /orders: by `id > lo`, `id <= hi` and order, or by the number of the page."""

    def __init__(self, count: int, latency: float) -> None:
        rows = Uniform(count, datetime.now(UTC))
        self._ids, self._latency = rows.ids, latency
        self._body = rows.body
        if count <= 200_000:
            self._body = {id_: rows.body(id_) for id_ in rows.ids}.__getitem__

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lower = head.lower()
                _, _, length = lower.partition(b"content-length: ")
                sent = await reader.readexactly(int(length.split(b"\r\n")[0])) if length else b"{}"
                await asyncio.sleep(self._latency)
                body = self._page(head.split()[1].decode(), json.loads(sent))
                date = format_datetime(datetime.now(UTC), usegmt=True)
                writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\n".encode())
                writer.write(b"Content-Type: application/json\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _page(self, url: str, params: dict[str, Any]) -> bytes:
        number = int(parse_qs(urlsplit(url).query).get("page", ["1"])[0])
        ids, step = self._ids, self._ids.step
        for each in params.get("where", ()):
            # how many ids are not above the value
            below = min(max(0, (each["value"] - self._ids.start) // step + 1), len(self._ids))
            bound = self._ids.start + below * step
            ids = (
                range(max(ids.start, bound), ids.stop, step)
                if each["operator"] == ">"
                else range(ids.start, min(ids.stop, bound), step)
            )
        total = len(ids)
        ids = ids[::-1] if params.get("orderBy", {}).get("id") == "desc" else ids
        rows = b",".join(map(self._body, ids[(number - 1) * PER_PAGE : number * PER_PAGE]))
        paging = {"perPage": PER_PAGE, "currentPage": number, "total": total}
        return b'{"data":[' + rows + b'],"paging":' + json.dumps(paging).encode() + b"}"


async def serve(count: int, latency: float) -> None:
    """Serve on a free port, told on stdout, until killed."""
    server = await asyncio.start_server(Orders(count, latency).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served(count: int, latency: float) -> Iterator[dict[str, str]]:
    """Serve from a process of its own; yield the settings to use."""
    command = [sys.executable, "-m", "benchmarks.drain", "--serve"]
    command += ["--orders", str(count), "--latency", str(latency)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        yield {"QTICKETS_BASE_URL": f"http://127.0.0.1:{port}", "QTICKETS_API_TOKEN": "token"}
        server.kill()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drain", description=__doc__)
    parser.add_argument("--orders", type=int, default=126_213)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds an answer")
    parser.add_argument("--connections", type=int, default=1, help="of the drain")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true", help="no baseline")
    parser.add_argument("--drain", nargs=2, metavar=("URL", "TOKEN"), help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.orders, args.latency))
    if args.drain:
        drain(*args.drain, args.orders, args.connections)
        return

    side_by_side = max(args.connections, CONNECTIONS)
    print(f"{args.orders:,} orders of 3.8 KB, {args.latency * 1000:.0f} ms latency")
    print(f"drain: {args.connections} connections; extract: {side_by_side}")
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with served(args.orders, args.latency) as settings:
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
                line = (
                    f"extract {ours.seconds:6.1f} s ({ours.cpu:.1f} CPU), {ours.megabytes:.0f} MB"
                )
                if base:
                    ratios.append(ours.seconds / base.seconds)
                    line = f"drain {base.seconds:6.1f} s ({base.cpu:.1f} CPU); {line}"
                    line += f"; ratio {ratios[-1]:.2f}"
                print(line, flush=True)
    if ratios:
        print(f"ratio, median of {len(ratios)}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
