"""What is kept of a payload, and that nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extract.payloads import (
    REDACTED,
    Discount,
    Event,
    Kept,
    NoRow,
    Order,
    PromoCode,
    keep,
    keep_seats,
    mend,
    scrub,
)
from tests.zakaz import small_organiser

CARD = "2200 0000 0000 5003"
CANARIES = (
    "Канарейкина",
    "kanareyka@example.org",
    "+7 (912) 345-67-89",
    "79123456789",
    "220000******5004",
    CARD,
    "870241683524",
    "https://qtickets.ru/cancel-order/abc/def",
)
PERSONAL = (
    *CANARIES[1:6],
    CANARIES[7],
    "kanareyka%40example.org",
    "8 912 345 67 89",
    "8 (3846) 12-34-56",
    "8-800-555-35-35",
    "7 495 123-4567",
    "(912) 345-67-89",
    "+375 29 123-45-67",
    "+7 912\u2011345\u201367\u201389",
    "8.912.345.67.89",
    "8(495)1234567",
    "8 495 1234567",
    "HTTPS://example.org/ivan",
    "4111111111111111",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "2200 00** **** 5004",
)


def packed(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def kept(kind: Any, row: Any) -> Any:
    return json.loads(keep(kind, packed(row)).payload)


def seats(data: Any) -> Any:
    return json.loads(keep_seats(packed(data))[0])


def poisoned(value: Any) -> Any:
    """Return the payload with canaries in new keys of every object."""
    if isinstance(value, dict):
        grown = {key: poisoned(item) for key, item in value.items()}
        for number, canary in enumerate(CANARIES):
            grown[f"new_key_{number}"] = canary
            grown[f"new_object_{number}"] = {"name": canary, canary: [canary]}
        grown[CANARIES[0]] = 1
        return grown
    if isinstance(value, list):
        return [poisoned(item) for item in value] + [{"client_name": CANARIES[0]}]
    return value


def test_new_keys_are_not_copied_at_any_depth() -> None:
    organiser = small_organiser(days=5)
    payloads = [keep(Order, packed(poisoned(row))).payload for row in organiser.orders.rows()]
    payloads += [keep(Event, packed(poisoned(row))).payload for row in organiser.events.rows()]
    for payload in payloads:
        for canary in CANARIES:
            assert canary not in payload.decode()


@pytest.mark.parametrize("canary", CANARIES)
def test_a_known_key_holds_its_own_kind_of_value_only(canary: str) -> None:
    order = {
        "id": 1,
        "payed": canary,
        "payed_at": canary,
        "currency_id": {"name": canary},
        "price": [canary],
        "utm": canary,
        "baskets": [{"id": 1, "deleted_at": canary, "price": {"email": canary}}, canary],
        "created_at": "2026-01-02T03:04:05+03:00",
        "refunds": [{"amount": 5, "created_at": canary}],
    }
    done = keep(Order, packed(order))
    assert canary not in done.payload.decode()
    assert json.loads(done.payload) == {
        "id": 1,
        **dict.fromkeys(("payed", "payed_at", "currency_id", "price", "utm"), REDACTED),
        "baskets": [{"id": 1, "deleted_at": REDACTED, "price": REDACTED}, REDACTED],
        "created_at": order["created_at"],
        "refunds": [{"amount": 5, "created_at": REDACTED}],
    }
    assert (done.redacted, done.payed_at) == (9, None)


@pytest.mark.parametrize("canary", PERSONAL)
def test_texts_that_are_kept_lose_what_is_personal_in_them(canary: str) -> None:
    done = keep(Order, packed({"id": 1, "utm": {"utm_content": f"from {canary} again"}}))
    assert json.loads(done.payload)["utm"]["utm_content"] == f"from {REDACTED} again"
    assert done.redacted == 1


@pytest.mark.parametrize(
    "text",
    [
        "10766679619",
        "ряд 5, место 12",
        "12.05.2026 19:00",
        "2026-05-12 19:00:00",
        "123-45",
        "1790123456789012",  # a campaign of TikTok's
        "4111111111111112",  # as a card begins, but no card: its last digit is wrong
        "9000000000000001",  # its last digit is right, but no card begins so
        "23843456789012341",  # Facebook's, longer than the card that begins so
        "2024 1111 2222 3333",
        "1920*1080",
        "7-100-20-30-40",
        "8 12345 67890",
        "8 100 2000000",
        "15.11.2026\u201320.11.2026",
        "89123456",
        "+100500",
        "мест: 1 000 000 000",
    ],
)
def test_texts_that_only_look_like_it_stay(text: str) -> None:
    assert kept(Order, {"id": 1, "utm": {"utm_campaign": text}})["utm"]["utm_campaign"] == text


def test_a_phone_that_came_as_a_number_is_no_text() -> None:
    utm = {"utm_term": 79123456789, "utm_campaign": 10766679619}
    assert kept(Order, {"id": 1, "utm": utm})["utm"] == {
        "utm_campaign": 10766679619,
        "utm_term": REDACTED,
    }


def test_several_in_one_text() -> None:
    text = f"a@b.ru, 8-912-345-67-89 и {CARD} или 2024 {CARD}"
    assert scrub(text) == f"{REDACTED}, {REDACTED} и {REDACTED} или 2024 {REDACTED}"


def test_what_the_numbers_need_stays_as_it_was() -> None:
    organiser = small_organiser(days=5)
    for row in organiser.orders.rows():
        order = kept(Order, row)
        assert REDACTED not in json.dumps(order)
        for key in ("client_id", "utm", "site", "reserve_extended", "refunds"):
            assert order[key] == row[key]
        for ticket, was in zip(order["baskets"], row["baskets"], strict=True):
            assert {k: was[k] for k in ticket if k != "related_baskets"} == {
                k: v for k, v in ticket.items() if k != "related_baskets"
            }
    for event in organiser.events.rows():
        done = kept(Event, event)
        assert REDACTED not in json.dumps(done)
        assert len(done["shows"]) == len(event["shows"])
        for key in ("external_id", "place_coordinates", "scheme_id"):
            assert done[key] == event[key]
        assert done["payments"] == [
            {key: way[key] for key in ("id", "name", "handler")} for way in event["payments"]
        ]
    for code in organiser.promo_codes.rows():
        assert kept(PromoCode, code) == code
    for discount in organiser.discounts.rows():
        only_ids = {k: [{"id": one["id"]} for one in discount[k]] for k in ("events", "shows")}
        assert kept(Discount, discount) == discount | only_ids


def test_money_outside_tickets_is_kept() -> None:
    service = {"id": 3, "name": "Парковка", "price": 300.5, "quantity": 1}
    refund = {"id": 4, "amount": 100, "deduction_amount": 0, "created_at": "2026-01-02T03:04:05Z"}
    ticket = {"id": 2, "multiprice_code": "child", "services": [service], "refunds": [refund]}
    order = {"id": 1, "baskets": [ticket], "services": [service], "refunds": [refund]}
    assert kept(Order, order) == order


def test_prices_of_a_show_with_their_steps() -> None:
    step = {"type": "date", "value": 700, "active_from": "2026-01-02T03:04:05+03:00"}
    price = {"id": 5, "default_price": 590, "modifiers": [step]}
    event = {"id": 1, "shows": [{"id": 2, "prices": [price], "min_price": price}]}
    assert kept(Event, event) == event


def test_a_name_by_language_is_the_russian_one_else_the_first() -> None:
    event = {
        "id": 1,
        "name": {"en": "Evening", "ru": "Вечер"},
        "place_name": {"ru": "", "en": "Hall", "de": "Saal"},
        "place_address": {"ru": None},
        "city": {"name": {"name": CANARIES[0]}},
        "shows": [
            {"name": {"ru": {"first": CANARIES[0]}, "en": "Evening"}},
            {"name": {"ru": "call 8-912-345-67-89"}},
            {"name": {"fio": CANARIES[0]}},
        ],
    }
    assert kept(Event, event) == {
        "id": 1,
        "name": "Вечер",
        "place_name": "Hall",
        "place_address": None,
        "city": {"name": REDACTED},
        "shows": [{"name": REDACTED}, {"name": f"call {REDACTED}"}, {"name": REDACTED}],
    }


@pytest.mark.parametrize("canary", CANARIES[1:6])
def test_a_promo_code_made_of_a_buyer_is_not_kept(canary: str) -> None:
    assert kept(PromoCode, {"id": 1, "code": f"FOR {canary}"}) == {
        "id": 1,
        "code": f"FOR {REDACTED}",
    }


def test_seats_of_both_shapes() -> None:
    seat = {"id": "1;1", "name": "Ряд 1", "available": 1, "price": 10.5}
    poisoned_seat = seat | {"client_name": CANARIES[0]}
    flat = seats({"b": poisoned_seat, "a": poisoned_seat, CANARIES[1]: poisoned_seat})
    assert list(flat) == ["a", "b", REDACTED]
    assert flat["a"] == seat
    zone = {"zone_id": "z", "name": "Зал", "seats": {"2;1": poisoned_seat, "1;1": poisoned_seat}}
    zones = seats({"z": zone})
    assert zones == {"z": {"zone_id": "z", "name": "Зал", "seats": {"1;1": seat, "2;1": seat}}}
    assert list(zones["z"]["seats"]) == ["1;1", "2;1"]
    assert keep_seats(b"[]") == (b"[]", 0)


def test_a_seat_that_is_odd_costs_itself_only() -> None:
    odd = {"price": {"email": CANARIES[1]}, "name": f"для {CANARIES[1]}", "max_quantity": ""}
    payload, redacted = keep_seats(packed({"a": odd, "b": {"price": 5}, "c": CANARIES[0]}))
    assert json.loads(payload) == {
        "a": {"name": f"для {REDACTED}", "max_quantity": "", "price": REDACTED},
        "b": {"price": 5},
        "c": REDACTED,
    }
    assert redacted == 3
    assert seats([{"client_name": CANARIES[0]}]) == REDACTED


def test_seats_whose_keys_cannot_be_read_are_still_as_many() -> None:
    payload, _ = keep_seats(rb'{"\ud83d":{"id":"1"},"\ude00":{"id":"2"},"a":null}')
    assert json.loads(payload) == {
        REDACTED: {"id": "1"},
        f"{REDACTED} 1": {"id": "2"},
        "a": REDACTED,
    }


def test_a_ticket_that_is_null_is_not_overlooked() -> None:
    row = {"id": 1, "baskets": [{"id": 2}, None]}
    assert kept(Order, row) == row | {"baskets": [{"id": 2}, REDACTED]}


def test_the_same_thing_gives_the_same_bytes() -> None:
    order = {"id": 1, "payed": True, "baskets": [{"price": 1, "id": 2}]}
    turned = {"baskets": [{"id": 2, "price": 1}], "payed": True, "id": 1}
    assert keep(Order, packed(order)) == keep(Order, packed(turned))
    # the way for odd rows writes like the other
    for row in small_organiser(days=5).orders.rows():
        was, odd = keep(Order, packed(row)), keep(Order, packed(row | {"payed": {}}))
        assert odd.payload == was.payload.replace(
            b'"payed":' + packed(row["payed"]), packed({"payed": REDACTED})[1:-1].replace(b" ", b"")
        )


def test_a_list_with_gaps_is_a_list() -> None:
    assert kept(Order, {"id": 1, "baskets": {"0": {"id": 1}, "2": {"id": 3}}}) == {
        "id": 1,
        "baskets": [{"id": 1}, {"id": 3}],
    }


@pytest.mark.parametrize(
    "number",
    ["0.1", "1234567890123456789012", "-5", "99.99", "123456789012345.67", '"390.00"', '""'],
)
def test_a_number_stays_as_it_was_sent(number: str) -> None:
    raw = f'{{"id":1,"price":{number}}}'.encode()
    assert keep(Order, raw) == Kept(1, raw, 0, None, None)


@pytest.mark.parametrize(
    "value",
    [
        b"1e999",
        b"NaN",
        b"-Infinity",
        b'"' + b"7" * 30 + b'"',
        b"1" * 5000,
        b'"\\ud83d"',
        b'"\xff"',
        b'"1\n"',
        b"[]",
        b"true",
    ],
)
def test_a_number_that_is_none_is_redacted_and_the_row_kept(value: bytes) -> None:
    done = keep(Order, b'{"id":1,"price":' + value + b',"original_price":5}')
    assert done.payload == b'{"id":1,"price":"[redacted]","original_price":5}'
    assert done.redacted == 1


@pytest.mark.parametrize("bad", [rb"\ud83d", rb"\ude00 \ud83d", b"\xf0\x9f", b"\xff"])
def test_half_an_emoji_costs_its_own_field(bad: bytes) -> None:
    row = b'{"id":7,"name":"x %b","age":"0+","description":"%b"}' % (bad, bad)
    assert keep(Event, row).payload == b'{"id":7,"name":"[redacted]","age":"0+"}'
    unkept = b'{"id":7,"description":"%b","age":"\xf0\x9f\x98\x80"}' % bad
    assert keep(Event, unkept).payload == '{"id":7,"age":"😀"}'.encode()
    page = json.loads(mend(b'{"data":[%b,{"id":8}]}' % row))
    assert [one["id"] for one in page["data"]] == [7, 8]
    assert keep(Event, packed(page["data"][0])).redacted == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"id":null}',
        b'{"id":"1"}',
        b'{"id":1.0}',
        b'{"id":true}',
        b'{"id":-1}',
        b'{"id":18446744073709551616}',
        b'{"id":1',
        b'{"id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_has_no_id_is_no_row(raw: bytes) -> None:
    with pytest.raises(NoRow):
        keep(Order, raw)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-01-02T03:04:05+03:00",
        "2026-01-02 03:04:05",
        "2026-01-02",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05.123+0300",
        "0000-00-00 00:00:00",
        "",
    ],
)
def test_moments_stay_as_they_were_sent(moment: str) -> None:
    done = keep(Order, packed({"id": 1, "payed_at": moment, "updated_at": moment}))
    assert json.loads(done.payload) == {"id": 1, "payed_at": moment, "updated_at": moment}
    assert (done.payed_at, done.updated_at) == (moment, moment)


@pytest.mark.parametrize("text", ["20260102", "2026-99-02", "2026-01-02T03:04:05+03:00\n", "today"])
def test_what_is_no_moment_is_redacted(text: str) -> None:
    done = keep(Order, packed({"id": 1, "updated_at": text}))
    assert (json.loads(done.payload)["updated_at"], done.updated_at) == (REDACTED, None)
