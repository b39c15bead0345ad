"""An HTTP server that speaks the QTickets REST API over a synthetic organiser, faults included.

    with QTicketsServer(Organiser.sample(seed=1)) as server:
        server.faults.script(["error_503", "cut_body"], path="/orders")
        httpx.get(f"{server.url}/orders", headers={"Authorization": f"Bearer {server.token}"})

In a process of its own: `python -m tests.qtickets_api --help`.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from tests.qtickets_organiser import Condition, Organiser, Query, Shelf
from tests.qtickets_sample import MOSCOW, Row, dumps

BASE = "/api/rest/v1"
TOKEN = "synthetic-organiser-token"
PER_PAGE = {"orders": 50, "events": 10, "discounts": 100, "promo-codes": 500}
HTML = b"<html><head><title>%s</title></head><body><h1>%s</h1><hr>nginx</body></html>"


# --- faults -------------------------------------------------------------------------------------


@dataclass
class Faults:
    """What goes wrong: the chance per request of each fault, 0 to 1, and scripts of exact faults.

    Faults that change the rows (`empty_page` to `mutate`) may fall together, of the others one
    request meets at most one.
    """

    error_503: float = 0  # the documented JSON
    html_502: float = 0
    too_many_429: float = 0  # without Retry-After
    too_many_429_seconds: float = 0  # Retry-After: seconds
    too_many_429_date: float = 0  # Retry-After: an HTTP date by the server's clock
    reset: float = 0  # TCP reset, nothing sent
    hang_up: float = 0  # closed in order, nothing sent
    cut_body: float = 0  # half the body, then closed: less than Content-Length says
    truncated_body: float = 0  # half the body (or of its gzip), and Content-Length agrees
    slow_body: float = 0  # in eight parts, `slow_gap` seconds before each
    html_200: float = 0
    json_without_data: float = 0
    redirect: float = 0  # 302 to `redirect_to`

    empty_page: float = 0  # no rows, but the right paging
    short_page: float = 0  # rows missing, but the right paging
    ignore_body: float = 0  # as if the request had no body
    ignore_filters: float = 0  # no where and no orderBy in either encoding
    ignore_page: float = 0  # always page 1
    duplicate_page: float = 0  # the rows of the page before, with the right paging
    mutate: float = 0  # the organiser changes before the answer

    paths: tuple[str, ...] = ()  # chances hold for these paths, "/orders"; none: for all
    outage: set[str] = field(default_factory=set)  # always 503 for these paths
    seed: int = 0
    slow_gap: float = 0.05  # seconds
    retry_after: int = 1  # seconds
    redirect_to: str = "https://elsewhere.example.org/login"

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/faults")
        self._script: deque[tuple[str | None, frozenset[str]]] = deque()

    @classmethod
    def random(cls, seed: int) -> Self:
        """A nasty mixture that still lets a patient reader through; no outage, no redirect.

        A way of asking may be lost for good (bodies, or filters, or pages), never all of them.
        """
        rng = Random(f"{seed}/mixture")
        passing = [n for n in CONNECTION_FAULTS if n != "redirect"]
        passing += ["empty_page", "short_page", "duplicate_page"]
        chosen = rng.sample(passing, rng.randint(2, 6))
        rates: dict[str, Any] = {name: rng.uniform(0.01, 0.08) for name in chosen}
        lost = rng.choice((None, None, None, *LOST_WAYS))
        if lost:
            rates[lost] = rng.choice((0.05, 0.3, 1.0))
        return cls(**rates, mutate=rng.choice((0, 0.1, 0.5)), seed=seed, slow_gap=0.01)

    def script(self, faults: Iterable[str | None], path: str | None = None) -> None:
        """The next requests for `path` (any, when None) meet exactly these; None is no fault."""
        for name in faults:
            if name is not None and name not in (*CONNECTION_FAULTS, *ROW_FAULTS):
                raise ValueError(f"no such fault: {name}")
            self._script.append((path, frozenset([name] if name else [])))

    def clear(self) -> None:
        """Heal: no chances, no script, no outage; the other settings stay."""
        for name in (*CONNECTION_FAULTS, *ROW_FAULTS):
            setattr(self, name, 0)
        self.outage.clear()
        self._script.clear()

    def draw(self, path: str) -> frozenset[str]:
        """The faults that the next request for this path meets."""
        if any(_under(path, prefix) for prefix in self.outage):
            return frozenset(["error_503"])
        # Over a copy: a test may add to the script from its own thread.
        for place, (prefix, scripted) in enumerate(list(self._script)):
            if prefix is None or _under(path, prefix):
                del self._script[place]
                return scripted
        if self.paths and not any(_under(path, prefix) for prefix in self.paths):
            return frozenset()

        def falls(name: str) -> bool:
            rate: float = getattr(self, name)
            return rate > 0 and self._random.random() < rate

        drawn = [name for name in CONNECTION_FAULTS if falls(name)]
        return frozenset(drawn[:1] + [name for name in ROW_FAULTS if falls(name)])


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


_RATES = [f.name for f in fields(Faults) if f.type == "float" and f.name != "slow_gap"]
ROW_FAULTS = tuple(_RATES[_RATES.index("empty_page") :])
CONNECTION_FAULTS = tuple(_RATES[: _RATES.index("empty_page")])
LOST_WAYS = ("ignore_body", "ignore_filters", "ignore_page")


# --- requests -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """One request as the server saw it; `status` 0 until, and unless, an answer began."""

    method: str
    path: str  # after /api/rest/v1
    page: int
    where: list[Row]
    order_by: dict[str, str]
    encoding: str | None  # body, query, or None when it asked for nothing
    cache_control: str | None = None  # what it said to caches on the way
    fault: str | None = None  # several are joined by +
    status: int = 0


def _asked(body: bytes, request: Request) -> tuple[dict[str, Any], str | None]:
    """What the request asks for, from its body and its query (the body wins), and where it was."""
    names = ("where", "orderBy", "page", "select", "flat")
    query: dict[str, Any] = {}
    for name in names:
        if name in request.query_params:
            try:
                query[name] = json.loads(request.query_params[name])
            except ValueError:
                continue
    try:
        parsed = json.loads(body) if body else {}
    except ValueError:
        parsed = {}
    inside = {n: parsed[n] for n in names if n in parsed} if isinstance(parsed, dict) else {}
    return {**query, **inside}, "body" if inside else "query" if query else None


def _query(asked: dict[str, Any], faults: frozenset[str], newest_first: bool) -> Query:
    where, order = asked.get("where"), asked.get("orderBy")
    if "ignore_filters" in faults:
        where = order = None
    page: Any = 1 if "ignore_page" in faults else asked.get("page")
    conditions = [Condition.parse(raw) for raw in where] if isinstance(where, list) else []
    pairs = order.items() if isinstance(order, dict) else []
    return Query(
        tuple(condition for condition in conditions if condition),
        tuple((c, str(way).lower() == "desc") for c, way in pairs) or (("id", newest_first),),
        max(int(page), 1) if str(page).isdecimal() else 1,
    )


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def render(rows: Iterable[bytes], per_page: int, page: int, total: int) -> bytes:
    """A page of a list as JSON; every list is written here."""
    paging = {"perPage": per_page, "currentPage": page, "total": total}
    return b'{"data":[' + b",".join(rows) + b'],"paging":' + dumps(paging) + b"}"


def _error(status: int, message: str, code: str, info: Any = ()) -> Response:
    row = {"error": message, "status": status, "code": code, "info": info or []}
    return _json(dumps(row), status)


def _html(status: int, title: str) -> Response:
    text = f"{status} {title}".encode()
    return Response(HTML % (text, text), status, media_type="text/html")


def _not_found(resource: str, row_id: Any) -> Response:
    message = f'Resource "{resource}" not found'
    return _error(404, message, "RESOURCE_NOT_FOUND", {"resource": resource, "id": row_id})


# --- the server ---------------------------------------------------------------------------------


class QTicketsServer:
    """The API on loopback, in a thread of its own, while the context lasts.

    `latency` is seconds added to every answer, awaited, so that requests side by side overlap.
    `per_page` overrides page sizes by resource. Without `orderBy` lists come newest first, or
    oldest first. `forbidden` are paths that the token may not read. `requests` holds all that was
    asked, in order of arrival.
    """

    def __init__(
        self,
        organiser: Organiser,
        token: str = TOKEN,
        *,
        faults: Faults | None = None,
        latency: float = 0.0,
        per_page: dict[str, int] | None = None,
        newest_first: bool = True,
        compress: bool = True,
        port: int = 0,
    ) -> None:
        self.organiser = organiser
        self.token = token
        self.faults = faults or Faults()
        self.latency = latency
        self.forbidden: set[str] = set()  # paths that this token may not read
        self.requests: list[Seen] = []
        self.compress = compress
        self._newest_first = newest_first
        self._per_page = PER_PAGE | (per_page or {})
        self._last_page: dict[str, list[bytes]] = {}
        self._mutations = Random(f"{self.faults.seed}/mutations")
        self._app = self._routes()
        # With the protocol named asyncio sets TCP_NODELAY; without, every answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        #: The base URL, as a client is given it.
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{BASE}"
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                self._serve,
                loop="asyncio",
                interface="asgi3",
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=60,
            )
        )
        self._thread = threading.Thread(target=self._run, name="qtickets-api", daemon=True)

    @property
    def non_get(self) -> int:
        """How many requests were not GET: a reader of this API must leave this at 0."""
        return sum(seen.method != "GET" for seen in self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._uvicorn.started:
            if not self._thread.is_alive():
                raise RuntimeError("the API server did not start")
            time.sleep(0.002)
        return self

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        # Not waiting for clients that keep connections, or slow bodies, open.
        self._uvicorn.force_exit = True
        self._thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        self._uvicorn.run(sockets=[self._socket])

    # --- what every request goes through

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Parse and record the request, let faults fall, and pass what is left to the routes."""
        request = Request(scope, receive)
        path = scope["path"].removeprefix(BASE)
        faults = self.faults.draw(path)
        body = await request.body()
        asked, encoding = _asked(body, request)
        page, where, order = asked.get("page", 1), asked.get("where", []), asked.get("orderBy", {})
        fault = "+".join(sorted(faults)) or None
        cache = request.headers.get("cache-control")
        seen = Seen(scope["method"], path, page, where, order, encoding, cache, fault)
        self.requests.append(seen)
        if self.latency:
            await asyncio.sleep(self.latency)
        if "mutate" in faults:
            self.organiser.mutate(self._mutations)
        if "ignore_body" in faults:
            asked, _ = _asked(b"", request)
        scope["qtickets"] = (asked, faults)

        if faults & {"reset", "hang_up"}:
            await _close(send, reset="reset" in faults)
            return
        zipped = self.compress and "gzip" in request.headers.get("accept-encoding", "")
        sender = _Sender(self, seen, faults, zipped, send)
        try:
            await (self._fault_response(faults) or self._app)(scope, receive, sender)
        except Exception:
            # Uvicorn's own log is off, since it complains of every answer that is cut on purpose.
            traceback.print_exc()
            raise

    def now(self) -> datetime:
        """What the server's `Date` says."""
        return self.organiser.clock() + timedelta(seconds=self.organiser.clock_skew)

    def http_date(self, ahead: float = 0) -> str:
        """An HTTP date, seconds ahead of the server's clock."""
        moment = self.now() + timedelta(seconds=ahead)
        return format_datetime(moment.astimezone(UTC), usegmt=True)

    def _fault_response(self, faults: frozenset[str]) -> Response | None:
        response: Response | None = None
        if "error_503" in faults:
            response = _error(503, "Unknown error", "UNKNOWN_ERROR")
        elif "html_502" in faults:
            response = _html(502, "Bad Gateway")
        elif "html_200" in faults:
            response = _html(200, "OK")
        elif "json_without_data" in faults:
            response = _json(b'{"status":"ok","paging":{"perPage":50,"currentPage":1,"total":0}}')
        elif "redirect" in faults:
            response = Response(b"", 302, {"Location": self.faults.redirect_to})
        elif any(name.startswith("too_many_429") for name in faults):
            response = _error(429, "Too many requests", "TOO_MANY_REQUESTS")
            if "too_many_429_seconds" in faults:
                response.headers["Retry-After"] = str(self.faults.retry_after)
            elif "too_many_429_date" in faults:
                response.headers["Retry-After"] = self.http_date(self.faults.retry_after)
        return response

    # --- routes

    def _routes(self) -> Starlette:
        async def no_path(request: Request, error: Exception) -> Response:
            return _html(404, "Not Found")

        async def no_method(request: Request, error: Exception) -> Response:
            return _error(405, "Method not allowed", "METHOD_NOT_ALLOWED")

        def route(path: str, answer: Callable[[Request], Response], method: str = "GET") -> Route:
            return Route(BASE + path, self._authorised(answer), methods=[method])

        app = Starlette(
            routes=[
                *(route(f"/{kind}", partial(self._list, kind)) for kind in PER_PAGE),
                *(
                    route(f"/{kind}/{{row_id:int}}", partial(self._single, kind))
                    for kind in PER_PAGE
                ),
                route("/orders", self._create_order, "POST"),
                route("/shows/{show_id:int}/seats", self._seats),
            ],
            exception_handlers={404: no_path, 405: no_method},
        )
        app.router.redirect_slashes = False
        return app

    def _authorised(
        self, answer: Callable[[Request], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            given = request.headers.get("authorization")
            if not given:
                return _error(401, "Unauthorized", "UNAUTHORIZED")
            path = request.url.path.removeprefix(BASE)
            if given != f"Bearer {self.token}" or path in self.forbidden:
                return _error(403, "Access denied", "ACCESS_DENIED")
            return answer(request)

        return checked

    def _shelf(self, kind: str) -> Shelf:
        shelf: Shelf = getattr(self.organiser, kind.replace("-", "_"))
        return shelf

    def _list(self, kind: str, request: Request) -> Response:
        asked, faults = request.scope["qtickets"]
        query = _query(asked, faults, self._newest_first)
        per_page = self._per_page[kind]
        with self.organiser.lock:
            shelf = self._shelf(kind)
            ids, total = shelf.page(query, per_page)
            rows = [shelf.body(row_id) for row_id in ids]
        before, self._last_page[kind] = self._last_page.get(kind, rows), rows
        if "duplicate_page" in faults:
            rows = before
        if "empty_page" in faults:
            rows = []
        if "short_page" in faults:
            # Every third row, so that gaps are in the middle and at the end.
            rows = [row for place, row in enumerate(rows, 1) if place % 3 and place != len(rows)]
        return _json(render(rows, per_page, query.page, total))

    def _single(self, kind: str, request: Request) -> Response:
        row_id = request.path_params["row_id"]
        with self.organiser.lock:
            shelf = self._shelf(kind)
            if row_id not in shelf:
                return _not_found(kind.removesuffix("s").title().replace("-", ""), row_id)
            return _json(b'{"data":' + shelf.body(row_id) + b"}")

    def _seats(self, request: Request) -> Response:
        show_id = request.path_params["show_id"]
        asked, faults = request.scope["qtickets"]
        seats = self.organiser.seats(show_id)
        if seats is None:
            return _not_found("Show", show_id)
        where = _query(asked, faults, newest_first=False).where
        found = {i: s for i, s in seats.items() if all(c.holds(s) for c in where)}
        if "empty_page" in faults:
            found = {}
        select = asked.get("select")
        if asked.get("flat") and not self.organiser.ignores_flat(show_id):
            wanted = select if isinstance(select, list) else ["id", "admission"]
            flat = {i: {name: s[name] for name in wanted if name in s} for i, s in found.items()}
            return _json(dumps({"data": flat or []}))
        zones: dict[str, Row] = {}
        for seat_id, seat in found.items():
            zone_id = seat["zone_id"]
            zone = zones.setdefault(zone_id, {"zone_id": zone_id, "name": zone_id, "seats": {}})
            entry = {"seat_id": seat_id, "admission": seat["admission"]}
            zone["seats"][seat_id.removeprefix(f"{zone_id}-")] = entry
        return _json(dumps({"data": zones or []}))

    def _create_order(self, request: Request) -> Response:
        order_id = self.organiser.new_order(payed=False)
        return _json(b'{"data":' + self.organiser.orders.body(order_id) + b"}", 201)


class _Sender:
    """Passes an answer on with nginx's headers, or spoils its body on the way."""

    def __init__(
        self, server: QTicketsServer, seen: Seen, faults: frozenset[str], zipped: bool, send: Send
    ) -> None:
        self._server, self._seen, self._faults = server, seen, faults
        self._zipped, self._send = zipped, send
        self._start: Message = {}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        body: bytes = message["body"]
        headers = dict(self._start["headers"])
        headers |= {b"server": b"nginx", b"date": self._server.http_date().encode()}
        headers[b"vary"] = b"Accept-Encoding"
        headers[b"cache-control"] = b"no-cache, private"
        if self._zipped and len(body) >= 500:
            # Starlette's own middleware may do this in a thread, which takes longer than the work.
            headers[b"content-encoding"] = b"gzip"
            body = gzip.compress(body, compresslevel=1)
        if "truncated_body" in self._faults:
            body = body[: len(body) // 2]
        headers[b"content-length"] = str(len(body)).encode()
        self._seen.status = self._start["status"]
        await self._send({**self._start, "headers": list(headers.items())})
        if "cut_body" in self._faults:
            # Uvicorn closes the connection when an application ends without ending its answer.
            await self._part(body[: len(body) // 2], more=True)
            return
        if "slow_body" in self._faults:
            size = max(1, len(body) // 8 + 1)
            for place in range(0, len(body), size):
                await asyncio.sleep(self._server.faults.slow_gap)
                await self._part(body[place : place + size], more=True)
            body = b""
        await self._part(body, more=False)

    async def _part(self, body: bytes, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


async def _close(send: Send, reset: bool) -> None:
    """Close the connection without a word; a reset is what a client sees as ECONNRESET."""
    # ASGI has no word for this: `send` is a method of uvicorn's cycle, which has the transport.
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    if reset:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    # Let the loop tell uvicorn that the client is gone, or it would answer 500 to nobody.
    await asyncio.sleep(0.001)


# --- in a process of its own --------------------------------------------------------------------

START_SECONDS = 30


@contextmanager
def in_own_process(*args: str) -> Iterator[dict[str, str]]:
    """Serve from a process of its own, with the arguments of `main`; yield the settings to use."""
    with tempfile.TemporaryDirectory() as directory:
        told = Path(directory) / "settings"
        command = [sys.executable, "-m", "tests.qtickets_api", "--port-file", str(told), *args]
        server = subprocess.Popen(
            command, cwd=Path(__file__).resolve().parent.parent, stdout=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not told.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the API server did not start")
                time.sleep(0.05)
            yield dict(line.split("=", 1) for line in told.read_text().splitlines())
        finally:
            server.terminate()
            server.wait()


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.qtickets_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=60, help="sales of at least so many days")
    parser.add_argument("--orders-per-day", type=int, default=40)
    parser.add_argument("--uniform", type=int, metavar="N", help="N plain orders instead")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--no-gzip", action="store_true")
    parser.add_argument("--port-file", type=Path, help="write the two lines printed here as well")
    args = parser.parse_args(argv)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if args.uniform:
        organiser = Organiser.uniform(args.uniform)
    else:
        # From the first of a month: a day that left the sample every night would look like
        # orders deleted every night.
        oldest = datetime.now(MOSCOW).date() - timedelta(days=args.days)
        first_day = date(oldest.year, oldest.month, 1)
        organiser = Organiser.sample(
            args.seed, first_day=first_day, orders_per_day=args.orders_per_day
        )
    server = QTicketsServer(
        organiser, args.token, latency=args.latency, compress=not args.no_gzip, port=args.port
    )
    with server:
        lines = f"QTICKETS_BASE_URL={server.url}\nQTICKETS_API_TOKEN={server.token}\n"
        if args.port_file:
            # Renamed into place, so that whoever waits for the file reads all of it.
            unfinished = args.port_file.with_suffix(".tmp")
            unfinished.write_text(lines)
            unfinished.replace(args.port_file)
        print(lines, end="", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
