"""What is kept of a payload, and that nothing else is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from extract import redact
from tests.zakaz import small_organiser

CANARIES = (
    "Канарейкина",
    "kanareyka@example.org",
    "+7 (912) 345-67-89",
    "79123456789",
    "220000******5004",
    "2200 0000 0000 5004",
    "870241683524",
    "https://qtickets.ru/cancel-order/abc/def",
)


def poisoned(value: Any) -> Any:
    """Return the payload with canaries in new keys of every object, and as every odd value."""
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
    cleaned = [orjson.dumps(redact.order(poisoned(row))) for row in organiser.orders.rows()]
    cleaned += [orjson.dumps(redact.event(poisoned(row))) for row in organiser.events.rows()]
    for payload in cleaned:
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
    }
    cleaned = redact.order(order)
    assert canary not in orjson.dumps(cleaned).decode()
    assert cleaned["payed_at"] == redact.REDACTED
    assert cleaned["baskets"][0]["price"] == redact.REDACTED


@pytest.mark.parametrize("canary", CANARIES[1:6])
def test_texts_that_are_kept_lose_what_is_personal_in_them(canary: str) -> None:
    cleaned = redact.order({"utm": {"utm_content": f"from {canary} again"}})
    assert cleaned["utm"]["utm_content"] == f"from {redact.REDACTED} again"


@pytest.mark.parametrize(
    "text", ["10766679619", "ряд 5, место 12", "12.05.2026 19:00", "2026-05-12 19:00:00", "123-45"]
)
def test_texts_that_only_look_like_it_stay(text: str) -> None:
    assert redact.text(text) == text
    assert redact.scrub(text) == text


def test_what_the_numbers_need_stays_as_it_was() -> None:
    organiser = small_organiser(days=5)
    for row in organiser.orders.rows():
        kept = redact.order(row)
        assert redact.REDACTED not in orjson.dumps(kept).decode()
        assert kept["client_id"] == row["client_id"]
        assert kept["utm"] == row["utm"]
        for ticket, was in zip(kept["baskets"], row["baskets"], strict=True):
            assert {k: was[k] for k in ticket if k != "related_baskets"} == {
                k: v for k, v in ticket.items() if k != "related_baskets"
            }
    for event in organiser.events.rows():
        kept = redact.event(event)
        assert redact.REDACTED not in orjson.dumps(kept).decode()
        assert len(kept["shows"]) == len(event["shows"])
    for code in organiser.promo_codes.rows():
        assert redact.promo_code(code) == code
    for discount in organiser.discounts.rows():
        only_ids = {k: [{"id": one["id"]} for one in discount[k]] for k in ("events", "shows")}
        assert redact.discount(discount) == discount | only_ids


@pytest.mark.parametrize("canary", CANARIES[1:6])
def test_a_promo_code_made_of_a_buyer_is_not_kept(canary: str) -> None:
    cleaned = redact.promo_code({"id": 1, "code": f"FOR {canary}"})
    assert cleaned == {"id": 1, "code": f"FOR {redact.REDACTED}"}


def test_seats_of_both_shapes() -> None:
    seat = {"id": "1;1", "available": 1, "price": 10.5, "client_name": CANARIES[0]}
    flat = redact.seats({"b": seat, "a": seat, CANARIES[1]: seat})
    assert list(flat) == ["a", "b", redact.REDACTED]
    assert flat["a"] == {"id": "1;1", "available": 1, "price": 10.5}
    zones = redact.seats({"z": {"zone_id": "z", "name": "Зал", "seats": {"1;1": seat}}})
    assert zones == {"z": {"zone_id": "z", "name": "Зал", "seats": {"1;1": flat["a"]}}}
    assert redact.seats([]) == []


def test_the_same_thing_gives_the_same_bytes() -> None:
    order = {"id": 1, "payed": True, "baskets": [{"price": 1, "id": 2}]}
    turned = {"baskets": [{"id": 2, "price": 1}], "payed": True, "id": 1}
    assert orjson.dumps(redact.order(order)) == orjson.dumps(redact.order(turned))


def test_a_list_with_gaps_is_a_list() -> None:
    assert redact.order({"baskets": {"0": {"id": 1}, "2": {"id": 3}}}) == {
        "baskets": [{"id": 1}, {"id": 3}]
    }
