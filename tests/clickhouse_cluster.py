"""Two ClickHouse servers that behave as a cluster of two replicas, as far as SQL can tell.

The servers of tests/clickhouse_server.py know the cluster (`remote_servers`, macros, an in-memory
Keeper), read from each other, and create what a cluster does. They neither take `on cluster` nor
replicate. So a front stands before the first: it keeps each statement as it was sent, runs every
insert and what says `on cluster` on both, and makes plain engines of replicated ones on the way,
there and back.
What forgets to say `on cluster` happens on the first alone, and shows.
"""

from __future__ import annotations

import http.client
import re
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.clickhouse_server import HOST, ClickHouseServer, free_port

CLUSTER = "zakaz"
ON_CLUSTER = re.compile(rf"\bon cluster\s+(?P<quote>[`\"]){CLUSTER}(?P=quote)", re.IGNORECASE)
REPLICATED = re.compile(r"\bReplicated(?=\w*MergeTree\b)")
# dbt begins with a comment
_START = r"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
_SYNC = re.compile(_START + r"system sync replica\b", re.IGNORECASE | re.DOTALL)
# and who asks for the tables is told what a cluster's are
_TABLES = re.compile(r"\bfrom system\.tables\b", re.IGNORECASE)
_TOLD = (
    "from (select * replace ("
    "replaceRegexpOne(engine, '^(.*MergeTree)$', 'Replicated\\\\1') as engine,"
    " replaceRegexpOne(engine_full, '^([A-Za-z]*MergeTree)', 'Replicated\\\\1') as engine_full)"
    " from system.tables)"
)
_INSERT = re.compile(_START + r"insert\b", re.IGNORECASE | re.DOTALL)


class Cluster:
    """Both replicas, with the users of a users.xml, and the front.

    `statements` are those that came to the front, as they came.
    """

    def __init__(self, directory: Path, users: Path, config: str) -> None:
        ports = [(free_port(), free_port()) for _ in range(2)]
        replicas = "".join(
            f"<replica><host>{HOST}</host><port>{native}</port></replica>" for _, native in ports
        )
        self.replicas = [
            ClickHouseServer(
                directory / f"replica_{number}",
                users=users,
                config=f"""{config}
                    <zookeeper><implementation>testkeeper</implementation></zookeeper>
                    <macros><shard>1</shard><replica>{number}</replica></macros>
                    <remote_servers><{CLUSTER}><secret>between-us</secret><shard>
                        <internal_replication>true</internal_replication>{replicas}
                    </shard></{CLUSTER}></remote_servers>""",
                ports=pair,
            )
            for number, pair in enumerate(ports, 1)
        ]
        self.statements: list[str] = []
        self.port = 0
        self._stack = ExitStack()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        for server in self.replicas:
            self._stack.enter_context(server)
        front = ThreadingHTTPServer((HOST, 0), self._handler())
        front.daemon_threads = True
        self.port = front.server_address[1]
        threading.Thread(target=front.serve_forever, daemon=True).start()
        self._stack.callback(front.server_close)
        self._stack.callback(front.shutdown)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings with which the project uses this cluster."""
        return {"CLICKHOUSE_PORT": str(self.port), "CLICKHOUSE_CLUSTER": CLUSTER}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # head and body are two writes: else the second waits 40 ms for the first
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                # a driver asks a server whether it is alive; and one reads with GET
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                where = urlsplit(self.path)
                given = dict(parse_qsl(where.query, keep_blank_values=True))
                # an insert has its rows in the body
                sql = given.get("query") or body.decode()
                with cluster._lock:
                    cluster.statements.append(sql)
                alone = _alone(sql)
                if "query" in given:
                    given["query"] = alone
                else:
                    body = alone.encode()
                is_everywhere = ON_CLUSTER.search(sql) or _INSERT.match(sql)
                path = f"{where.path}?{urlencode(given)}"
                # the first one last: its answer is the one that is given
                for server in reversed(cluster.replicas if is_everywhere else cluster.replicas[:1]):
                    status, headers, answer = self._ask(server, path, body)
                    if status != http.client.OK:
                        break
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("connection", "keep-alive", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _ask(
                self, server: ClickHouseServer, path: str, body: bytes
            ) -> tuple[int, list[tuple[str, str]], bytes]:
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("host", "connection", "content-length")
                }
                connection = http.client.HTTPConnection(HOST, server.http_port, timeout=120)
                try:
                    connection.request(self.command, path, body or None, headers)
                    answer = connection.getresponse()
                    return answer.status, answer.getheaders(), answer.read()
                finally:
                    connection.close()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler


def _alone(sql: str) -> str:
    """Return what a server without a cluster can do of it."""
    if _SYNC.match(sql):
        return "select 1"
    return _TABLES.sub(_TOLD, REPLICATED.sub("", ON_CLUSTER.sub("", sql)))
