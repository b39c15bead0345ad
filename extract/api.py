"""One GET to the API: authorised, bounded in time, retried, and never anything but a GET."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx
import orjson
import tenacity
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from extract.errors import Ignored, Passing, Stopped, TooFast, read_answer
from extract.settings import Settings

Encoding = Literal["body", "query"]
"""How a question travels: as a JSON body on the GET, or as JSON strings in the query."""

_log = logging.getLogger("extract.api")

_IGNORED_TRIES = 3
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of one answer, and the server's own time (UTC) when it was given."""

    json: dict[str, Any]
    date: datetime


@dataclass(slots=True)
class Tally:
    """What a piece of work has cost so far. Bytes are those of the bodies, decompressed."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, requests: int = 0, retries: int = 0, size: int = 0) -> None:
        """Count, from any thread."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.bytes += size


class Throttle:
    """At most `limit` requests side by side; fewer when the API complains, more again after."""

    _EASE_AFTER = 50

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = self._limit = limit
        self._clock = clock
        self._running = self._good = 0
        self._not_before = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, stop: Callable[[], None]) -> Iterator[None]:
        """Wait for a place among the requests; `stop` raises when waiting is over for good."""
        with self._changed:
            while self._running >= self._limit or self._clock() < self._not_before:
                stop()
                self._changed.wait(0.1)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def complained(self, seconds: float | None) -> None:
        """Halve the requests side by side, and let nobody ask for `seconds`."""
        with self._changed:
            self._limit = max(1, self._limit // 2)
            self._good = 0
            self._not_before = max(self._not_before, self._clock() + (seconds or 0.0))

    def answered(self) -> None:
        """Allow one more side by side after a row of good answers."""
        with self._changed:
            self._good += 1
            if self._good >= self._EASE_AFTER and self._limit < self._most:
                self._limit += 1
                self._good = 0


class Api:
    """The API at one base URL with one token. Safe to use from several threads.

    `stop` is raised in whoever is asking or waiting, once it is set.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self.connections = settings.extract_connections
        self.stop: Stopped | None = None
        self.answered = False  # whether any answer was good so far
        self.spent = Tally()
        self._halt = threading.Event()
        self._throttle = Throttle(settings.extract_connections)
        self._patience = settings.extract_patience_seconds
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Passing),
            wait=_AsToldOrBackoff(settings.extract_backoff_seconds),
            stop=(
                tenacity.stop_after_attempt(settings.extract_tries)
                | tenacity.stop_before_delay(settings.extract_patience_seconds)
                | _IgnoredOftenEnough()
            ),
            sleep=tenacity.sleep_using_event(self._halt),
            before_sleep=self._complain,
            reraise=True,
        )
        token = settings.qtickets_api_token
        self._client = httpx.Client(
            base_url=settings.qtickets_base_url,
            transport=transport,
            event_hooks={"request": [_only_get]},
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": "zakaz",
                **({"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}),
            },
            timeout=httpx.Timeout(
                connect=settings.extract_connect_seconds,
                read=settings.extract_read_seconds,
                write=settings.extract_connect_seconds,
                pool=settings.extract_read_seconds,
            ),
            limits=httpx.Limits(
                max_connections=settings.extract_connections,
                max_keepalive_connections=settings.extract_connections,
            ),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def halt(self, reason: Stopped) -> None:
        """Let no further request start, and wake those who wait for their next try."""
        self.stop = reason
        self._halt.set()

    def get(
        self,
        path: str,
        question: Mapping[str, Any] | None = None,
        *,
        encoding: Encoding = "body",
        check: Callable[[dict[str, Any]], None] | None = None,
        tally: Tally | None = None,
    ) -> Answer:
        """Ask until the answer is good, patience runs out, or asking again cannot help.

        `question`: e.g. `{"where": [...], "orderBy": {"id": "asc"}, "page": 1}`. `check` raises
        Passing when an answer is not to be believed; it is then asked for again like any other
        passing fault. Raises ApiError, or Stopped.
        """
        request = self._build(path, question or {}, encoding)
        spent = (self.spent, tally) if tally else (self.spent,)
        number = 0
        try:
            for attempt in self._retrying:
                with attempt:
                    number = attempt.retry_state.attempt_number
                    for one in spent:
                        one.add(requests=1, retries=int(number > 1))
                    answer = self._once(request, path, spent)
                    if check:
                        check(answer.json)
        except Passing as fault:
            fault.args = (f"{fault} Tried {number} times.",)
            raise
        self._throttle.answered()
        self.answered = True
        return answer

    def _build(self, path: str, question: Mapping[str, Any], encoding: Encoding) -> httpx.Request:
        if encoding == "body":
            content = orjson.dumps(question) if question else None
            headers = {"Content-Type": "application/json"} if question else {}
            request = self._client.build_request("GET", path, content=content, headers=headers)
        else:
            params = {
                key: value if isinstance(value, int | str) else orjson.dumps(value).decode()
                for key, value in question.items()
            }
            request = self._client.build_request("GET", path, params=params)
        return request

    def _once(self, request: httpx.Request, path: str, spent: tuple[Tally, ...]) -> Answer:
        where = f"GET {path}"
        with self._throttle.slot(self._stop_if_told):
            self._stop_if_told()
            try:
                response, body = self._send(request)
            except httpx.TimeoutException as error:
                raise Passing(f"{where}: timed out ({_name(error)}).") from None
            except httpx.ConnectError:
                raise Passing(
                    f"{where}: cannot connect to {request.url.host}. Check QTICKETS_BASE_URL and "
                    "the network."
                ) from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                host = request.url.host
                raise Passing(f"{where}: no whole answer from {host} ({_name(error)}).") from None
        for one in spent:
            one.add(size=len(body))
        answer = read_answer(where, response.status_code, response.headers, body)
        return Answer(answer, _date(response.headers))

    def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        # httpx bounds the wait for the next bytes, not for all of them: a body that drips would
        # hold a connection for ever
        deadline = time.monotonic() + self._patience
        response = self._client.send(request, stream=True)
        try:
            chunks = []
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole answer")
                if self._halt.is_set():
                    self._stop_if_told()
        finally:
            response.close()
        return response, b"".join(chunks)

    def _complain(self, state: tenacity.RetryCallState) -> None:
        fault = _fault(state)
        if isinstance(fault, Passing) and not isinstance(fault, Ignored):
            self._throttle.complained(fault.retry_after if isinstance(fault, TooFast) else None)
        wait = state.next_action.sleep if state.next_action else 0
        _log.info("%s Asking again in %.1f s.", fault, wait)

    def _stop_if_told(self) -> None:
        if self.stop:
            raise self.stop


def _only_get(request: httpx.Request) -> None:
    if request.method != "GET":  # the API's other verbs create and change orders
        raise AssertionError("only GET may ever be sent")


def _fault(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


class _AsToldOrBackoff(wait_base):
    """Seconds until the next try: what the server told us, or exponential with jitter."""

    def __init__(self, first: float) -> None:
        exponential = tenacity.wait_exponential(multiplier=first, max=_LONGEST_WAIT)
        self._backoff = exponential + tenacity.wait_random(0, 2 * first)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        fault = _fault(retry_state)
        told = fault.retry_after if isinstance(fault, Passing) else None
        return self._backoff(retry_state) if told is None else told


class _IgnoredOftenEnough(stop_base):
    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        # a filter ignored three times running is no hiccup: the caller has another way to ask
        ignored = isinstance(_fault(retry_state), Ignored)
        return ignored and retry_state.attempt_number >= _IGNORED_TRIES


def _name(error: Exception) -> str:
    return type(error).__name__


def _date(headers: httpx.Headers) -> datetime:
    """Return the server's clock when it answered, UTC; ours where a proxy dropped the header."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
