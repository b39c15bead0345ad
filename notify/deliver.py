"""Delivery by apprise: a hundred services by one URL each, and no secret of a URL in a message.

apprise logs, and what it logs can hold parts of a URL. Its log is caught here; the last line of it
is the reason of a failure, without whatever the URL has in it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import apprise
import httpx

from notify.settings import NOT_DELIVERED, SETTING, Failures

_SECONDS = 20  # for the heartbeat; apprise has limits of its own, of 4 seconds


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages go. `id` tells it from others in the state, and gives its URL not away."""

    id: str
    label: str
    url: str = field(repr=False)
    service: Any = field(repr=False)


def destinations(setting: str, value: str) -> tuple[list[Destination], Failures]:
    """Return the destinations of a setting, and a failure for each URL that apprise does not know.

    URLs are divided by commas or spaces; a comma within a URL stays.
    """
    found: list[Destination] = []
    wrong: Failures = []
    urls = [
        url for url in re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)", value.strip(" \t\r\n,")) if url
    ]
    for place, url in enumerate(dict.fromkeys(urls), start=1):
        with _Caught():
            service = apprise.Apprise.instantiate(url, asset=_ASSET)
        scheme = re.match(r"([a-z][a-z0-9]{1,15})://", url)
        label = f"{setting}, URL {place} of {len(urls)}"
        if service is None:
            begins = f" (it begins with {scheme[0]})" if scheme else ""
            line = f"{label}{begins}: apprise cannot use it. See docs/notify.md."
            wrong.append((SETTING, line))
            continue
        key = hashlib.pbkdf2_hmac("sha256", url.encode(), b"zakaz", 100_000).hex()[:16]
        found.append(Destination(key, f"{label} ({service.service_name})", url, service))
    return found, wrong


def send(to: Destination, title: str, text: str) -> Failures:
    """Deliver one message of plain text; return why it was not delivered, if so."""
    one = apprise.Apprise(asset=_ASSET)
    one.add(to.service)
    with _Caught() as said:
        done = one.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT)
    if done:
        return []
    reason = _masked(said[-1], to.url) if said else "no reason was given."
    return [(NOT_DELIVERED, f"{to.label}: not delivered: {reason} It is tried again next time.")]


def test(setting: str, value: str, organiser: str) -> Failures:
    """Send a message that only says that it arrives, and return what went wrong."""
    to, failures = destinations(setting, value)
    if not to and not failures:
        failures.append((SETTING, f"{setting}: not set, so there is nobody to try."))
    for one in to:
        text = f"Проверка {setting}: сообщения сюда доходят."
        failures += send(one, f"{organiser or 'zakaz'}: проверка связи", text)
    return failures


def heartbeat(url: str) -> Failures:
    """Ask a URL with GET, for who watches from outside; return why it did not answer, if so."""
    try:
        httpx.get(url, timeout=_SECONDS, follow_redirects=True).raise_for_status()
    except httpx.HTTPStatusError as error:
        return [(NOT_DELIVERED, f"NOTIFY_HEARTBEAT_URL: status {error.response.status_code}.")]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        kind = type(error).__name__  # the text of some has the URL in it
        return [(NOT_DELIVERED, f"NOTIFY_HEARTBEAT_URL: no answer ({kind}).")]
    return []


_ASSET = apprise.AppriseAsset(app_id="zakaz", app_desc="zakaz", async_mode=False)


class _Caught(logging.Handler):
    """Keeps what apprise and the libraries below it log, and lets none of it out."""

    _LOGGERS = ("apprise", "urllib3", "requests", "httpx")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []
        self._before: list[tuple[logging.Logger, bool]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of apprise's own."""
        if record.name == "apprise":
            self._said.append(" ".join(record.getMessage().split()))

    def __enter__(self) -> list[str]:
        for logger in map(logging.getLogger, self._LOGGERS):
            self._before.append((logger, logger.propagate))
            logger.propagate = False
            logger.addHandler(self)
        return self._said

    def __exit__(self, *_: object) -> None:
        for logger, propagate in self._before:
            logger.removeHandler(self)
            logger.propagate = propagate


def _masked(said: str, url: str) -> str:
    """Take out of a text whatever of the URL is in it, but for the scheme and the host."""
    secret = re.sub(r"^[a-z0-9+.-]+://", "", url, flags=re.IGNORECASE)
    host = re.match(r"(?:[^/@]*@)?([^/?:@]*)[^/?@]*(?:[/?]|$)", secret)
    parts = {part for text in (secret, unquote(secret)) for part in re.split(r"[/?&=@,\s]+", text)}
    parts |= {piece for part in parts for piece in part.split(":")}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) > 3 and not (host and part == host[1] and "." in part):
            said = re.sub(re.escape(part), "***", said, flags=re.IGNORECASE)
    # whatever else looks like a key
    said = re.sub(r"[\w:-]{24,}", "***", said)[:200]
    return said if said.endswith(".") else f"{said}."
