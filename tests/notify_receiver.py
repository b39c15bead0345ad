"""A messenger on loopback, for tests of `python -m notify`: keeps what it is sent, fails on demand.

apprise reaches it by `json://`, so that the request is a real one.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Receiver:
    """What arrives is in `messages`, title and text; GETs are counted. `status`: how it answers."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.gets: list[str] = []
        self.status = 200
        self.says = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.status == 200:
                    read: dict[str, Any] = json.loads(body)
                    receiver.messages.append((read["title"], read["message"]))
                    receiver.bodies.append(body.decode() + str(self.headers) + self.path)
                self.answer()

            def do_GET(self) -> None:
                receiver.gets.append(self.path)
                self.answer()

            def answer(self) -> None:
                said = receiver.says.encode()
                self.send_response(receiver.status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str = "") -> str:
        """Return the URL for NOTIFY_*_URLS; another path is another destination."""
        return f"json://{self.host}/{path}"

    def take(self) -> list[tuple[str, str]]:
        """Return what arrived since the last time."""
        taken, self.messages = self.messages, []
        return taken

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
