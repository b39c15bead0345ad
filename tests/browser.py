"""Chromium, headless, driven by Playwright: what a page shows, says and asks for.

It comes with the tests, as ClickHouse does: an npm package made for Amazon's Lambda holds one that
needs nothing of the machine but a C library.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import brotli
from playwright.sync_api import ElementHandle, Page, sync_playwright

from tests import npm

PHONE, DESKTOP = (360, 800), (1280, 900)
CHROMIUM = (
    "@sparticuz/chromium",
    "147.0.2",
    "oqXyPAlGQuT9wdZAhcx4nmhehVgEsDc2adL/+FlX8qsLh/YyOgl9GQp8dPMDIBRmktxgA9c1QSNJIQUj2UeHhQ==",
    *(f"bin/{name}.br" for name in ("chromium", "al2023.tar", "swiftshader.tar", "fonts.tar")),
)
AXE = (
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    "axe.min.js",
)
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--hide-scrollbars")
_FONTS = """<?xml version="1.0"?>
<fontconfig>
    <dir prefix="relative">fonts</dir>
    <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
_PATIENCE_MS = 30_000


def _unpack(directory: Path) -> None:
    """Make of the package's files a browser, its libraries and its fonts."""
    for file in directory.glob("*.br"):
        content = brotli.decompress(file.read_bytes())
        if file.suffixes == [".tar", ".br"]:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(directory, filter="data")
        else:
            (directory / file.stem).write_bytes(content)
            (directory / file.stem).chmod(0o755)
        file.unlink()
    (directory / "zakaz-fonts.conf").write_text(_FONTS)


class Browser:
    """One window."""

    def __init__(self) -> None:
        home = npm.fetched(*CHROMIUM, prepare=_unpack)
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=home / "chromium",
            args=list(_FLAGS),
            env={
                **os.environ,
                "LD_LIBRARY_PATH": f"{home / 'lib'}:{home}",
                "FONTCONFIG_FILE": str(home / "zakaz-fonts.conf"),
            },
        )
        # a page that forbids scripts is looked at with one of ours
        context = self._chromium.new_context(bypass_csp=True)
        context.set_default_timeout(_PATIENCE_MS)
        self.page: Page = context.new_page()
        self._said: list[str] = []
        self._asked_for: list[str] = []
        self.page.on("console", lambda m: self._said.append(f"{m.location['url']} {m.text}"))
        self.page.on("pageerror", lambda error: self._said.append(str(error)))
        self.page.on("request", lambda request: self._asked_for.append(request.url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._chromium.close()
        self._playwright.stop()

    def open(
        self, url: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False, shows: str = "body"
    ) -> None:
        """Open a page afresh, and wait until it shows something for the CSS selector `shows`."""
        width, height = size
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.goto("about:blank")
        self.errors(), self.asked_for()
        self.page.goto(url)
        self.wait(lambda: any(e.is_visible() for e in self.all(shows)), shows)

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        for _ in range(_PATIENCE_MS // 100):
            if condition():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"not on the page: {what}")

    def all(self, selector: str) -> list[ElementHandle]:
        return self.page.query_selector_all(selector)

    def one(self, selector: str) -> ElementHandle:
        (found, *_) = self.all(selector)
        return found

    def run(self, function: str, argument: Any = None) -> Any:
        """Return what a JavaScript expression or function gives."""
        return self.page.evaluate(function, argument)

    def errors(self) -> list[str]:
        """Return what the console said since last asked, warnings too, each with where."""
        said, self._said[:] = list(self._said), []
        return said

    def asked_for(self) -> list[str]:
        """Return the URLs that were asked for since last asked, data: not counted."""
        asked, self._asked_for[:] = list(self._asked_for), []
        return [url for url in asked if urlsplit(url).scheme not in ("data", "about", "blob")]

    def barriers(self) -> list[str]:
        """Return what axe finds that keeps people from reading the page."""
        self.page.add_script_tag(path=npm.fetched(*AXE) / AXE[-1])
        found = self.run("axe.run().then(result => result.violations)")
        return [f"{v['id']}: {[node['html'][:200] for node in v['nodes']]}" for v in found]

    def screenshot(self, path: Path) -> None:
        """Write the whole page as PNG, not only what fits the window."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path, full_page=True)
