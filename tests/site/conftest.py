"""One published site for all tests here, and a browser to look at it.

`pytest tests/site --screenshots DIRECTORY` also writes what was seen, for people to judge.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser
from tests.published import Site
from tests.zakaz import Place


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return an embedded ClickHouse that nobody has used."""
    return Place(tmp_path)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(Place(tmp_path_factory.mktemp("published")))
    site.publish()
    handler = partial(Quiet, directory=str(site.directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.url = f"http://127.0.0.1:{server.server_port}"
        yield site
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def screenshot(request: pytest.FixtureRequest, browser: Browser) -> Callable[[str], None]:
    """Return what writes a picture under a name, if --screenshots said where."""
    directory = request.config.getoption("--screenshots")

    def write(name: str) -> None:
        if directory:
            browser.screenshot(Path(directory) / f"{name}.png")

    return write
