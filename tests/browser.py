"""Debian's Chromium, headless, driven by Selenium: what a page shows, says and asks for."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests import npm

PHONE, DESKTOP = (360, 800), (1280, 900)

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
AXE = (
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    "axe.min.js",
)
_PATIENCE_SECONDS = 30


class BrowserError(Exception):
    """There is no browser to test with. It fails the tests: a skipped test proves nothing."""


class Browser:
    """One window. `profile` is an empty directory."""

    def __init__(self, profile: Path) -> None:
        found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        if not all(found.values()):
            raise BrowserError("Chromium is missing: apt-get install chromium chromium-driver")
        options = webdriver.ChromeOptions()
        options.binary_location = str(found["chromium"])
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options, Service(found["chromedriver"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(
        self, url: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False, shows: str = "body"
    ) -> None:
        """Open a page afresh, and wait until it shows something for the CSS selector `shows`."""
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._tell("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._tell("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get("about:blank")
        self.errors(), self.asked_for()
        self.driver.get(url)
        self.wait(lambda: any(e.is_displayed() for e in self.all(shows)), shows)

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        WebDriverWait(self.driver, _PATIENCE_SECONDS, 0.1).until(lambda _: condition(), what)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def run(self, script: str, *args: Any) -> Any:
        return self.driver.execute_script(script, *args)

    def errors(self) -> list[str]:
        """Return what the console said since last asked, warnings too."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked_for(self) -> list[str]:
        """Return the URLs that were asked for since last asked, data: not counted."""
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        urls = [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in urls if urlsplit(url).scheme not in ("data", "about")]

    def barriers(self) -> list[str]:
        """Return what axe finds that keeps people from reading the page."""
        source = npm.fetched(*AXE).read_text()
        self._tell("Page.setBypassCSP", {"enabled": True})
        self.run(source)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run().then(r => done(r.violations))"
        )
        return [f"{v['id']}: {[node['html'][:200] for node in v['nodes']]}" for v in found]

    def screenshot(self, path: Path) -> None:
        """Write the whole page as PNG, not only what fits the window."""
        path.parent.mkdir(parents=True, exist_ok=True)
        width, height = self.run(
            "return [window.innerWidth, document.documentElement.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        what = {"captureBeyondViewport": True, "clip": clip}
        path.write_bytes(base64.b64decode(self._tell("Page.captureScreenshot", what)["data"]))

    def _tell(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(command, arguments)
        return answer
