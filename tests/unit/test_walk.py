"""Every page proves itself; a walk ends when nothing is left. Over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from extract.api import Api
from extract.errors import Doubtful, Ignored, Incomplete
from extract.settings import Secret, Settings
from extract.walk import Condition, Reader, between, prove
from tests.qtickets_api import QTicketsServer
from tests.zakaz import small_organiser


@pytest.fixture(scope="module")
def server() -> Iterator[QTicketsServer]:
    with QTicketsServer(small_organiser(days=15)) as running:
        yield running


@pytest.fixture
def reader(server: QTicketsServer) -> Iterator[Reader]:
    server.faults.clear()
    server.requests.clear()
    settings = Settings(
        qtickets_api_token=Secret(server.token),
        qtickets_base_url=server.url,
        extract_backoff_seconds=0.01,
        extract_tries=4,
    )
    api = Api(settings)
    yield Reader(api)
    api.close()


def read(reader: Reader, *args: Any, **kwargs: Any) -> list[int]:
    return [row["id"] for page in reader.walk("/orders", *args, **kwargs) for row in page.rows]


def test_a_walk_reads_all_by_id(reader: Reader, server: QTicketsServer) -> None:
    ids = list(server.organiser.orders.ids)
    assert read(reader) == ids
    assert len(ids) > 200
    assert all(seen.page == 1 for seen in server.requests)


def test_a_walk_between_two_ids_is_half_open(reader: Reader, server: QTicketsServer) -> None:
    ids = list(server.organiser.orders.ids)
    assert read(reader, ids[3], ids[90]) == ids[4:91]
    assert read(reader, ids[3], ids[3]) == []
    assert read(reader, ids[-1], None) == []


def test_a_walk_of_changes(reader: Reader, server: QTicketsServer) -> None:
    since = datetime.now(UTC) - timedelta(days=5)
    expected = [
        row["id"]
        for row in server.organiser.orders.rows()
        if datetime.fromisoformat(row["updated_at"]) >= since
    ]
    changed = Condition("updated_at", ">=", since)
    assert read(reader, where=(changed,)) == expected != []
    assert all(seen.encoding == "body" for seen in server.requests)


@pytest.mark.parametrize("fault", ["empty_page", "short_page", "duplicate_page", "html_200"])
def test_a_wrong_page_is_asked_for_again(
    reader: Reader, server: QTicketsServer, fault: str
) -> None:
    server.faults.script([None, fault, None, None, fault])
    assert read(reader) == list(server.organiser.orders.ids)


def test_a_page_that_stays_wrong_is_an_error_that_says_what_was_wrong(
    reader: Reader, server: QTicketsServer
) -> None:
    server.faults.empty_page = 1
    with pytest.raises(Doubtful, match=r"a page of 0 rows where 50 were due .* Tried 4 times"):
        read(reader)


def test_filters_lost_with_the_body_travel_in_the_query(
    reader: Reader, server: QTicketsServer
) -> None:
    server.faults.ignore_body = 1
    assert read(reader) == list(server.organiser.orders.ids)
    assert reader.encoding == "query"


def test_filters_lost_either_way_are_noticed(reader: Reader, server: QTicketsServer) -> None:
    server.faults.ignore_filters = 1
    with pytest.raises(Ignored):
        read(reader)


def test_pages_by_number_prove_themselves_by_distinct_ids(
    reader: Reader, server: QTicketsServer
) -> None:
    server.faults.ignore_filters = 1
    rows = [row["id"] for page in reader.walk_pages("/orders") for row in page.rows]
    assert sorted(rows) == list(server.organiser.orders.ids)


def test_a_list_that_keeps_moving_is_not_called_complete(
    reader: Reader, server: QTicketsServer
) -> None:
    server.faults.ignore_filters = 1
    pages = (server.organiser.new_order() for _ in reader.walk_pages("/orders"))
    with pytest.raises(Incomplete, match="kept changing"):
        list(pages)


def test_a_page_that_repeats_stops_the_run(reader: Reader, server: QTicketsServer) -> None:
    server.faults.ignore_page = 1
    with pytest.raises(Incomplete, match="only its first page"):
        list(reader.walk_pages("/orders"))


def page(*ids: Any, total: Any = None, per_page: Any = 3) -> dict[str, Any]:
    rows = [{"id": id_} for id_ in ids]
    return {"data": rows, "paging": {"perPage": per_page, "total": total}}


@pytest.mark.parametrize(
    ("answer", "where", "kind"),
    [
        (page(4, 5, total=5), (), Doubtful),
        (page(4, 5, 6, 7, total=4), (), Doubtful),
        (page(total=2), (), Doubtful),
        (page(4, total="1"), (), Doubtful),
        (page(4, total=1, per_page=0), (), Doubtful),
        (page("4", total=1), (), Doubtful),
        (page(True, total=1), (), Doubtful),
        ({"data": {"id": 1}, "paging": {}}, (), Doubtful),
        ({"data": [1], "paging": {"perPage": 3, "total": 1}}, (), Doubtful),
        ({"data": [{"id": 1}]}, (), Doubtful),
        (page(5, 4, total=2), (), Ignored),
        (page(4, 4, total=2), (), Ignored),
        (page(4, 5, total=2), between(4, 9), Ignored),
        (page(4, 5, total=2), between(0, 4), Ignored),
        (page(4, total=1), (Condition("updated_at", ">=", datetime.now(UTC)),), Ignored),
    ],
)
def test_a_page_that_is_not_what_was_asked_for(
    answer: dict[str, Any], where: tuple[Condition, ...], kind: type[Doubtful]
) -> None:
    with pytest.raises(Doubtful) as raised:
        prove(answer, path="/orders", where=where, descending=False)
    assert type(raised.value) is kind


def test_pages_that_are_what_was_asked_for() -> None:
    for answer in (page(total=0), page(4, 5, 9, total=7), page(4, 9, total=2)):
        prove(answer, path="/orders", where=between(3, 9), descending=False)
    prove(page(9, 4, total=2), path="/orders", where=(), descending=True)


def test_instants_carry_their_offset_with_a_colon() -> None:
    moment = datetime(2025, 11, 3, 13, 46, 54, tzinfo=UTC)
    asked = Condition("updated_at", ">=", moment).as_json()
    assert asked["value"] == "2025-11-03T16:46:54+03:00"
