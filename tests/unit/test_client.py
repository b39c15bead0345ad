"""One GET: bounded in time, slower when told, never anything but a GET. Over real HTTP."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer, SimpleHTTPRequestHandler
from typing import Any

import httpx
import msgspec
import pytest
import trustme

from extract.client import Cancelled, Client, read_response
from extract.errors import (
    ApiError,
    FatalError,
    NotFound,
    RateLimited,
    TransientError,
    Unauthorized,
    Unreachable,
)
from extract.pages import Envelope, decode
from extract.settings import Settings
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


def client(server: QTicketsServer, token: str = "", **settings: Any) -> Client:
    defaults: dict[str, Any] = {
        "qtickets_api_token": token or server.token,
        "qtickets_base_url": server.url,
        "extract_backoff_seconds": 0.01,
        "extract_tries": 4,
    }
    return Client(Settings(**defaults | settings))


def rows(body: bytes) -> int:
    return len(decode(body, Envelope).data)


def test_a_transient_fault_is_retried_and_counted(server: QTicketsServer) -> None:
    server.faults.script(["error_503", "reset", "html_200"])
    api = client(server)
    found, date = api.get("/orders", rows)
    assert found == 50
    assert abs(date - datetime.now(UTC)) < timedelta(minutes=1)
    assert (api.traffic.requests, api.traffic.retries) == (4, 3)
    assert api.traffic.bytes > 50 * 1000


def test_tries_are_bounded(server: QTicketsServer) -> None:
    server.faults.error_503 = 1
    with pytest.raises(TransientError, match=r"503 UNKNOWN_ERROR: .* Tried 4 times"):
        client(server).get("/orders", rows)
    assert len(server.requests) == 4


def test_time_is_bounded(server: QTicketsServer) -> None:
    server.faults.error_503 = 1
    with pytest.raises(TransientError):
        client(server, extract_tries=100, extract_patience_seconds=0.3).get("/orders", rows)
    assert 1 < len(server.requests) < 30


def test_a_body_that_drips_is_bounded_too(server: QTicketsServer) -> None:
    server.faults.slow_body = 1
    server.faults.slow_gap = 0.2  # eight parts: each in time, all of them not
    with pytest.raises(TransientError, match="timed out"):
        client(server, extract_patience_seconds=0.5, extract_tries=1).get("/orders", rows)
    server.faults.slow_gap = 0.05


def test_a_read_timeout_is_transient(server: QTicketsServer) -> None:
    server.faults.script(["slow_body"])
    server.faults.slow_gap = 0.5
    assert client(server, extract_read_seconds=0.2).get("/orders", rows)[0] == 50
    server.faults.slow_gap = 0.05


@pytest.mark.parametrize("fault", ["too_many_429_seconds", "too_many_429_date"])
def test_a_429_is_waited_for_by_all(server: QTicketsServer, fault: str) -> None:
    server.faults.script([fault])
    api = client(server)
    began = time.monotonic()
    api.get("/orders", rows)
    # an HTTP date has whole seconds, so a second from now may be little less than none
    if fault == "too_many_429_seconds":
        assert time.monotonic() - began > 0.9
        assert api._not_before > began + 0.9
    assert len(server.requests) == 2


def test_a_wait_beyond_all_patience_is_not_begun(server: QTicketsServer) -> None:
    server.faults.too_many_429_seconds = 1
    server.faults.retry_after = 3600
    api = client(server)
    with pytest.raises(RateLimited, match="Tried 1 times"):
        api.get("/orders", rows)
    assert not api._not_before
    # and others are not held up by it
    server.faults.retry_after = 1
    server.faults.too_many_429_seconds = 0
    assert api.get("/events", rows)[0]


def test_fatal_responses_are_not_retried(server: QTicketsServer) -> None:
    api = client(server)
    for path, kind in (("/orders/1", NotFound), ("/no/such/path", FatalError)):
        with pytest.raises(kind):
            api.get(path, rows)
    with pytest.raises(Unauthorized):
        client(server, "wrong").get("/orders", rows)
    server.faults.script(["redirect"])
    with pytest.raises(FatalError):
        api.get("/orders", rows)
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [200, 403, 404, 503])
@pytest.mark.parametrize("body", [b'{"\xff":1}', b'{"data":' + b"[" * 9999 + b"]" * 9999 + b"}"])
def test_a_body_that_no_reader_takes_is_an_error_of_the_api(status: int, body: bytes) -> None:
    with pytest.raises(ApiError):
        read_response("GET /orders", status, {}, body, msgspec.json.decode)


@pytest.mark.parametrize("wait", ["soon", "Thu, 01 Jan 2026 00:00:00 +999999999999999"])
def test_a_retry_after_that_says_nothing_is_none(wait: str) -> None:
    with pytest.raises(RateLimited) as raised:
        read_response("GET /orders", 429, {"retry-after": wait}, b"", msgspec.json.decode)
    assert raised.value.retry_after is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
def test_only_get_is_ever_sent(server: QTicketsServer, method: str) -> None:
    with pytest.raises(AssertionError, match="only GET"):
        httpx.Client(**client(server)._options).request(method, "/orders")
    assert server.requests == []


def test_no_cache_answers(server: QTicketsServer) -> None:
    request = httpx.Client(**client(server)._options).build_request("GET", "/orders")
    assert request.headers["cache-control"] == "no-cache"


def test_the_token_is_in_no_log_error_or_repr(
    server: QTicketsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="extract")
    server.faults.error_503 = 1
    api = client(server)
    with pytest.raises(TransientError) as raised:
        api.get("/orders", rows)
    settings = Settings(qtickets_api_token=server.token)
    said = f"{caplog.text}{raised.value!r}{api!r}{vars(api)}{settings!r}{settings}"
    assert "503" in caplog.text
    assert server.token not in said


def test_who_waits_is_woken_when_it_is_closed(server: QTicketsServer) -> None:
    server.faults.error_503 = 1
    api = client(server, extract_backoff_seconds=60, extract_patience_seconds=600)
    failed: list[Cancelled] = []

    def get() -> None:
        try:
            api.get("/orders", rows)
        except Cancelled as error:
            failed.append(error)

    waiting = threading.Thread(target=get)
    waiting.start()
    while not server.requests:
        time.sleep(0.01)
    api.close()
    waiting.join(20)
    assert len(failed) == 1
    with pytest.raises(Cancelled):
        api.get("/orders", rows)
    assert len(server.requests) == 1


@pytest.mark.parametrize("hours", [-3, 0.5, 30 * 24])
def test_a_date_far_ahead_of_our_clock_is_not_believed(
    server: QTicketsServer, hours: float
) -> None:
    server.organiser.clock_skew = hours * 3600
    api = client(server)
    try:
        _, date = api.get("/orders", rows)
    finally:
        server.organiser.clock_skew = 0
    believed = hours if hours < 1 else 0
    assert abs(date - datetime.now(UTC) - timedelta(hours=believed)) < timedelta(minutes=1)
    assert bool(api.clock_ahead) == (hours > 1)


def test_a_certificate_is_not_called_the_network() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        api = Client(Settings(qtickets_base_url=f"https://127.0.0.1:{listening.server_port}/api"))
        with pytest.raises(FatalError, match=r"certificate of 127\.0\.0\.1 is not trusted: "):
            api.get("/orders", rows)
        listening.shutdown()
    assert api.traffic.requests == 1


def test_no_tls_is_told_from_no_network(server: QTicketsServer) -> None:
    url = server.url.replace("http:", "https:")
    with pytest.raises(FatalError, match="no TLS at 127"):
        client(server, qtickets_base_url=url).get("/orders", rows)


def test_a_proxy_that_does_not_answer_is_named(
    server: QTicketsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as listening:
        monkeypatch.setenv("http_proxy", f"http://user:pa55@127.0.0.1:{listening.server_port}")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(TransientError) as raised:  # it accepts, and nobody serves it
            client(server, extract_read_seconds=0.2, extract_tries=1).get("/orders", rows)
    assert f"through the proxy 127.0.0.1:{listening.server_port} of HTTP_PROXY" in str(raised.value)
    assert "pa55" not in str(raised.value)


def test_a_dead_proxy_is_named(server: QTicketsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:pa55@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Unreachable) as raised:
        client(server, extract_tries=1).get("/orders", rows)
    assert "cannot connect to the proxy 127.0.0.1:1 of HTTP_PROXY" in str(raised.value)
    assert "pa55" not in str(raised.value)
