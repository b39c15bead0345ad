"""From a response to the decision: retry, or not, and what to tell the operator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from extract import errors
from extract.client import read_response
from extract.pages import Envelope, decode


def read(where: str, status: int, headers: dict[str, str], body: bytes) -> Envelope:
    return read_response(where, status, headers, body, lambda body: decode(body, Envelope))


HTML = b"<html><body>ivan@example.org</body></html>"
NOT_FOUND = b'{"error":"Resource \\"Order\\" not found","status":404,"code":"RESOURCE_NOT_FOUND"}'
UNKNOWN = b'{"error":"Unknown error","status":503,"code":"UNKNOWN_ERROR","info":[]}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, b'{"error":"no"}', errors.Unauthorized, "QTICKETS_API_TOKEN"),
        (403, HTML, errors.Unauthorized, "QTICKETS_API_TOKEN"),
        (404, NOT_FOUND, errors.NotFound, "RESOURCE_NOT_FOUND"),
        (404, HTML, errors.FatalError, "QTICKETS_BASE_URL"),
        (302, HTML, errors.FatalError, "QTICKETS_BASE_URL"),
        (405, b"{}", errors.FatalError, "405"),
        (429, b"", errors.RateLimited, "too many"),
        (500, HTML, errors.TransientError, "fault"),
        (502, HTML, errors.TransientError, "fault"),
        (503, UNKNOWN, errors.TransientError, "503 UNKNOWN_ERROR"),
        (504, b"", errors.TransientError, "fault"),
        (200, HTML, errors.TransientError, "not JSON"),
        (200, b'{"data": [{"id": 1', errors.TransientError, "cut short"),
        (200, b'{"paging": {}}', errors.TransientError, "`data` or `paging` is missing"),
        (200, b"[]", errors.TransientError, "not JSON"),
        (200, b'{"data": 1, "paging": 2}', errors.TransientError, "of the wrong kind"),
        (200, b"[" * 100_000, errors.TransientError, "not JSON"),
    ],
)
def test_what_is_not_data(status: int, body: bytes, kind: type[errors.ApiError], says: str) -> None:
    with pytest.raises(errors.ApiError) as raised:
        read("GET /orders", status, {}, body)
    assert type(raised.value) is kind
    assert says in str(raised.value)
    assert str(raised.value).startswith("GET /orders: ")
    assert "ivan" not in str(raised.value)


def test_a_404_cut_short_is_not_taken_for_a_wrong_path() -> None:
    with pytest.raises(errors.TransientError):
        read("GET /orders/1", 404, {"content-type": "application/json"}, NOT_FOUND[:40])


def test_a_list() -> None:
    body = b'{"data": [{"id": 1}], "paging": {"total": 1, "perPage": 50}}'
    found = read("GET /orders", 200, {}, body)
    assert ([bytes(row) for row in found.data], found.paging.total) == ([b'{"id": 1}'], 1)


def test_a_code_that_is_no_code_is_not_repeated() -> None:
    with pytest.raises(errors.TransientError) as raised:
        read("GET /orders", 503, {}, b'{"code": "ivan@example.org"}')
    assert "ivan" not in str(raised.value)


def test_how_long_to_wait() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    for told, low, high in (("7", 7, 7), (later, 85, 90), ("0", 0, 0)):
        with pytest.raises(errors.RateLimited) as raised:
            read("GET /orders", 429, {"retry-after": told}, b"")
        wait = raised.value.retry_after
        assert wait is not None
        assert low <= wait <= high
    for told in ("soon", ""):
        with pytest.raises(errors.RateLimited) as raised:
            read("GET /orders", 429, {"retry-after": told}, b"")
        assert raised.value.retry_after is None


def test_exit_codes_are_those_documented() -> None:
    found = {
        kind.__name__: kind.exit_code
        for kind in (
            errors.SettingsError,
            errors.ApiError,
            errors.WarehouseError,
            errors.Incomplete,
            errors.Locked,
        )
    }
    assert list(found.values()) == [2, 3, 4, 5, 6]
    assert errors.Stopped("SIGTERM", 15).exit_code == 143
