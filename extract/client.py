"""One GET to the API: authorised, bounded in time, retried, and never anything but a GET."""

from __future__ import annotations

import json
import logging
import re
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from queue import LifoQueue
from typing import Any, Literal, TypeVar

import httpx
import msgspec
import tenacity

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
from extract.payloads import UNREADABLE
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
        self._not_before = 0.0  # of the monotonic clock: all requests pause until then
        self._patience = settings.extract_patience_seconds
        self._is_late = tenacity.stop_before_delay(self._patience)
        self._tries = settings.extract_tries
        backoff = settings.extract_backoff_seconds
        self._backoff = tenacity.wait_exponential(backoff, _LONGEST_WAIT) + tenacity.wait_random(
            0, 2 * backoff
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=self._wait,
            stop=self._is_enough,
            sleep=self._sleep,
            before_sleep=self._retried,
            retry_error_callback=_give_up,
        )
        token = settings.qtickets_api_token
        self._options: dict[str, Any] = {
            "base_url": settings.qtickets_base_url,
            "transport": transport,
            "verify": httpx.create_ssl_context(),
            "event_hooks": {"request": [_only_get]},
            "headers": httpx.Headers(
                {  # which shows no Authorization
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                    # a cache stands in front of the API, and lists differ by their body only
                    "Cache-Control": "no-cache",
                    "User-Agent": "zakaz",
                    **({"Authorization": f"Bearer {token}"} if token else {}),
                }
            ),
            "timeout": httpx.Timeout(
                settings.extract_connect_seconds, read=settings.extract_read_seconds
            ),
        }
        # one at a time uses each: a pool of connections that threads share was seen to close one
        # that was being read. The one used last is used next; None: not opened yet
        self._connections: LifoQueue[httpx.Client | None] = LifoQueue()
        for _ in range(settings.extract_connections):
            self._connections.put(None)
        host = httpx.URL(settings.qtickets_base_url).netloc.decode()
        self.source = "offline" if transport else host

    def close(self) -> None:
        """Close the connections; a thread that waits for a retry is woken."""
        self._closed.set()
        while not self._connections.empty():
            if http := self._connections.get():
                http.close()

    def get(
        self,
        path: str,
        parse: Callable[[bytes], T],
        params: Mapping[str, Any] | None = None,
        encoding: Encoding = "body",
    ) -> tuple[T, datetime]:
        """Return what `parse` makes of the response, and the server's time (UTC).

        `parse` may raise a TransientError, or what msgspec raises; it is then requested again.
        Raises ApiError when no try was good.
        """
        return self._retrying(self._once, path, parse, params or {}, encoding)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return how long to wait for the next try, in seconds; let all wait if the API says so."""
        error = _error(state)
        wait = self._backoff(state) if error.retry_after is None else error.retry_after
        # nobody is held up by a wait that is not begun
        if isinstance(error, RateLimited) and wait <= self._patience:
            with self._lock:
                self._not_before = max(self._not_before, time.monotonic() + wait)
        return wait

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        tries = _IGNORED_TRIES if isinstance(_error(state), Ignored) else self._tries
        return state.attempt_number >= tries or self._is_late(state)

    def _retried(self, state: tenacity.RetryCallState) -> None:
        with self._lock:
            self.traffic.retries += 1
        _log.info("%s Next try in %.1f s.", _error(state), state.upcoming_sleep)

    def _sleep(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise Cancelled

    def _once(
        self,
        path: str,
        parse: Callable[[bytes], T],
        params: Mapping[str, Any],
        encoding: Encoding,
    ) -> tuple[T, datetime]:
        while (pause := self._not_before - time.monotonic()) > 0:
            self._sleep(pause)
        self._sleep(0)
        http = self._connections.get() or httpx.Client(**self._options)
        where = f"GET {path}"
        with self._lock:
            self.traffic.requests += 1
        try:
            response, body = self._send(http, _request(http, path, params, encoding))
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _explained(where, http.base_url, error) from None
        finally:
            self._connections.put(http)
        with self._lock:
            self.traffic.bytes += len(body)
        result = read_response(where, response.status_code, response.headers, body, parse)
        self.answered = True
        return result, self._date(response.headers)

    def _send(self, http: httpx.Client, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        # httpx bounds the wait for the next bytes, not for all of them: a body that drips would
        # hold a connection for ever
        deadline = time.monotonic() + self._patience
        response = http.send(request, stream=True)
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


def _request(
    http: httpx.Client, path: str, params: Mapping[str, Any], encoding: Encoding
) -> httpx.Request:
    if encoding == "query":
        texts = {key: json.dumps(value, separators=(",", ":")) for key, value in params.items()}
        return http.build_request("GET", path, params=texts)
    headers = {"Content-Type": "application/json"} if params else None
    content = msgspec.json.encode(params) if params else None
    return http.build_request("GET", path, content=content, headers=headers)


def _only_get(request: httpx.Request) -> None:
    if request.method != "GET":  # the API's other verbs create and change orders
        raise AssertionError("only GET may ever be sent")


def _error(state: tenacity.RetryCallState) -> TransientError:
    error = state.outcome and state.outcome.exception()
    assert isinstance(error, TransientError)  # noqa: S101  # no other is retried
    return error


def _give_up(state: tenacity.RetryCallState) -> Any:
    error = _error(state)
    error.args = (f"{error} Tried {state.attempt_number} times.",)
    raise error


def _explained(where: str, url: httpx.URL, error: BaseException) -> ApiError:
    """Return the error that names the cause of one on the way: of time, proxy, TLS or network."""
    kind = type(error).__name__
    proxy = _proxy(url)
    host = f"{url.host} through {proxy}" if proxy else url.host
    if isinstance(error, httpx.TimeoutException):
        late = Unreachable if isinstance(error, httpx.ConnectTimeout) else TransientError
        return late(f"{where}: timed out ({kind}, {host}).")
    if isinstance(error, httpx.ProxyError):
        said = re.sub(r"[^ -~]|//\S*@", "", str(error))[:80]
        return Unreachable(f"{where}: {proxy} does not let us through: {said}.")
    if not isinstance(error, httpx.ConnectError):
        return TransientError(f"{where}: no whole response from {host} ({kind}).")
    cause: Any = error
    while cause and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        said = cause.verify_message.rstrip(".")
        return FatalError(
            f"{where}: the certificate of {url.host} is not trusted: {said}. "
            "Check this machine's clock, and SSL_CERT_FILE where the network has a CA of its own."
        )
    if cause and cause.reason == "WRONG_VERSION_NUMBER":
        return FatalError(f"{where}: no TLS at {url.netloc.decode()}. Check QTICKETS_BASE_URL.")
    if cause:
        return Unreachable(f"{where}: TLS with {host} failed: {cause.reason or cause}.")
    if proxy:
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


def read_response(
    where: str, status: int, headers: Mapping[str, str], body: bytes, parse: Callable[[bytes], T]
) -> T:
    """Return what `parse` makes of the body, or raise the error that says what to do about it.

    `where` names the request in messages ("GET /orders"). Source of the table: the vendor's
    responses as seen live, see docs/extractor.md.
    """
    if status == httpx.codes.OK:
        with suppress(*UNREADABLE):
            return parse(body)
    answer: dict[str, msgspec.Raw] | None = None
    with suppress(*UNREADABLE):
        answer = _ENVELOPE.decode(body)
    raise _refusal(f"{where}: {status}{_code(answer)}", status, headers, answer)


def _refusal(said: str, status: int, headers: Mapping[str, str], answer: Any) -> ApiError:
    is_json = "json" in headers.get("content-type", "")
    if status == httpx.codes.OK or (status == httpx.codes.NOT_FOUND and not answer and is_json):
        fault = "not JSON, or was cut short"
        if answer is not None:
            fault = "JSON whose `data` or `paging` is missing or of the wrong kind"
        return TransientError(f"{said}: the response is {fault}.")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Unauthorized(f"{said}: the API refuses the token. Check QTICKETS_API_TOKEN.")
    if status == httpx.codes.NOT_FOUND:
        if answer is None:
            return FatalError(f"{said}: no such path. Check QTICKETS_BASE_URL.")
        return NotFound(f"{said}: the API has no such thing.")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimited(f"{said}: too many requests.", _retry_after(headers))
    if httpx.codes.is_server_error(status):
        return TransientError(f"{said}: the API has a fault.", _retry_after(headers))
    return FatalError(f"{said}: not a response this program knows. Check QTICKETS_BASE_URL.")


def _code(answer: dict[str, msgspec.Raw] | None) -> str:
    code = bytes((answer or {}).get("code", b"")).strip(b'"').decode("ascii", "replace")
    return f" {code}" if re.fullmatch("[A-Z_]{1,40}", code) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from a `Retry-After` header: a number of seconds, or an HTTP date."""
    wait = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", wait):
        return float(wait)
    try:
        moment = parsedate_to_datetime(wait)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
