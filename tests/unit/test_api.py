"""One GET: bounded in time, slower when told, never anything but a GET. Over real HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from extract.api import Api, Tally, Throttle
from extract.errors import Final, NotFound, Passing, Refused, Stopped, TooFast
from extract.settings import Secret, Settings
from tests.qtickets_api import QTicketsServer
from tests.zakaz import small_organiser


@pytest.fixture(scope="module")
def running() -> Iterator[QTicketsServer]:
    with QTicketsServer(small_organiser(days=3)) as server:
        yield server


@pytest.fixture
def server(running: QTicketsServer) -> QTicketsServer:
    running.faults.clear()
    running.requests.clear()
    return running


def api(server: QTicketsServer, **settings: Any) -> Api:
    defaults: dict[str, Any] = {
        "qtickets_api_token": Secret(server.token),
        "qtickets_base_url": server.url,
        "extract_backoff_seconds": 0.01,
        "extract_tries": 4,
    }
    return Api(Settings(**defaults | settings))


def test_a_passing_fault_is_asked_for_again_and_counted(server: QTicketsServer) -> None:
    server.faults.script(["error_503", "reset", "html_200"])
    tally = Tally()
    answer = api(server).get("/orders", tally=tally)
    assert len(answer.json["data"]) == 50
    assert (tally.requests, tally.retries) == (4, 3)
    assert tally.bytes > 50 * 1000


def test_tries_are_bounded(server: QTicketsServer) -> None:
    server.faults.error_503 = 1
    with pytest.raises(Passing, match=r"503 UNKNOWN_ERROR: .* Tried 4 times"):
        api(server).get("/orders")
    assert len(server.requests) == 4


def test_time_is_bounded(server: QTicketsServer) -> None:
    server.faults.error_503 = 1
    with pytest.raises(Passing):
        api(server, extract_tries=100, extract_patience_seconds=0.3).get("/orders")
    assert 1 < len(server.requests) < 30


def test_a_body_that_drips_is_bounded_too(server: QTicketsServer) -> None:
    server.faults.slow_body = 1
    server.faults.slow_gap = 0.2  # eight parts: each in time, all of them not
    with pytest.raises(Passing, match="timed out"):
        api(server, extract_patience_seconds=0.5, extract_tries=1).get("/orders")
    server.faults.slow_gap = 0.05


def test_a_read_timeout_is_a_passing_fault(server: QTicketsServer) -> None:
    server.faults.script(["slow_body"])
    server.faults.slow_gap = 0.5
    assert api(server, extract_read_seconds=0.2).get("/orders").json["data"]
    server.faults.slow_gap = 0.05


@pytest.mark.parametrize("fault", ["too_many_429_seconds", "too_many_429_date"])
def test_a_429_is_waited_for_as_told(server: QTicketsServer, fault: str) -> None:
    server.faults.script([fault])
    client = api(server)
    began = time.monotonic()
    client.get("/orders")
    # an HTTP date has whole seconds, so a second from now may be little less than none
    assert time.monotonic() - began > (0.9 if fault == "too_many_429_seconds" else 0.0)
    assert client._throttle._limit < client.connections


def test_a_wait_beyond_all_patience_is_not_begun(server: QTicketsServer) -> None:
    server.faults.too_many_429_seconds = 1
    server.faults.retry_after = 3600
    began = time.monotonic()
    with pytest.raises(TooFast):
        api(server).get("/orders")
    assert time.monotonic() - began < 60
    server.faults.retry_after = 1


def test_final_answers_are_not_asked_for_again(server: QTicketsServer) -> None:
    client = api(server)
    for path, kind in (("/orders/1", NotFound), ("/no/such/path", Final)):
        with pytest.raises(kind):
            client.get(path)
    with pytest.raises(Refused):
        api(server, qtickets_api_token=Secret("wrong")).get("/orders")
    server.faults.script(["redirect"])
    with pytest.raises(Final):
        client.get("/orders")
    assert len(server.requests) == 4


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
def test_only_get_is_ever_sent(server: QTicketsServer, method: str) -> None:
    with pytest.raises(AssertionError, match="only GET"):
        api(server)._client.request(method, "/orders")
    assert server.requests == []


def test_the_token_is_in_no_log_error_or_repr(
    server: QTicketsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="extract")
    server.faults.error_503 = 1
    client = api(server)
    with pytest.raises(Passing) as raised:
        client.get("/orders")
    settings = Settings(qtickets_api_token=Secret(server.token))
    said = f"{caplog.text}{raised.value!r}{client!r}{vars(client)}{settings!r}{settings}"
    assert "503" in caplog.text
    assert server.token not in said


def test_who_waits_is_woken_by_a_halt(server: QTicketsServer) -> None:
    client = api(server)
    client.halt(Stopped("SIGTERM", 15))
    with pytest.raises(Stopped):
        client.get("/orders")
    assert server.requests == []


def test_the_throttle_halves_and_recovers() -> None:
    throttle = Throttle(8)
    throttle.complained(None)
    assert throttle._limit == 4
    for _ in range(5):
        throttle.complained(None)
    assert throttle._limit == 1
    for _ in range(Throttle._EASE_AFTER * 20):
        throttle.answered()
    assert throttle._limit == 8


def test_nobody_asks_while_told_to_wait() -> None:
    now = [100.0]
    throttle = Throttle(2, clock=lambda: now[0])
    throttle.complained(5)
    waits = 0

    def tick() -> None:
        nonlocal waits
        waits += 1
        now[0] += 1

    with throttle.slot(tick):
        assert waits == 5
