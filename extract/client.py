"""One GET to the API: authorised, bounded in time, retried, and never anything but a GET."""

from __future__ import annotations

import json
import logging
import random
import re
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, Literal, TypeVar

import httpx
import msgspec

from extract.errors import (
    ApiError,
    FatalError,
    Ignored,
    NotFound,
    RateLimited,
    TransientError,
    Unauthorized,
    Unreachable,
)
from extract.settings import Settings

T = TypeVar("T")

Encoding = Literal["body", "query"]
"""How params travel: as a JSON body on the GET, or as JSON strings in the query."""

SKEW = timedelta(hours=1)
"""How far ahead of our clock a time may lie before it is not believed."""

_IGNORED_TRIES = 3  # a filter that is ignored so often is no hiccup: there is another encoding
_LONGEST_WAIT = 30.0
_log = logging.getLogger("extract.client")


class Cancelled(Exception):
    """The run is over; nobody waits for this request any more."""


@dataclass(slots=True)
class Traffic:
    """What was sent and received. `bytes`: of the bodies, decompressed."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0

    def __sub__(self, before: Traffic) -> Traffic:
        pairs = zip(astuple(self), astuple(before), strict=True)
        return Traffic(*(now - then for now, then in pairs))


class Client:
    """The API at one base URL with one token. Safe to use from several threads.

    `source`: host[:port], or "offline" with a transport that answers from saved responses.
    `clock_ahead`: the most that a `Date` was ahead of our clock, where that was not believed.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self.traffic = Traffic()
        self.answered = False  # whether any response was good so far
        self.clock_ahead = timedelta(0)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._slots = threading.BoundedSemaphore(settings.extract_connections)
        self._not_before = 0.0  # of the monotonic clock: all requests pause until then
        self._tries = settings.extract_tries
        self._patience = settings.extract_patience_seconds
        self._backoff = settings.extract_backoff_seconds
        token = settings.qtickets_api_token
        self._http = httpx.Client(
            base_url=settings.qtickets_base_url,
            transport=transport,
            event_hooks={"request": [_only_get]},
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                # a cache stands in front of the API, and lists differ by their body only
                "Cache-Control": "no-cache",
                "User-Agent": "zakaz",
                **({"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}),
            },
            timeout=httpx.Timeout(
                connect=settings.extract_connect_seconds,
                read=settings.extract_read_seconds,
                write=settings.extract_connect_seconds,
                pool=None,
            ),
            limits=httpx.Limits(max_connections=settings.extract_connections),
        )
        self.source = "offline" if transport else self._http.base_url.netloc.decode()

    def close(self) -> None:
        """Close the connections; whoever waits for a retry in another thread is woken."""
        self._closed.set()
        self._http.close()

    def get(
        self,
        path: str,
        parse: Callable[[bytes], T],
        params: Mapping[str, Any] | None = None,
        encoding: Encoding = "body",
    ) -> tuple[T, datetime]:
        """Return what `parse` makes of the body of a good response, and the server's time, UTC.

        `params`: e.g. `{"where": [...], "orderBy": {"id": "asc"}}`. `parse` raises TransientError
        for a body that is not to be believed, or what msgspec raises; it is then requested again.
        Raises ApiError when no try was good.
        """
        request = self._build(path, params or {}, encoding)
        deadline = time.monotonic() + self._patience
        for number in count(1):
            self._pause()
            try:
                return self._once(request, f"GET {path}", parse, retries=int(number > 1))
            except TransientError as error:
                wait = error.retry_after
                if wait is None:
                    wait = min(self._backoff * 2 ** min(number - 1, 10), _LONGEST_WAIT)
                    wait += random.uniform(0, 2 * self._backoff)  # noqa: S311
                if isinstance(error, RateLimited):
                    with self._lock:
                        self._not_before = max(self._not_before, time.monotonic() + wait)
                tries = _IGNORED_TRIES if isinstance(error, Ignored) else self._tries
                if number >= tries or time.monotonic() + wait > deadline:
                    error.args = (f"{error} Tried {number} times.",)
                    raise
                _log.info("%s Next try in %.1f s.", error, wait)
                self._sleep(wait)
        raise AssertionError("count() has no end")

    def _sleep(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise Cancelled

    def _pause(self) -> None:
        """Wait as long as the server told any of us to."""
        while (wait := self._not_before - time.monotonic()) > 0:
            self._sleep(wait)
        if self._closed.is_set():
            raise Cancelled

    def _build(self, path: str, params: Mapping[str, Any], encoding: Encoding) -> httpx.Request:
        if not params:
            return self._http.build_request("GET", path)
        if encoding == "body":
            headers = {"Content-Type": "application/json"}
            content = msgspec.json.encode(params)
            return self._http.build_request("GET", path, content=content, headers=headers)
        texts = {key: json.dumps(value, separators=(",", ":")) for key, value in params.items()}
        return self._http.build_request("GET", path, params=texts)

    def _once(
        self, request: httpx.Request, where: str, parse: Callable[[bytes], T], retries: int
    ) -> tuple[T, datetime]:
        with self._lock:
            self.traffic.requests += 1
            self.traffic.retries += retries
        with self._slots, _named(where, request.url):
            response, body = self._send(request)
        with self._lock:
            self.traffic.bytes += len(body)
        result = read_response(where, response.status_code, response.headers, body, parse)
        self.answered = True
        return result, self._date(response.headers)

    def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        # httpx bounds the wait for the next bytes, not for all of them: a body that drips would
        # hold a connection for ever
        deadline = time.monotonic() + self._patience
        response = self._http.send(request, stream=True)
        try:
            chunks = []
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole response")
        finally:
            response.close()
        return response, b"".join(chunks)

    def _date(self, headers: httpx.Headers) -> datetime:
        """Return the server's clock, UTC; ours where it is missing, or too far ahead of ours."""
        now = datetime.now(UTC).replace(microsecond=0)
        try:
            date = parsedate_to_datetime(headers["date"]).astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            return now
        if date - now <= SKEW:
            return date
        self.clock_ahead = max(self.clock_ahead, date - now)
        return now


def _only_get(request: httpx.Request) -> None:
    if request.method != "GET":  # the API's other verbs create and change orders
        raise AssertionError("only GET may ever be sent")


@contextmanager
def _named(where: str, url: httpx.URL) -> Iterator[None]:
    """Turn what goes wrong on the way into an error that names its cause."""
    try:
        yield
    except httpx.TimeoutException as error:
        kind = Unreachable if isinstance(error, httpx.ConnectTimeout) else TransientError
        raise kind(f"{where}: timed out ({type(error).__name__}, {url.host}).") from None
    except httpx.ProxyError as error:
        said = re.sub(r"[^ -~]|//\S*@", "", str(error))[:80]
        raise Unreachable(f"{where}: {_proxy(url)} does not let us through: {said}.") from None
    except httpx.ConnectError as error:
        raise _not_connected(where, url, error) from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        fault = f"no whole response from {url.host} ({type(error).__name__})"
        raise TransientError(f"{where}: {fault}.") from None


def _not_connected(where: str, url: httpx.URL, error: BaseException) -> ApiError:
    cause: BaseException | None = error
    while cause and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return FatalError(
            f"{where}: the certificate of {url.host} is not trusted: {cause.verify_message}. "
            "Check this machine's clock, and SSL_CERT_FILE where the network has a CA of its own."
        )
    if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return FatalError(f"{where}: no TLS at {url.netloc.decode()}. Check QTICKETS_BASE_URL.")
    if isinstance(cause, ssl.SSLError):
        return Unreachable(f"{where}: TLS with {url.host} failed: {cause.reason or cause}.")
    if proxy := _proxy(url):
        return Unreachable(f"{where}: cannot connect to {proxy}.")
    return Unreachable(
        f"{where}: cannot connect to {url.host}. Check QTICKETS_BASE_URL and the network."
    )


def _proxy(url: httpx.URL) -> str:
    """Name the proxy of the environment that stands before `url`, without its password."""
    proxies = urllib.request.getproxies()
    if urllib.request.proxy_bypass(url.host):
        return ""
    for scheme in (url.scheme, "all"):
        if scheme in proxies:
            place = proxies[scheme].rpartition("@")[2].rpartition("//")[2]
            return f"the proxy {place} of {scheme.upper()}_PROXY"
    return ""


_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNAUTHORIZED = frozenset({401, 403})
_NOT_FOUND, _RATE_LIMITED = 404, 429
_TRANSIENT_FROM = 500


def read_response(
    where: str, status: int, headers: Mapping[str, str], body: bytes, parse: Callable[[bytes], T]
) -> T:
    """Return what `parse` makes of the body, or raise the error that says what to do about it.

    `where` names the request in messages ("GET /orders"). Source of the table: the vendor's
    responses as seen live, see docs/extractor.md.
    """
    if status == httpx.codes.OK:
        try:
            return parse(body)
        except (msgspec.MsgspecError, RecursionError):
            pass
    try:
        answer = _ENVELOPE.decode(body)
    except msgspec.MsgspecError:
        answer = None
    said = f"{where}: {status}{_code(answer)}"
    if status == httpx.codes.OK or (status == _NOT_FOUND and _is_cut(headers, answer)):
        fault = (
            "not JSON, or was cut short"
            if answer is None
            else "JSON without `data`"
            if "data" not in answer
            else "JSON whose `data` or `paging` is of the wrong kind"
        )
        raise TransientError(f"{said}: the response is {fault}.")
    raise _refusal(said, status, headers, answer)


def _is_cut(headers: Mapping[str, str], answer: Any) -> bool:
    return answer is None and "json" in headers.get("content-type", "")


def _refusal(said: str, status: int, headers: Mapping[str, str], answer: Any) -> ApiError:
    if status in _UNAUTHORIZED:
        return Unauthorized(f"{said}: the API refuses the token. Check QTICKETS_API_TOKEN.")
    if status == _NOT_FOUND and answer is not None:
        return NotFound(f"{said}: the API has no such thing.")
    if status == _NOT_FOUND:
        return FatalError(f"{said}: no such path. Check QTICKETS_BASE_URL.")
    if status == _RATE_LIMITED:
        return RateLimited(f"{said}: too many requests.", _retry_after(headers))
    if status >= _TRANSIENT_FROM:
        return TransientError(f"{said}: the API has a fault.", _retry_after(headers))
    return FatalError(f"{said}: not a response this program knows. Check QTICKETS_BASE_URL.")


def _code(answer: dict[str, msgspec.Raw] | None) -> str:
    code = bytes((answer or {}).get("code", b"")).strip(b'"').decode("ascii", "replace")
    return f" {code}" if re.fullmatch("[A-Z_]{1,40}", code) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from a `Retry-After` header: a number of seconds, or an HTTP date."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", told):
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
