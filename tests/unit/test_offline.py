"""Saved responses: served as the API would, and odd ones named."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from extract.errors import SettingsError
from extract.offline import transport

MOMENT = "2026-11-20T12:00:00+03:00"


def order(id_: int, updated_at: str = MOMENT) -> dict[str, Any]:
    return {"id": id_, "payed_at": None, "updated_at": updated_at, "price": 10.5}


def save(file: Path, *rows: Any, **more: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"data": list(rows), **more}), encoding="utf-8")
    return file.parent


def get(directory: Path, path: str, **params: Any) -> httpx.Response:
    client = httpx.Client(transport=transport(directory), base_url="http://offline/v1")
    return client.send(client.build_request("GET", path, json=params))


def ids(response: httpx.Response) -> list[int]:
    return [row["id"] for row in response.json()["data"]]


def test_a_payment_of_no_instant_is_served_and_in_no_range(tmp_path: Path) -> None:
    odd = [{**order(id_), "payed_at": value} for id_, value in ((1, 5), (2, "yesterday"))]
    save(tmp_path / "orders.json", *odd, {**order(3), "payed_at": MOMENT})
    paid = [{"column": "payed_at", "operator": ">=", "value": MOMENT}]
    assert ids(get(tmp_path, "/orders")) == [1, 2, 3]
    assert ids(get(tmp_path, "/orders", where=paid)) == [3]


def test_lists_are_filtered_ordered_and_paged(tmp_path: Path) -> None:
    save(tmp_path / "orders" / "1.json", order(3), order(1, "2026-11-21T12:00:00+03:00"))
    save(tmp_path / "orders" / "2.json", order(2))
    assert ids(get(tmp_path, "/orders")) == [1, 2]
    assert get(tmp_path, "/orders").json()["paging"] == {
        "perPage": 2,
        "currentPage": 1,
        "total": 3,
    }
    assert ids(get(tmp_path, "/orders", page=2)) == [3]
    assert ids(get(tmp_path, "/orders", orderBy={"id": "desc"})) == [3, 2]
    where = [
        {"column": "id", "operator": "<=", "value": 2},
        {"column": "updated_at", "operator": ">=", "value": "2026-11-21T10:00:00+01:00"},
    ]
    found = get(tmp_path, "/orders", where=where)
    assert (ids(found), found.json()["paging"]["total"]) == ([1], 1)
    paid = [{"column": "payed_at", "operator": ">=", "value": MOMENT}]
    assert ids(get(tmp_path, "/orders", where=paid)) == []


def test_single_things_seats_and_what_is_not_saved(tmp_path: Path) -> None:
    save(tmp_path / "events.json", {"id": 7, "name": "Вечер"})
    save(tmp_path / "promo_codes.json", {"id": 8})
    seats = tmp_path / "shows" / "500" / "seats.json"
    save(seats)
    seats.write_text('{"data":{"a":{"price":1}}}')
    assert get(tmp_path, "/events/7").json() == {"data": {"id": 7, "name": "Вечер"}}
    assert ids(get(tmp_path, "/promo-codes")) == [8]
    assert get(tmp_path, "/shows/500/seats").json() == {"data": {"a": {"price": 1}}}
    assert ids(get(tmp_path, "/discounts")) == []
    for path in ("/events/9", "/shows/501/seats"):
        response = get(tmp_path, path)
        assert (response.status_code, response.json()["code"]) == (404, "NOT_SAVED")


def test_the_clock_is_the_saved_one(tmp_path: Path) -> None:
    save(tmp_path / "events.json", {"id": 7})
    now = datetime.now().astimezone()
    assert abs(parsedate_to_datetime(get(tmp_path, "/events").headers["date"]) - now).seconds < 60
    (tmp_path / "now.txt").write_bytes(b"\xef\xbb\xbf" + MOMENT.encode() + b"\r\n")
    date = get(tmp_path, "/events").headers["date"]
    assert parsedate_to_datetime(date) == datetime.fromisoformat(MOMENT)


def test_a_page_that_is_a_part_says_that_there_is_more(tmp_path: Path) -> None:
    save(tmp_path / "orders.json", *map(order, range(1, 51)), paging={"perPage": 50, "total": 126})
    whole = get(tmp_path, "/orders", where=[{"column": "id", "operator": "<=", "value": 50}])
    assert (len(ids(whole)), whole.json()["paging"]["total"]) == (50, 126)
    after = get(tmp_path, "/orders", where=[{"column": "id", "operator": ">", "value": 50}])
    assert (ids(after), after.json()["paging"]["total"]) == ([], 0)
    part = get(tmp_path, "/orders", where=[{"column": "id", "operator": ">", "value": 20}])
    assert (len(ids(part)), part.json()["paging"]["total"]) == (30, 30)


def test_pages_that_are_all_there_are_complete(tmp_path: Path) -> None:
    for number in range(3):
        rows = map(order, range(number * 50 + 1, min(number * 50 + 51, 127)))
        save(tmp_path / "orders" / f"{number}.json", *rows, paging={"perPage": 50, "total": 126})
    assert get(tmp_path, "/orders").json()["paging"]["total"] == 126


def test_a_byte_order_mark_and_half_an_emoji_are_read(tmp_path: Path) -> None:
    save(tmp_path / "orders.json", order(1))
    file = tmp_path / "orders.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    (tmp_path / "events.json").write_text('{"data":[{"id":1,"name":"x \\ud83d"},{"id":2}]}')
    assert ids(get(tmp_path, "/orders")) == [1]
    assert get(tmp_path, "/events").json()["data"] == [{"id": 1, "name": "[redacted]"}, {"id": 2}]


def test_rows_are_served_byte_for_byte(tmp_path: Path) -> None:
    row = b'{"id":1,  "updated_at":"2026-11-20T12:00:00+03:00","price":1e-400,"x":0.10}'
    (tmp_path / "orders.json").write_bytes(b'{"data":[' + row + b"]}")
    assert row in get(tmp_path, "/orders").content


def changed(**values: Any) -> Callable[[Path], object]:
    row = {key: value for key, value in (order(2) | values).items() if value is not ...}
    return lambda directory: save(directory / "orders.json", order(1), row)


def written(name: str, content: str | bytes) -> Callable[[Path], object]:
    content = content if isinstance(content, bytes) else content.encode()
    return lambda directory: (directory / name).write_bytes(content)


ORDERS, EVENTS = r"orders\.json", r"events\.json"
NO_INSTANT = "is no instant in ISO 8601 with its offset"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (changed(id=...), rf"{ORDERS}, row 2: it is no object with a whole number for an `id`"),
        (changed(id="2"), rf"{ORDERS}, row 2: it is no object with a whole number for an `id`"),
        (changed(id=True), rf"{ORDERS}, row 2: it is no object with a whole number for an `id`"),
        (changed(id=1 << 64), rf"{ORDERS}, row 2: its `id` is out of range"),
        (changed(updated_at=...), rf"{ORDERS}, row 2 \(id 2\): `updated_at` {NO_INSTANT}"),
        (changed(updated_at=None), rf"{ORDERS}, row 2 \(id 2\): `updated_at` {NO_INSTANT}"),
        (changed(updated_at=5), rf"{ORDERS}, row 2 \(id 2\): `updated_at` {NO_INSTANT}"),
        (
            changed(updated_at="2026-11-20 12:00:00"),
            rf"{ORDERS}, row 2 \(id 2\): `updated_at` {NO_INSTANT}",
        ),
        (
            changed(updated_at="0000-00-00 00:00:00"),
            rf"{ORDERS}, row 2 \(id 2\): `updated_at` {NO_INSTANT}",
        ),
        (written("orders.json", '{"data":null}'), rf"{ORDERS}: `data` is no list"),
        (written("orders.json", '{"data":{"id":1}}'), rf"{ORDERS}: `data` is no list"),
        (written("orders.json", '{"data":[null]}'), rf"{ORDERS}, row 1: it is no object"),
        (written("orders.json", "[]"), rf"{ORDERS}: not a saved response .* no `data` in it"),
        (written("orders.json", "{}"), rf"{ORDERS}: not a saved response .* no `data` in it"),
        (written("orders.json", '{"data":[{"id":1'), rf"{ORDERS}: not JSON"),
        (written("orders.json", ""), rf"{ORDERS}: not JSON"),
        (written("orders.json", b"\xff\xfe{\x00"), rf"{ORDERS}: not JSON"),
        (written("orders.json", "[" * 100_000), rf"{ORDERS}: not a saved response"),
        (
            written("events.json", '{"data":[{"id":1}],"paging":{"total":"1"}}'),
            rf"{EVENTS}: `paging.total` is no whole number",
        ),
        (
            written("events.json", '{"data":[],"paging":{"total":7}}'),
            rf"{EVENTS}: `paging.total` is 7, and no row is there",
        ),
        (
            written("events.json", '{"data":[],"paging":{"total":1e999}}'),
            rf"{EVENTS}: `paging` cannot be read",
        ),
        (
            written("events.json", b'{"data":[],"paging":{"total":"\xff"}}'),
            rf"{EVENTS}: `paging.total` is no whole number",
        ),
        (written("now.txt", "9999-12-31T23:59:59-03:00"), rf"now\.txt: {NO_INSTANT[3:]}"),
        (written("now.txt", "2026-11-20 12:00:00"), rf"now\.txt: {NO_INSTANT[3:]}"),
        (written("now.txt", "now"), rf"now\.txt: {NO_INSTANT[3:]}"),
        (written("now.txt", b"\xff"), rf"now\.txt: {NO_INSTANT[3:]}"),
        (written("shows/5/seats.json", '{"data":null}'), r"shows/5/seats\.json: `data` is no obj"),
        (written("shows/5/seats.json", "x"), r"shows/5/seats\.json: not JSON"),
    ],
)
def test_what_is_odd_is_named(tmp_path: Path, odd: Callable[[Path], object], said: str) -> None:
    save(tmp_path / "orders.json", order(1))
    (tmp_path / "shows" / "5").mkdir(parents=True)
    odd(tmp_path)
    with pytest.raises(SettingsError, match=rf"^{tmp_path}/{said}"):
        transport(tmp_path)


def test_a_directory_without_responses_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"neither orders\.json nor events\.json in it"):
        transport(tmp_path)
    with pytest.raises(SettingsError, match="there is no such directory"):
        transport(tmp_path / "none")
    (tmp_path / "orders.json").mkdir()
    (tmp_path / "events.json").mkdir()
    with pytest.raises(SettingsError, match="neither"):
        transport(tmp_path)
