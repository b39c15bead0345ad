"""A genuine ClickHouse server on loopback, for tests: no Docker, no root, nothing installed.

The npm package `@chdb/lib-linux-x64-gnu` holds the whole engine as a library; its clickhouse-local
can listen, and then it answers over HTTP and over the native protocol as any server does. The
package is fetched once by `npm pack`, checked, and kept in `$XDG_CACHE_HOME/zakaz`.

    with ClickHouseServer(directory) as server:
        server.query("select version()")

With CLICKHOUSE_TEST_URL set (`https://user:password@host:8443`) tests use that server instead, but
for those that stop it or bring their own users. CLICKHOUSE_TEST_CLUSTER_URL is another matter: see
tests/e2e/test_cluster.py.

`python -m tests.clickhouse_server DIRECTORY` runs one by hand, with its data in DIRECTORY.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from tests import npm

PACKAGE = "@chdb/lib-linux-x64-gnu"
VERSION = "26.7.3-stable.1"
# npm's own figure for this version: `npm view PACKAGE@VERSION dist.integrity`
SHA512 = "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
LIBRARY = "libchdb.so"

HOST = "127.0.0.1"
_START_SECONDS = 60
_STOP_SECONDS = 20


class ServerError(Exception):
    """There is no server to test with. It fails the tests: a skipped test proves nothing."""


def library() -> Path:
    """Return the path of the engine, fetched if it is not in the cache yet. Raises FetchError."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ServerError("It is made for Linux on x86-64 only: set CLICKHOUSE_TEST_URL.")
    return npm.fetched(PACKAGE, VERSION, SHA512, LIBRARY) / LIBRARY


