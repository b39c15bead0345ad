"""Invented buyers go in at every place; none of them is found in any table, log or error."""

from __future__ import annotations

import pytest

from tests.qtickets_api import QTicketsServer
from tests.qtickets_organiser import Organiser
from tests.zakaz import Place, small_organiser

NEW_KEYS = {
    "buyer_name": "Канарейкина Клавдия",
    "email_of_guest": "klavdia.kanareykina@example.org",
    "phone2": "+7 999 000-11-22",
    "card_of_guest": "4276 0000 1111 2222",
    "wallet_url": "https://qtickets.ru/wallet/kanareyka",
    "qr": "999888777666",
    "Канарейкина Анфиса": {"whatever": ["anfisa.kanareykina@example.org"]},
}
# where a text is kept, what is personal in it is not
UTM = {"utm_source": "mail", "utm_content": "to klavdia.kanareykina@example.org"}


def canaries(organiser: Organiser) -> set[str]:
    found = {value for value in organiser.personal_values() if len(value) > 3}
    for key, value in NEW_KEYS.items():
        found |= {key, value} if isinstance(value, str) else {key}
    return found | {"anfisa.kanareykina@example.org"}


def populated() -> Organiser:
    organiser = small_organiser(days=8)
    services = [{"id": 1, "name": f"Парковка, {NEW_KEYS['phone2']}", "price": 300, **NEW_KEYS}]
    refunds = [{"id": 2, "amount": 100, **NEW_KEYS}]
    for order_id in organiser.orders.ids:
        order = organiser.orders.row(order_id)
        tickets = [
            ticket | NEW_KEYS | {"services": services, "refunds": refunds}
            for ticket in order["baskets"]
        ]
        client = order["client"] | NEW_KEYS
        organiser.update(
            order_id,
            **NEW_KEYS,
            baskets=tickets,
            client=client,
            utm=UTM,
            services=services,
            refunds=refunds,
            site=order["site"] | NEW_KEYS,
        )
    for event_id in organiser.events.ids:
        event = organiser.events.row(event_id)
        shows = []
        for show in event["shows"]:
            prices = [
                {**price, "modifiers": [{"value": 5, **NEW_KEYS}]} for price in show["prices"]
            ]
            shows.append(show | NEW_KEYS | {"prices": prices})
            seat_id = next(iter(organiser.seats(show["id"]) or {}), None)
            if seat_id:
                name = f"Бронь {NEW_KEYS['email_of_guest']}"
                organiser.set_seat(show["id"], seat_id, name=name, **NEW_KEYS)
        payments = [way | NEW_KEYS for way in event["payments"]]
        place = {"ru": f"Зал, {NEW_KEYS['phone2']}", "en": "Hall"}
        more = {"shows": shows, "payments": payments, "place_name": place}
        organiser.events.put(event | NEW_KEYS | more)
    for shelf in (organiser.discounts, organiser.promo_codes):
        for id_ in shelf.ids:
            shelf.put(shelf.row(id_) | NEW_KEYS)
    # people put themselves into names and codes
    first = organiser.promo_codes.row(organiser.promo_codes.ids[0])
    organiser.promo_codes.put(first | {"code": f"FOR {NEW_KEYS['phone2']}"})
    first = organiser.discounts.row(organiser.discounts.ids[0])
    events = [event | NEW_KEYS for event in first["events"]]
    name = f"Скидка для {NEW_KEYS['email_of_guest']}"
    organiser.discounts.put(first | {"name": name, "events": events, "shows": [NEW_KEYS]})
    return organiser


def assert_none_in(text: str, organiser: Organiser, where: str) -> None:
    found = {canary for canary in canaries(organiser) if canary in text}
    assert not found, f"in {where}: {found}"


def everything_in(place: Place) -> str:
    tables = place.query("show tables")
    rows = [
        str(row)
        for (table,) in tables
        for row in place.query(f"select toString(tuple(*)) from {table}")
    ]
    assert len(rows) > 100
    return "\n".join(rows)


MODES = [
    [],
    ["--full", "--verbose"],
    ["--dry-run", "--verbose"],
    ["orders", "--since", "2020-01-01", "--verbose"],
    ["--verbose", "--log-format", "json"],
]
FAULTS = [
    *("error_503", "html_502", "too_many_429", "reset", "cut_body", "truncated_body", "html_200"),
    *("json_without_data", "empty_page", "short_page", "ignore_body", "ignore_filters"),
    *("ignore_page", "duplicate_page", "redirect"),
]


def test_no_buyer_is_found_in_any_table_log_or_error(place: Place) -> None:
    organiser = populated()
    with QTicketsServer(organiser) as server:
        for mode in MODES:
            ran = place.extract(server, *mode)
            assert ran.code == 0, ran
            assert_none_in(ran.out + ran.err, organiser, f"the output of {mode}")
            assert mode or "texts or fields redacted" in ran.out
        for fault in FAULTS:
            setattr(server.faults, fault, 0.5 if fault != "redirect" else 1)
            ran = place.extract(server, "--verbose", EXTRACT_TRIES="2")
            assert_none_in(ran.out + ran.err + str(ran.code), organiser, f"what {fault} said")
            assert server.token not in ran.out + ran.err
            server.faults.clear()
        ran = place.extract(server, CLICKHOUSE_HOST="127.0.0.1", CLICKHOUSE_PORT="1")
        assert_none_in(ran.out + ran.err, organiser, "what a dead ClickHouse said")
    landed = everything_in(place)
    assert_none_in(landed, organiser, "a table")
    assert server.token not in landed
    assert '"utm_content":"to [redacted]"' in landed
    assert '"client_id":' in landed
    assert '"code":"FOR [redacted]"' in landed
    assert '"name":"Скидка для [redacted]"' in landed
    assert '"name":"Парковка, [redacted]"' in landed
    assert '"place_name":"Зал, [redacted]"' in landed
    assert '"name":"Бронь [redacted]"' in landed


def test_the_canaries_would_be_found() -> None:
    """The test above looks for what is really there."""
    organiser = populated()
    rows = "".join(organiser.orders.body(id_).decode() for id_ in organiser.orders.ids)
    with pytest.raises(AssertionError, match="kanareykina"):
        assert_none_in(rows, organiser, "what the API holds")
    assert len(canaries(organiser)) > 100
