"""The project's own QTickets server: does it speak the API, and do its faults look like faults?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.qtickets_api import CONNECTION_FAULTS, ROW_FAULTS, Faults, QTicketsServer
from tests.qtickets_organiser import MUTATIONS, Organiser
from tests.qtickets_sample import MOSCOW

NOW = datetime(2025, 11, 3, 16, 46, 54, tzinfo=MOSCOW)
FIRST_DAY = date(2025, 8, 20)
EXHIBITION = 24089
Get = Callable[..., httpx.Response]


def sample(now: datetime = NOW, seed: int = 1) -> Organiser:
    return Organiser.sample(seed, now, FIRST_DAY, orders_per_day=20)


def small() -> Organiser:
    return Organiser.sample(1, NOW, date(2025, 11, 1), orders_per_day=40)


@pytest.fixture(scope="module")
def unchanged() -> Organiser:
    return sample()


@pytest.fixture(scope="module")
def shared(unchanged: Organiser) -> Iterator[QTicketsServer]:
    with QTicketsServer(unchanged) as server:
        yield server


@pytest.fixture
def server(shared: QTicketsServer, unchanged: Organiser) -> QTicketsServer:
    """One server for all, healthy; a test that changes the organiser brings its own."""
    shared.organiser, shared.faults = unchanged, Faults()
    shared.requests.clear()
    return shared


@pytest.fixture
def get(server: QTicketsServer) -> Iterator[Get]:
    headers = {"Authorization": f"Bearer {server.token}", "Accept": "application/json"}
    with httpx.Client(headers=headers, timeout=5) as client:

        def call(path: str, body: Any = None, **options: Any) -> httpx.Response:
            return client.request("GET", server.url + path, json=body, **options)

        yield call


def in_query(asked: dict[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in asked.items()}


def ids(response: httpx.Response) -> list[int]:
    assert response.status_code == 200
    return [row["id"] for row in response.json()["data"]]


def where(column: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"column": column, "operator": operator, "value": value}


# --- lists --------------------------------------------------------------------------------------


def test_pages_hold_everything_once_newest_first(server: QTicketsServer, get: Get) -> None:
    first = get("/orders").json()
    total = first["paging"]["total"]
    assert first["paging"] == {"perPage": 50, "currentPage": 1, "total": total}
    found = [i for page in range(1, total // 50 + 2) for i in ids(get("/orders", {"page": page}))]
    assert found == sorted(server.organiser.orders.ids, reverse=True)
    assert len(found) == total > 500
    beyond = get("/orders", {"page": total}).json()
    assert beyond["data"] == []
    assert beyond["paging"]["total"] == total


def test_events_take_two_pages(get: Get) -> None:
    assert len(ids(get("/events"))) == 10
    assert len(ids(get("/events", {"page": 2}))) == 3
    assert get("/discounts").json()["paging"]["perPage"] == 100
    assert get("/promo-codes").json()["paging"]["perPage"] == 500


@pytest.mark.parametrize("encoding", ["body", "query"])
def test_where_order_and_page_in_both_encodings(
    server: QTicketsServer, get: Get, encoding: str
) -> None:
    known = server.organiser.orders.ids
    instant = "2025-10-30T20:00:00+07:00"
    asked: dict[str, Any] = {
        "where": [where("id", ">", known[100]), where("updated_at", ">=", instant)],
        "orderBy": {"id": "asc"},
        "page": 2,
    }
    options: dict[str, Any] = {"body": asked} if encoding == "body" else {"params": in_query(asked)}
    moment = datetime.fromisoformat(instant)
    expected = [
        row["id"]
        for row in server.organiser.orders.rows()
        if row["id"] > known[100] and datetime.fromisoformat(row["updated_at"]) >= moment
    ]
    response = get("/orders", **options)
    assert ids(response) == expected[50:100] != []
    assert response.json()["paging"]["total"] == len(expected)
    seen = server.requests[-1]
    assert (seen.path, seen.page, seen.encoding) == ("/orders", 2, encoding)
    assert (seen.where, seen.order_by) == (asked["where"], asked["orderBy"])


def test_the_body_wins_over_the_query(server: QTicketsServer, get: Get) -> None:
    known = server.organiser.orders.ids
    asked = {"where": [where("id", "=", known[0])]}
    other = {"where": [where("id", "=", known[1])]}
    assert ids(get("/orders", asked, params=in_query(other))) == [known[0]]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"column": "currency_id", "value": "KZT"}, lambda row: row["currency_id"] == "KZT"),
        (where("currency_id", "!=", "RUB"), lambda row: row["currency_id"] != "RUB"),
        (where("payed", "=", True), lambda row: row["payed"]),
        (where("deleted_at", "null"), lambda row: row["deleted_at"] is None),
        (where("deleted_at", "not null"), lambda row: row["deleted_at"] is not None),
        (where("event_id", "in", [24089, 28777]), lambda row: row["event_id"] in (24089, 28777)),
        (where("event_id", "not in", [24089]), lambda row: row["event_id"] != 24089),
        (where("price", "<", 500), lambda row: row["price"] < 500),
        (where("price", "<=", "500"), lambda row: row["price"] <= 500),
        (where("discount_id", ">", 0), lambda row: (row["discount_id"] or 0) > 0),
        (where("price", "=", [1, {}]), lambda row: True),
        (where("no_such_column", "=", 1), lambda row: True),
        (where("payed_at", ">", "2025-11-01T00:00:00+0300"), lambda row: True),
    ],
)
def test_operators(
    server: QTicketsServer, get: Get, condition: dict[str, Any], holds: Callable[[Any], bool]
) -> None:
    expected = [row["id"] for row in server.organiser.orders.rows() if holds(row)]
    response = get("/orders", {"where": [condition], "orderBy": {"id": "asc"}})
    assert ids(response) == expected[:50] != []
    assert response.json()["paging"]["total"] == len(expected)


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("way", ["asc", "desc"])
def test_ranges_of_ids(server: QTicketsServer, get: Get, operator: str, way: str) -> None:
    known = list(server.organiser.orders.ids)
    middle = known[len(known) // 2]
    compare: dict[str, Callable[[int], bool]] = {
        "=": lambda i: i == middle,
        "<": lambda i: i < middle,
        "<=": lambda i: i <= middle,
        ">": lambda i: i > middle,
        ">=": lambda i: i >= middle,
    }
    expected = sorted(filter(compare[operator], known), reverse=way == "desc")
    asked = {"where": [where("id", operator, middle)], "orderBy": {"id": way}}
    pages = range(1, len(expected) // 50 + 3)
    assert [i for page in pages for i in ids(get("/orders", {**asked, "page": page}))] == expected


def test_order_by_an_instant_is_by_instant_not_by_text(server: QTicketsServer, get: Get) -> None:
    rows = get("/orders", {"orderBy": {"payed_at": "desc"}}).json()["data"]
    moments = [datetime.fromisoformat(row["payed_at"]) for row in rows]
    assert moments == sorted(moments, reverse=True)
    texts = [row["payed_at"] for row in server.organiser.orders.rows() if row["payed_at"]]
    assert {text[-6:] for text in texts} == {"+03:00", "+07:00"}


def test_unknown_parameters_are_ignored_silently(get: Get) -> None:
    noise = {"since": "2025-11-01", "payed": "1", "per_page": "5", "where": "not json"}
    assert get("/orders", params=noise).content == get("/orders").content


def test_one_thing_and_what_is_not_there(server: QTicketsServer, get: Get) -> None:
    order_id = server.organiser.orders.ids[5]
    assert get(f"/orders/{order_id}").json()["data"]["id"] == order_id
    assert get(f"/events/{EXHIBITION}").json()["data"]["id"] == EXHIBITION
    missing = get("/orders/1")
    assert missing.status_code == 404
    assert missing.json()["error"] == 'Resource "Order" not found'
    assert missing.json()["code"] == "RESOURCE_NOT_FOUND"
    assert get("/shows/1/seats").json()["status"] == 404
    nowhere = get("/nothing")
    assert nowhere.status_code == 404
    assert nowhere.headers["content-type"].startswith("text/html")


def test_tokens_and_headers(server: QTicketsServer, get: Get) -> None:
    assert httpx.get(f"{server.url}/orders").status_code == 401
    wrong = get("/orders", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()["status"]) == (403, 403)
    server.organiser = small()
    server.organiser.clock_skew = -3600
    headers = get("/orders", headers={"Cache-Control": "no-cache"}).headers
    assert server.requests[-1].cache_control == "no-cache"
    assert headers["cache-control"] == "no-cache, private"
    assert headers["server"] == "nginx"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-encoding"] == "gzip"
    assert parsedate_to_datetime(headers["date"]) == NOW - timedelta(hours=1)
    assert "content-encoding" not in get("/orders", headers={"Accept-Encoding": "identity"}).headers


def test_seats_flat_and_in_zones(server: QTicketsServer, get: Get) -> None:
    events = {row["id"]: row for row in server.organiser.events.rows()}
    show_id = events[24097]["shows"][-1]["id"]
    select = ["id", "max_quantity", "available"]
    flat = get(f"/shows/{show_id}/seats", {"select": select, "flat": True}).json()["data"]
    assert len(flat) == 150
    assert all(seat["id"] == seat_id and list(seat) == select for seat_id, seat in flat.items())
    zones = get(f"/shows/{show_id}/seats").json()["data"]
    assert zones["parter"]["seats"]["1;2"] == {"seat_id": "parter-1;2", "admission": 0}
    stubborn = events[28100]["shows"][-1]["id"]
    assert (
        "stanok" in get(f"/shows/{stubborn}/seats", {"select": select, "flat": True}).json()["data"]
    )


def test_whatever_is_not_get_is_counted_and_creates(server: QTicketsServer, get: Get) -> None:
    server.organiser = small()
    get("/orders")
    assert server.non_get == 0
    before = len(server.organiser.orders.ids)
    headers = {"Authorization": f"Bearer {server.token}"}
    assert httpx.post(f"{server.url}/orders", headers=headers, json={}).status_code == 201
    assert httpx.delete(f"{server.url}/orders/1", headers=headers).status_code == 405
    assert (server.non_get, len(server.organiser.orders.ids)) == (2, before + 1)


# --- the organiser ------------------------------------------------------------------------------


def test_same_seed_same_bytes() -> None:
    one, two, other = small(), small(), Organiser.sample(2, NOW, date(2025, 11, 1))
    assert [one.orders.body(i) for i in one.orders.ids] == [
        two.orders.body(i) for i in two.orders.ids
    ]
    assert [one.events.body(i) for i in one.events.ids] == [
        two.events.body(i) for i in two.events.ids
    ]
    assert one.orders.ids != other.orders.ids
    soon = Organiser.sample(1, NOW + timedelta(minutes=10), date(2025, 11, 1))
    assert soon.daily_sales() == one.daily_sales()


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=1)])
def test_time_only_adds(later: timedelta) -> None:
    # Seven in the evening has new orders with this seed; not every hour has.
    start = NOW + timedelta(hours=3)
    before, after = sample(start), sample(start + later)
    assert list(after.orders.ids[: len(before.orders.ids)]) == list(before.orders.ids)
    assert len(after.orders.ids) > len(before.orders.ids)
    cutoff = start.replace(minute=0, second=0)
    changed = 0
    for row in before.orders.rows():
        now = after.orders.row(row["id"])
        if now != row:
            changed += 1
            moments = [now["updated_at"], *(item["updated_at"] for item in now["baskets"])]
            assert max(datetime.fromisoformat(moment) for moment in moments) >= cutoff
    assert changed < len(before.orders.ids) / 5


def test_the_sample_has_every_oddity(unchanged: Organiser) -> None:
    organiser = unchanged
    orders = list(organiser.orders.rows())
    items = [item for row in orders for item in row["baskets"]]
    assert {type(row["utm"]) for row in orders} == {list, dict}
    assert {type(row["fields"]) for row in orders} == {list, dict}
    assert {type(row["integrations"]) for row in orders} == {list, dict}
    assert {type(row["custom"]) for row in orders} == {str, dict}
    assert {type(item["price"]) for item in items} == {int, float}
    assert any(item["price"] == 0 for item in items)
    assert any(item["quantity"] > 1 for item in items)
    assert any(item["related_baskets"] for item in items)
    assert {row["currency_id"] for row in orders} == {"RUB", "KZT"}
    assert any(row["payed"] and row["deleted_at"] for row in orders)
    assert any(not row["payed"] and row["deleted_at"] is None for row in orders)
    refunds = [item for item in items if item["refunded_at"]]
    assert any(item["refunded_amount"] is None for item in refunds)
    assert any(item["refunded_deduction_amount"] for item in refunds)
    assert any(
        item["deleted_at"] for row in orders if not row["deleted_at"] for item in row["baskets"]
    )
    ages = [
        datetime.fromisoformat(item["refunded_at"]) - datetime.fromisoformat(item["created_at"])
        for item in refunds
    ]
    assert max(ages) > timedelta(days=30)
    silent = [
        row for row in orders if max(i["updated_at"] for i in row["baskets"]) > row["updated_at"]
    ]
    assert len(silent) > len(orders) / 5
    times = {row["payed_at"][11:] for row in orders if row["payed_at"]}
    assert {"00:00:00+03:00", "23:59:59+03:00"} <= times
    events = list(organiser.events.rows())
    assert {"Томск", "г. Томск"} <= {event["city"]["name"] for event in events}
    assert any(row["backend_user_id"] for row in orders)
    assert {"card", "invoice", "pushka_card"} < {row["payment_type_id"] for row in orders}
    named = {str(payment["id"]) for event in events for payment in event["payments"]}
    assert any(row["payment_type_id"] in named for row in orders)
    assert len({row["site"]["host"] for row in orders}) == 2
    assert {None, "detskij", "studencheskij"} < {item["multiprice_code"] for item in items}
    names = {item["seat_name"] for item in items if item["seat_id"] == "vzroslyj-bilet-v-budni-1;1"}
    assert len(names) == 2
    parts = [i for i in items if i["refunds"] and not i["refunded_at"] and not i["deleted_at"]]
    assert all(
        0 < item["refunds"][0]["amount"] < item["price"] * item["quantity"] for item in parts
    )
    assert len(parts) > 5
    services = [row for row in orders if row.get("services")]
    tickets = [item for item in items if item["services"]]
    assert 3 < len(services) + len(tickets) < len(orders) / 20
    shows = [show for event in events for show in event["shows"]]
    assert any(show["prices"][0]["modifiers"] for show in shows)
    coming = [s for s in shows if datetime.fromisoformat(s["start_date"]) > organiser.clock()]
    assert any(not show["is_active"] for show in coming)
    begin = [show["sale_start_date"] for show in coming if show["sale_start_date"]]
    assert max(map(datetime.fromisoformat, begin)) > organiser.clock()
    gone = {event["id"] for event in events if event["deleted_at"]}
    assert gone & {row["event_id"] for row in orders}
    assert max(len(organiser.events.body(i)) for i in organiser.events.ids) > 50_000
    mean = sum(len(organiser.orders.body(i)) for i in organiser.orders.ids) / len(orders)
    assert 3_000 < mean < 4_500


def sold(organiser: Organiser, show_id: int) -> tuple[int, int]:
    """Tickets of a show that are paid, and that are reserved."""
    paid = reserved = 0
    for row in organiser.orders.rows():
        for item in row["baskets"]:
            for ticket in (item, *item["related_baskets"]):
                if ticket["show_id"] != show_id or row["deleted_at"]:
                    continue
                if item["deleted_at"] is None and item["refunded_at"] is None:
                    paid += ticket["quantity"] * row["payed"]
                    reserved += ticket["quantity"] * (not row["payed"])
    return paid, reserved


@pytest.mark.parametrize("mutations", [0, 300])
def test_seats_follow_from_sales(mutations: int) -> None:
    organiser = Organiser.sample(1, NOW, FIRST_DAY, orders_per_day=60)
    rng = Random(1)
    for _ in range(mutations):
        organiser.mutate(rng)
    taken = sold_out = 0
    for event in organiser.events.rows():
        for show in event["shows"]:
            seats = (organiser.seats(show["id"]) or {}).values()
            counted = [seat for seat in seats if seat.get("max_quantity", "") != ""]
            for seat in counted:
                left = seat["max_quantity"] - seat["payed_quantity"] - seat["ordered_quantity"]
                assert left >= 0
                assert seat["free_quantity"] == (0 if seat["disabled"] else left)
                assert seat["available"] == (seat["free_quantity"] > 0)
                sold_out += left == 0
            if counted:
                paid = sum(seat["payed_quantity"] for seat in seats)
                assert (paid, sum(s["ordered_quantity"] for s in seats)) == sold(
                    organiser, show["id"]
                )
                taken += paid
    assert taken > 2_000
    assert sold_out > 500


def test_halls_fill_as_the_clock_goes_on() -> None:
    organiser = sample()
    show_id = organiser.events.row(26340)["shows"][-3]["id"]
    paid = []
    for days_ago in (9, 6, 3, 0):
        organiser.set_clock(NOW - timedelta(days=days_ago))
        paid.append(sum(s["payed_quantity"] for s in (organiser.seats(show_id) or {}).values()))
    assert paid == sorted(paid)
    assert paid[0] < paid[-1]


def test_shows_sell_faster_towards_their_day_and_in_the_evening(unchanged: Organiser) -> None:
    starts = {s["id"]: s["start_date"] for e in unchanged.events.rows() for s in e["shows"]}
    ahead, hours = [], []
    for row in unchanged.orders.rows():
        if row["payed"] and starts[row["baskets"][0]["show_id"]] < NOW.isoformat():
            paid = datetime.fromisoformat(row["payed_at"]).astimezone(MOSCOW)
            hours.append(paid.hour)
            if row["event_id"] in (24097, 26011, 26340, 28777):
                start = datetime.fromisoformat(starts[row["baskets"][0]["show_id"]])
                ahead.append((start - paid).days)
    assert 0 <= min(ahead) < max(ahead) <= 28
    week = [sum(days // 7 == n for days in ahead) for n in range(4)]
    assert week[0] > 2 * week[1] > 2 * week[2]
    assert sum(19 <= hour < 22 for hour in hours) > 3 * sum(3 <= hour < 6 for hour in hours)


def test_truth_of_one_day_by_hand() -> None:
    organiser = small()
    before = organiser.daily_sales()
    organiser.set_clock(datetime(2030, 1, 1, 20, 59, 59, tzinfo=UTC))
    keep = organiser.new_order(EXHIBITION, price=10.1, quantity=3)
    gone = organiser.new_order(EXHIBITION, price=100, quantity=1)
    organiser.new_order(EXHIBITION, price=7, payed=False)
    organiser.cancel(organiser.new_order(EXHIBITION, price=7))
    organiser.refund(gone, deduction=30)
    organiser.scan(keep)
    organiser.tick(1)
    organiser.new_order(EXHIBITION, price=1, quantity=1)
    new = {key: value for key, value in organiser.daily_sales().items() if key not in before}
    first = new[date(2030, 1, 1), EXHIBITION, "Томск", "RUB"]
    assert (first.tickets_sold, first.tickets_refunded) == (3, 1)
    assert (first.gross_revenue, first.refunded_amount) == (Decimal("130.3"), Decimal(70))
    assert first.revenue == Decimal("60.3")
    assert new[date(2030, 1, 2), EXHIBITION, "Томск", "RUB"].revenue == 1
    organiser.move_event(EXHIBITION, "Иркутск")
    assert (date(2030, 1, 2), EXHIBITION, "Иркутск", "RUB") in organiser.daily_sales()
    organiser.hard_delete_event(EXHIBITION)
    assert (date(2030, 1, 2), EXHIBITION, "unknown", "RUB") in organiser.daily_sales()


def test_truth_never_loses_money(unchanged: Organiser) -> None:
    sales = unchanged.daily_sales()
    assert min(value.revenue for value in sales.values()) >= 0
    assert {city for _, _, city, _ in sales} >= {"Томск", "Москва"}
    assert "г. Томск" not in {city for _, _, city, _ in sales}
    assert any(value.tickets_sold == 0 for value in sales.values())


def test_inventory_is_unknown_where_one_entry_is() -> None:
    organiser = sample()
    found = organiser.inventory()
    assert found[EXHIBITION] == (None, None)  # unlimited
    assert found[27450] == (232, None)  # no quantities: entries count, what is free is not said
    assert found[28100][1] is None  # zones
    total, left = found[24097]
    assert 0 < (left or 0) < (total or 0)
    assert not {29015, 29333, 30120} & found.keys()
    show_id = organiser.events.row(25709)["shows"][-1]["id"]
    before = found[25709]
    taken = (organiser.seats(show_id) or {})["vhod-1;1"]["free_quantity"]
    organiser.set_seat(show_id, "vhod-1;1", free_quantity=0)
    assert before[1] is not None
    assert organiser.inventory()[25709] == (before[0], before[1] - taken)


def test_updated_at_moves_as_on_the_live_service() -> None:
    organiser = small()
    order_id = organiser.new_order(EXHIBITION, tickets=2)
    organiser.tick(60)
    organiser.scan(order_id, 1)
    organiser.refund(order_id, 0)
    row = organiser.orders.row(order_id)
    assert row["updated_at"] == "2025-11-03T16:46:54+03:00"
    assert {item["updated_at"] for item in row["baskets"]} == {"2025-11-03T16:47:54+03:00"}
    organiser.refund(order_id, 1, touch_order=True)
    assert organiser.orders.row(order_id)["updated_at"] == "2025-11-03T16:47:54+03:00"


def test_every_mutation_can_happen() -> None:
    organiser, rng = small(), Random(1)
    kinds = {**MUTATIONS, "delete_event": 1, "hard_delete_event": 1}
    for kind in kinds:
        assert organiser.mutate(rng, {kind: 1}).startswith(kind)
    assert len({organiser.mutate(Random(n)).split()[0] for n in range(1_000)}) == len(MUTATIONS)


def test_personal_values_are_all_kinds(unchanged: Organiser) -> None:
    text = " ".join(unchanged.personal_values())
    for part in ("@example.org", "+7900", "220000******", "/ticket/pdf/", "Канарейкину", "54001"):
        assert part in text
    assert "Выставка кубиков" not in text


def test_uniform_orders_are_served_without_being_held(
    server: QTicketsServer, unchanged: Organiser, get: Get
) -> None:
    server.organiser = organiser = Organiser.uniform(1_000_000)
    known = organiser.orders.ids
    asked = {"where": [where("id", ">", known[-30])], "orderBy": {"id": "asc"}}
    assert ids(get("/orders", asked)) == list(known[-29:])
    row = get(f"/orders/{known[7]}").json()["data"]
    assert row["id"] == known[7]
    assert abs(len(organiser.orders.body(known[7])) - 3_800) < 100
    assert row.keys() == unchanged.orders.row(unchanged.orders.ids[0]).keys()
    assert {k: row[k] for k in ("created_at", "payed_at", "updated_at")}.items() <= (
        organiser.orders.head(known[7]).items()
    )
    recent = where("updated_at", ">=", "2025-10-31T00:00:00+03:00")
    assert get("/orders", {"where": [recent]}).json()["paging"]["total"] == 667
    organiser.update(known[3], utm=[])
    organiser.hard_delete(known[4])
    new = organiser.new_order()
    assert ids(
        get("/orders", {"where": [where("updated_at", ">=", "2025-11-02T00:00:00+03:00")]})
    ) == [
        new,
        known[3],
    ]
    assert organiser.orders.row(known[3])["utm"] == []
    assert (known[4] in organiser.orders, new in organiser.orders) == (False, True)


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", httpx.ReadError),
        ("hang_up", httpx.RemoteProtocolError),
        ("cut_body", httpx.RemoteProtocolError),
    ],
)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_broken_connections(
    server: QTicketsServer, get: Get, fault: str, error: type[Exception], encoding: str
) -> None:
    server.faults.script([fault])
    with pytest.raises(error):
        get("/orders", headers={"Accept-Encoding": encoding})
    assert len(ids(get("/orders"))) == 50
    assert [seen.fault for seen in server.requests] == [fault, None]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_truncated_body_only_shows_when_parsed(
    server: QTicketsServer, get: Get, encoding: str
) -> None:
    server.faults.script(["truncated_body"])
    response = get("/orders", headers={"Accept-Encoding": encoding})
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_slow_bodies_arrive_or_time_out(server: QTicketsServer, get: Get) -> None:
    server.faults.script(["slow_body", "slow_body"])
    server.faults.slow_gap = 0.01
    assert len(ids(get("/orders"))) == 50
    server.faults.slow_gap = 5
    with pytest.raises(httpx.ReadTimeout):
        get("/orders", timeout=0.1)


def test_error_answers(server: QTicketsServer, get: Get) -> None:
    server.faults.script(["error_503", "html_502", "html_200", "json_without_data", "redirect"])
    assert get("/orders").json() == {
        "error": "Unknown error",
        "status": 503,
        "code": "UNKNOWN_ERROR",
        "info": [],
    }
    bad = get("/orders")
    assert (bad.status_code, bad.headers["content-type"][:9]) == (502, "text/html")
    odd = get("/orders")
    assert (odd.status_code, odd.headers["content-type"][:9]) == (200, "text/html")
    assert "data" not in get("/orders").json()
    away = get("/orders")
    assert (away.status_code, away.headers["location"][:8]) == (302, "https://")
    assert [seen.status for seen in server.requests] == [503, 502, 200, 200, 302]


def test_too_many_requests(server: QTicketsServer, get: Get) -> None:
    server.faults.script(["too_many_429", "too_many_429_seconds", "too_many_429_date"])
    server.faults.retry_after = 90
    server.organiser = small()
    server.organiser.clock_skew = 3600
    answers = [get("/orders") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429] * 3
    assert "retry-after" not in answers[0].headers
    assert answers[1].headers["retry-after"] == "90"
    told = parsedate_to_datetime(answers[2].headers["retry-after"])
    assert told - parsedate_to_datetime(answers[2].headers["date"]) == timedelta(seconds=90)


def test_pages_that_lie(server: QTicketsServer, get: Get) -> None:
    whole = get("/orders").json()
    server.faults.script(["empty_page", "short_page", "ignore_page", None, "duplicate_page"])
    empty, short, first, second, third = (get("/orders", {"page": 2}) for _ in range(5))
    assert empty.json()["data"] == []
    assert 0 < len(ids(short)) < 50
    assert {r.json()["paging"]["total"] for r in (empty, short)} == {whole["paging"]["total"]}
    assert first.json() == whole
    assert ids(second) == ids(third) != ids(first)
    server.faults.script(["duplicate_page"])
    third = get("/orders", {"page": 3})
    assert (ids(third), third.json()["paging"]["currentPage"]) == (ids(second), 3)


def test_lost_filters(server: QTicketsServer, get: Get) -> None:
    asked = {"where": [where("id", "<", 5)], "orderBy": {"id": "asc"}}
    newest = server.organiser.orders.ids[-1]
    server.faults.ignore_body = 1
    assert ids(get("/orders", asked))[0] == newest
    assert ids(get("/orders", params=in_query(asked))) == []
    server.faults.clear()
    server.faults.ignore_filters = 1
    assert ids(get("/orders", asked))[0] == newest
    assert ids(get("/orders", params=in_query(asked)))[0] == newest
    page_two = get("/orders", {**asked, "page": 2}).json()
    assert page_two["paging"]["currentPage"] == 2


def test_an_outage_of_one_path(server: QTicketsServer, get: Get) -> None:
    server.faults.outage.add("/orders")
    assert get("/orders").status_code == get("/orders/1").status_code == 503
    assert get("/events").status_code == 200
    server.faults.clear()
    assert get("/orders").status_code == 200


def test_scripts_and_rates_keep_to_their_paths(server: QTicketsServer, get: Get) -> None:
    server.faults.script(["error_503"], path="/events")
    server.faults.html_502, server.faults.paths = 1, ("/discounts",)
    assert get("/orders").status_code == 200
    assert get("/events").status_code == 503
    assert get("/events").status_code == 200
    assert get("/discounts").status_code == 502
    with pytest.raises(ValueError, match="no such fault"):
        server.faults.script(["eror_503"])


def test_the_organiser_changes_while_it_is_read(server: QTicketsServer, get: Get) -> None:
    server.organiser = small()
    server.faults.mutate = 1
    before = {i: server.organiser.orders.body(i) for i in server.organiser.orders.ids}
    for _ in range(30):
        get("/orders")
    after = {i: server.organiser.orders.body(i) for i in server.organiser.orders.ids}
    assert before.keys() - after.keys()
    assert after.keys() - before.keys()
    assert any(before[i] != after[i] for i in before.keys() & after.keys())


def test_random_faults_repeat_with_their_seed() -> None:
    assert Faults.random(7) == Faults.random(7) != Faults.random(8)
    draws = [[f.draw("/orders") for _ in range(300)] for f in (Faults.random(7), Faults.random(7))]
    assert draws[0] == draws[1]
    every = {name for n in range(200) for fault in [Faults.random(n).draw("/x")] for name in fault}
    assert every <= {*CONNECTION_FAULTS, *ROW_FAULTS} - {"redirect"}
    assert len(every) > 8


def test_stops_at_once_with_connections_open() -> None:
    started = datetime.now(UTC)
    with httpx.Client() as client:
        with QTicketsServer(Organiser.uniform(10), latency=0.01) as server:
            assert client.get(f"{server.url}/orders").status_code == 401
        with pytest.raises(httpx.TransportError):
            client.get(f"{server.url}/orders")
    assert datetime.now(UTC) - started < timedelta(seconds=2)


def test_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    port_file = tmp_path / "api"
    command = [
        sys.executable,
        "-m",
        "tests.qtickets_api",
        "--days",
        "1",
        "--port-file",
        f"{port_file}",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline(), process.stdout.readline()]
        assert port_file.read_text() == "".join(lines)
        settings = dict(line.strip().split("=") for line in lines)
        headers = {"Authorization": f"Bearer {settings['QTICKETS_API_TOKEN']}"}
        answer = httpx.get(settings["QTICKETS_BASE_URL"] + "/orders", headers=headers)
        newest = datetime.fromisoformat(answer.json()["data"][0]["created_at"])
        assert timedelta(0) < datetime.now(UTC) - newest < timedelta(hours=12)
        process.terminate()
        assert process.wait(5) == 0
