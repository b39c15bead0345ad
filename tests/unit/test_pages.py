"""Every page is checked; a read ends when nothing is left. Over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from extract.client import Client
from extract.errors import FatalError, Ignored, InvalidPage
from extract.pages import Filter, Pages, _checked, within
from extract.resources import ORDERS
from extract.settings import Settings
from tests.qtickets_api import QTicketsServer
from tests.zakaz import small_organiser


@pytest.fixture(scope="module")
def server() -> Iterator[QTicketsServer]:
    with QTicketsServer(small_organiser(days=15)) as running:
        yield running


@pytest.fixture
def pages(server: QTicketsServer) -> Iterator[Pages]:
    server.faults.clear()
    server.requests.clear()
    settings = Settings(
        qtickets_api_token=server.token,
        qtickets_base_url=server.url,
        extract_backoff_seconds=0.01,
        extract_tries=4,
    )
    client = Client(settings)
    yield Pages(client)
    client.close()


def read(pages: Pages, lo: int = 0, hi: int | None = None, *where: Filter) -> list[int]:
    return [row.id for page in pages.read(ORDERS, lo, hi, where) for row in page.rows]


def test_all_is_read_by_id(pages: Pages, server: QTicketsServer) -> None:
    ids = list(server.organiser.orders.ids)
    assert read(pages) == ids
    assert len(ids) > 200
    assert all(seen.page == 1 for seen in server.requests)


def test_a_span_is_half_open(pages: Pages, server: QTicketsServer) -> None:
    ids = list(server.organiser.orders.ids)
    assert read(pages, ids[3], ids[90]) == ids[4:91]
    assert read(pages, ids[3], ids[3]) == []
    assert read(pages, ids[-1]) == []
    assert pages.total(ORDERS, ids[3], ids[90]) == 87


def test_changes(pages: Pages, server: QTicketsServer) -> None:
    since = datetime.now(UTC) - timedelta(days=5)
    expected = [
        row["id"]
        for row in server.organiser.orders.rows()
        if datetime.fromisoformat(row["updated_at"]) >= since
    ]
    assert read(pages, 0, None, Filter("updated_at", ">=", since)) == expected != []
    assert all(seen.encoding == "body" for seen in server.requests)


@pytest.mark.parametrize("fault", ["empty_page", "short_page", "duplicate_page", "html_200"])
def test_a_wrong_page_is_requested_again(pages: Pages, server: QTicketsServer, fault: str) -> None:
    server.faults.script([None, fault, None, None, fault])
    assert read(pages) == list(server.organiser.orders.ids)


def test_a_page_that_stays_wrong_is_an_error_that_says_what_was_wrong(
    pages: Pages, server: QTicketsServer
) -> None:
    server.faults.empty_page = 1
    with pytest.raises(InvalidPage, match=r"a page of 0 rows where 50 were due .* Tried 4 times"):
        read(pages)


def test_filters_lost_with_the_body_travel_in_the_query(
    pages: Pages, server: QTicketsServer
) -> None:
    server.faults.ignore_body = 1
    assert read(pages) == list(server.organiser.orders.ids)
    assert pages.encoding == "query"


def test_filters_lost_either_way_are_fatal(pages: Pages, server: QTicketsServer) -> None:
    server.faults.ignore_filters = 1
    with pytest.raises(FatalError, match="ignores filters in the body and in the query"):
        read(pages)
    assert len(server.requests) == 6


def test_half_an_emoji_costs_itself_and_not_its_page() -> None:
    body = page(4, 5, total=2)[:-1] + b',"note":"\\ud83d"}'
    odd = body.replace(b'{"id": 5}', b'{"id": 5, "utm": {"utm_term": "a \\ud83d"}, "x": "\xff"}')
    rows, *_ = _checked(odd, resource=ORDERS, where=(), newest_first=False)
    assert [row.payload for row in rows] == [
        b'{"id":4}',
        b'{"id":5,"utm":{"utm_term":"[redacted]"}}',
    ]


def page(*ids: Any, total: Any = None, per_page: Any = 3) -> bytes:
    rows = [{"id": id_} for id_ in ids]
    return json.dumps({"data": rows, "paging": {"perPage": per_page, "total": total}}).encode()


@pytest.mark.parametrize(
    ("answer", "where", "kind"),
    [
        (page(4, 5, total=5), [], InvalidPage),
        (page(4, 5, 6, 7, total=4), [], InvalidPage),
        (page(total=2), [], InvalidPage),
        (page(4, total="1"), [], msgspec.ValidationError),
        (page(4, total=-1), [], msgspec.ValidationError),
        (page(4, total=1, per_page=0), [], msgspec.ValidationError),
        (b'{"data": {"id": 1}, "paging": {}}', [], msgspec.ValidationError),
        (b'{"data": [{"id": 1}]}', [], msgspec.ValidationError),
        (page(5, 4, total=2), [], Ignored),
        (page(4, 5, total=2), within(4, 9), Ignored),
        (page(4, 5, total=2), within(0, 4), Ignored),
        (page(4, total=1), [Filter("updated_at", ">=", datetime.now(UTC))], Ignored),
    ],
)
def test_a_page_that_is_not_what_was_requested(
    answer: bytes, where: list[Filter], kind: type[Exception]
) -> None:
    with pytest.raises(kind) as raised:
        _checked(answer, resource=ORDERS, where=where, newest_first=False)
    assert type(raised.value) is kind


def test_pages_that_are_what_was_requested() -> None:
    for answer in (page(total=0), page(4, 5, 9, total=7), page(4, 9, total=2)):
        _checked(answer, resource=ORDERS, where=within(3, 9), newest_first=False)
    _checked(page(9, 4, total=2), resource=ORDERS, where=(), newest_first=True)


@pytest.mark.parametrize(
    ("ids", "read", "odd"),
    [
        ((4, "5", 6), [4, 6], [4]),
        ((True, 5, None), [5], [3, 5]),
        ((-1, 1 << 64, 2.0), [], [3, 3, 3]),
        ((4, 4, 6), [4, 6], [4]),
    ],
)
def test_a_row_without_a_usable_id_costs_itself(
    ids: tuple[Any, ...], read: list[int], odd: list[int]
) -> None:
    answer = page(*ids, total=7)
    rows, found, _ = _checked(answer, resource=ORDERS, where=within(3, 9), newest_first=False)
    assert ([row.id for row in rows], found) == (read, odd)
    answer = page(*ids[::-1], total=7)
    rows, found, _ = _checked(answer, resource=ORDERS, where=(), newest_first=True)
    assert [row.id for row in rows] == read[::-1]
    no_object = b'{"data": [1, {"id": 5}], "paging": {"perPage": 3, "total": 2}}'
    rows, found, _ = _checked(no_object, resource=ORDERS, where=(), newest_first=False)
    assert ([row.id for row in rows], found) == ([5], [0])


def test_instants_carry_their_offset_with_a_colon() -> None:
    moment = datetime(2025, 11, 3, 13, 46, 54, tzinfo=UTC)
    asked = Filter("updated_at", ">=", moment).as_json()
    assert asked["value"] == "2025-11-03T16:46:54+03:00"