class ClickHouseServer:
    """A server with its data in a directory, over which it may be started again and again.

    `timezone` is the server's own zone. `users` is a users.xml; without one there is `default`,
    without a password, who may do everything but manage users. `config` is XML to go inside the
    server's `<clickhouse>`. `own`: never CLICKHOUSE_TEST_URL; said by those who stop it. `ports`,
    of HTTP and of the native protocol: for those who must know them beforehand. `url`: a server
    that is there already, in the form of CLICKHOUSE_TEST_URL.
    """

    def __init__(
        self,
        directory: Path,
        *,
        timezone: str = "UTC",
        users: Path | None = None,
        config: str = "",
        own: bool = False,
        ports: tuple[int, int] | None = None,
        url: str | None = None,
    ) -> None:
        own = own or timezone != "UTC" or users is not None or bool(config)
        url = url or os.environ.get("CLICKHOUSE_TEST_URL")
        self._external = urlsplit(url) if url and not own else None
        self.directory = directory.absolute()
        self._timezone = timezone
        self._users = users
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self._ports = ports
        # to make one takes ten times as long as to ask
        self._clients: dict[tuple[str | None, str, str | None], Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def host(self) -> str:
        return (self._external.hostname or "") if self._external else HOST

    @property
    def http_port(self) -> int:
        if self._external:
            return self._external.port or (8443 if self._external.scheme == "https" else 8123)
        return self._known_ports()[0]

    @property
    def native_port(self) -> int:
        if self._external:
            raise ServerError("CLICKHOUSE_TEST_URL does not say where the native port is.")
        return self._known_ports()[1]

    def _known_ports(self) -> tuple[int, int]:
        if self._ports is None:
            raise ServerError("The server was not started yet.")
        return self._ports

    def env(self, user: str | None = None, password: str = "") -> dict[str, str]:
        """Return the settings with which the project reaches this server, as this user."""
        known = self._external
        if user is None:
            user = unquote(known.username or "default") if known else "default"
            password = unquote(known.password or "") if known else ""
        return {
            "CLICKHOUSE_HOST": self.host,
            "CLICKHOUSE_PORT": str(self.http_port),
            "CLICKHOUSE_USER": user,
            "CLICKHOUSE_PASSWORD": password,
            "CLICKHOUSE_SECURE": "true" if known and known.scheme == "https" else "false",
        }

    def query(
        self,
        sql: str,
        *,
        user: str | None = None,
        password: str = "",
        database: str | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run one statement over HTTP. Raises clickhouse_connect's errors, which carry a `code`."""
        import clickhouse_connect

        who = (user, password, database)
        if who not in self._clients:
            env = self.env(user, password)
            self._clients[who] = clickhouse_connect.get_client(
                host=env["CLICKHOUSE_HOST"],
                port=int(env["CLICKHOUSE_PORT"]),
                username=env["CLICKHOUSE_USER"],
                password=env["CLICKHOUSE_PASSWORD"],
                secure=env["CLICKHOUSE_SECURE"] == "true",
                database=database or "default",
                autogenerate_session_id=False,
                # 0 would still set the limit, which a read-only user may not
                query_limit=0,
            )
        return [tuple(row) for row in self._clients[who].query(sql).result_rows]

    @property
    def is_running(self) -> bool:
        return bool(self._external) or (self._process is not None and self._process.poll() is None)

    def start(self) -> None:
        """Start, on the ports and the data of the last time. Does nothing while it runs."""
        if self.is_running:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            # between choosing a free port and listening on it somebody else may take it
            ports = self._ports or (free_port(), free_port())
            said = self._launch(ports, deadline)
            if said is None:
                self._ports = ports
                return
            if "Address already in use" not in said or time.monotonic() > deadline:
                raise ServerError(f"The server in {self.directory} did not start: {said}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it as an init system would: SIGTERM, and SIGKILL for one that does not listen."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it with `kill -9`, at whatever it is doing."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        while self._clients:
            self._clients.popitem()[1].close()
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._external and number is signal.SIGKILL:
            raise ServerError("The server at CLICKHOUSE_TEST_URL is not ours to kill: own=True")

    def _launch(self, ports: tuple[int, int], deadline: float) -> str | None:
        """Start the process; return None when it listens, or what it said before it ended."""
        ready, log = self.directory / "ready", self.directory / "server.log"
        ready.unlink(missing_ok=True)
        arguments = [
            f"--config-file={self._write_config()}",
            f"--listen_host={HOST}",
            f"--http_port={ports[0]}",
            f"--tcp_port={ports[1]}",
            f"--path={self.directory / 'data'}",
            # in its default format clickhouse-local answers HTTP in ways that clients misread
            "--output-format=TabSeparated",
            "--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP;"
            f" SELECT 1 INTO OUTFILE '{ready}';"
            " SELECT sleepEachRow(1) FROM numbers(1000000)"
            " SETTINGS max_block_size = 1, max_execution_time = 0 FORMAT Null",
        ]
        theirs, ours = os.pipe()
        # a group of its own, since SYSTEM SHUTDOWN signals the whole group
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--serve", str(library()), str(theirs), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "TZ": self._timezone},
                pass_fds=[theirs],
                start_new_session=True,
            )
        os.close(theirs)
        self._lifeline = ours
        while self._process.poll() is None and time.monotonic() < deadline:
            if ready.exists():
                return None
            time.sleep(0.02)
        self.kill()
        return log.read_text(errors="replace") or "it said nothing"

    def _write_config(self) -> Path:
        users = self._users
        if users is None:
            users = self.directory / "users.xml"
            users.write_text(DEFAULT_USERS)
        path = self.directory / "config.xml"
        path.write_text(
            "<clickhouse>"
            f"<users_config>{users.absolute()}</users_config>{self._config}"
            "</clickhouse>\n"
        )
        return path


# no test asks often enough for it to be worth while to compile a query
_AS_IT_IS = "".join(
    f"<compile_{what}>0</compile_{what}>"
    for what in ("expressions", "aggregate_expressions", "sort_description")
)
DEFAULT_USERS = f"""<clickhouse>
    <profiles><default>{_AS_IT_IS}</default></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password/>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </default>
    </users>
</clickhouse>
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class _Result(ctypes.Structure):
    """What the engine gives back at its end: `local_result_v2` of chdb.h."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("len", ctypes.c_size_t),
        ("_vec", ctypes.c_void_p),
        ("elapsed", ctypes.c_double),
        ("rows_read", ctypes.c_uint64),
        ("bytes_read", ctypes.c_uint64),
        ("error_message", ctypes.c_char_p),
    )


def _serve(library_path: str, lifeline: int, arguments: list[str]) -> None:
    """Be the server, until its time is over or whoever started it is gone."""

    def watch() -> None:
        os.read(lifeline, 1)  # nobody ever writes: this returns when the other end is closed
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    engine = ctypes.CDLL(library_path)
    engine.query_stable_v2.restype = ctypes.POINTER(_Result)
    argv = [b"clickhouse", *(argument.encode() for argument in arguments)]
    result = engine.query_stable_v2(len(argv), (ctypes.c_char_p * len(argv))(*argv))
    if result and result.contents.error_message:
        print(result.contents.error_message.decode(errors="replace"), file=sys.stderr)


def _by_hand(directory: Path) -> None:
    with ClickHouseServer(directory, own=True) as server:
        for name, value in server.env().items():
            print(f"export {name}={value}")
        print(f"# native protocol on port {server.native_port}; Ctrl-C stops it", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(sys.argv[2], int(sys.argv[3]), sys.argv[4:])
    elif len(sys.argv) == 2:
        _by_hand(Path(sys.argv[1]))
    else:
        sys.exit("usage: python -m tests.clickhouse_server DIRECTORY")
