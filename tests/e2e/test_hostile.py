"""A hostile vendor: every fault alone. Afterwards all is there, or the run said why not.

Each fault is met by a first run that has everything to read, and by a run that follows changes.
"""

from __future__ import annotations

import time
from datetime import datetime
from random import Random
from typing import Any

import pytest

from extract.resources import (
    DISCOUNTS,
    EVENTS,
    INVENTORY_TABLE,
    LISTINGS,
    ORDERS,
    PROMO_CODES,
    shows_to_come,
)
from tests.qtickets_api import QTicketsServer
from tests.qtickets_sample import MOSCOW
from tests.zakaz import Place, events_of, held_by, orders_of, small_organiser

# fault, its rates, the exit codes allowed while it lasts, and what the summary says of the filters
FAULTS: list[tuple[str, dict[str, Any], set[int], str | None]] = [
    ("503 JSON", {"error_503": 0.15}, {0}, None),
    ("502 HTML", {"html_502": 0.15}, {0}, None),
    ("429 without Retry-After", {"too_many_429": 0.15}, {0}, None),
    ("429 with seconds", {"too_many_429_seconds": 0.1}, {0}, None),
    ("429 with a date", {"too_many_429_date": 0.1}, {0}, None),
    ("reset", {"reset": 0.15}, {0}, None),
    ("hang-up", {"hang_up": 0.15}, {0}, None),
    ("cut body", {"cut_body": 0.15}, {0}, None),
    ("truncated body", {"truncated_body": 0.15}, {0}, None),
    ("slow body", {"slow_body": 0.3}, {0}, None),
    ("HTML with 200", {"html_200": 0.15}, {0}, None),
    ("JSON without data", {"json_without_data": 0.15}, {0}, None),
    ("empty middle page", {"empty_page": 0.15}, {0}, None),
    ("short middle page", {"short_page": 0.15}, {0}, None),
    ("a page twice", {"duplicate_page": 0.1}, {0}, None),
    ("body ignored", {"ignore_body": 1}, {0}, "filters by query"),
    ("filters ignored", {"ignore_filters": 1}, {3}, None),
    ("page ignored", {"ignore_page": 1}, {0}, "filters by body"),
    ("filters and page ignored", {"ignore_filters": 1, "ignore_page": 1}, {3}, None),
    ("redirect", {"redirect": 1}, {3}, None),
]


@pytest.mark.parametrize(
    ("rates", "codes", "says"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_nothing_is_lost_to(
    place: Place, rates: dict[str, Any], codes: set[int], says: str | None
) -> None:
    organiser = small_organiser(days=12, orders_per_day=25)
    rng = Random(3)
    with QTicketsServer(organiser) as server:
        for _ in range(2):
            for name, rate in rates.items():
                setattr(server.faults, name, rate)
            ran = place.extract(server, "orders", "events")
            assert ran.code in codes, ran
            assert "Traceback" not in ran.err
            if says:
                assert says in ran.out, ran
            if ran.code:
                assert ran.err.strip(), "a run that fails says why"
                server.faults.clear()
                ran = place.extract(server, "orders", "events")
                assert ran.code == 0, ran
            for listing in (ORDERS, EVENTS):
                assert place.landed(listing) == held_by(organiser, listing), listing.name
            for _ in range(30):
                organiser.mutate(rng)
        assert server.non_get == 0


def test_rows_that_change_while_they_are_read(place: Place) -> None:
    """Updates, refunds, inserts and hard deletes between any two requests."""
    organiser = small_organiser(days=12, orders_per_day=25)
    with QTicketsServer(organiser) as server:
        server.faults.mutate = 0.5
        for _ in range(3):
            ran = place.extract(server)
            assert ran.code in (0, 5), ran
        server.faults.clear()
        ran = place.extract(server, "--full")
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)


def test_a_refund_that_leaves_the_orders_updated_at_alone_is_swept_up(place: Place) -> None:
    organiser = small_organiser(days=60, orders_per_day=150)
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "orders").code == 0
        oldest = next(row["id"] for row in organiser.orders.rows() if row["payed"])
        organiser.refund(oldest, touch_order=False)
        # half an hour is a 48th of a day: the oldest slice may wait; after a day it may not
        ran = place.extract(server, "orders", EXTRACT_SWEEP_HOURS="0.0001")
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)


def test_an_order_that_the_api_has_no_more_is_marked_and_kept(place: Place) -> None:
    organiser = small_organiser()
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "orders").code == 0
        lost = organiser.orders.ids[3]
        organiser.hard_delete(lost)
        ran = place.extract(server, "orders")
        assert ran.code == 0, ran
        assert "1 deleted in the API" in ran.out
        kept = place.query(
            "select order_id, length(payload) > 100 from stg_qtickets_api_orders_raw final"
            " where _deleted"
        )
        assert kept == [(lost, 1)]


def test_a_few_deletions_are_seen_and_most_at_once_are_not_believed(place: Place) -> None:
    organiser = small_organiser(days=12, orders_per_day=25)
    ids = list(organiser.orders.ids)
    with QTicketsServer(organiser) as server:
        assert place.extract(server).code == 0
        for id_ in ids[:9]:
            organiser.hard_delete(id_)
        ran = place.extract(server, "orders")
        assert ran.code == 0, ran
        assert "9 deleted in the API" in ran.out
        held = orders_of(organiser)
        for id_ in ids[9:40]:
            organiser.hard_delete(id_)
        for _ in range(2):
            ran = place.extract(server, "orders")
            assert ran.code == 5, ran
            assert f"no longer lists 31 of {len(ids) - 9} orders" in ran.err
            assert "--accept-deletions" in ran.err
            assert place.landed_orders() == held
        ran = place.extract(server, "orders", "--accept-deletions")
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)


@pytest.mark.parametrize("days", [1, 12], ids=["few", "many"])
def test_another_organisers_token_lands_and_marks_nothing(place: Place, days: int) -> None:
    """Also in lists of which nothing is landed yet."""
    ours, theirs = small_organiser(days=days), small_organiser(seed=9, days=days)
    for organiser in (ours, theirs):  # the service gives each id to one organiser only
        for name in ("events", "orders", "promo_codes", "discounts"):
            shelf = getattr(organiser, name)
            parity = organiser is ours
            for id_ in [id_ for id_ in shelf.ids if id_ % 2 == parity]:
                shelf.drop(id_)
    with QTicketsServer(ours) as server:
        assert place.extract(server, "events", "orders").code == 0
    landed = [place.landed(listing) for listing in LISTINGS]
    with QTicketsServer(theirs) as server:
        for resources in ((), ("inventory",), ("orders", "--since", "2020-01-01")):
            ran = place.extract(server, *resources)
            assert ran.code == 5, ran
            assert "QTICKETS_API_TOKEN" in ran.err
            assert ran.err.count("\n") == 1, ran
    assert [place.landed(listing) for listing in LISTINGS] == landed
    assert place.query("select count() from stg_qtickets_api_inventory_raw") == [(0,)]
    with QTicketsServer(ours) as server:
        assert place.extract(server).code == 0


def test_one_show_that_fails_costs_itself_only(place: Place) -> None:
    organiser = small_organiser()
    coming = shows_to_come(organiser.events.rows(), datetime.now(MOSCOW))
    shows = [show.show_id for show in coming if organiser.seats(show.show_id)]
    with QTicketsServer(organiser) as server:
        server.faults.outage = {f"/shows/{shows[0]}/seats"}
        server.forbidden = {f"/shows/{shows[1]}/seats"}
        ran = place.extract(server, EXTRACT_TRIES="2")
        assert ran.code == 3, ran
        assert "(the first of 2 of " in ran.err
        landed = {id_ for (id_,) in place.query(f"select distinct show_id from {INVENTORY_TABLE}")}
        assert landed == set(shows[2:])
        status = "select status from meta_job_runs final where resource = 'inventory'"
        assert place.query(status) == [("failed",)]


def test_an_outage_of_orders_leaves_events_and_seats_alone(place: Place) -> None:
    organiser = small_organiser()
    with QTicketsServer(organiser) as server:
        server.faults.outage = {"/orders"}
        ran = place.extract(server, EXTRACT_TRIES="2")
        assert ran.code == 3, ran
        assert ran.err.startswith("zakaz: orders: GET /orders: 503 UNKNOWN_ERROR")
        assert place.landed_events() == events_of(organiser)
        assert place.query("select count() from stg_qtickets_api_inventory_raw")[0][0] > 0
        server.faults.clear()
        assert place.extract(server).code == 0
        assert place.landed_orders() == orders_of(organiser)


def test_promo_codes_that_may_not_be_read_leave_all_else_alone(place: Place) -> None:
    """And one that its list has no more is marked: the service is not known to answer by its id."""
    organiser = small_organiser(days=3)
    with QTicketsServer(organiser) as server:
        server.forbidden = {"/promo-codes"}
        ran = place.extract(server)
        assert ran.code == 3, ran
        assert ran.err.startswith("zakaz: promo_codes: GET /promo-codes: 403 ACCESS_DENIED")
        assert ran.err.count("\n") == 1
        assert place.landed(PROMO_CODES) == {}
        for listing in LISTINGS:
            if listing is not PROMO_CODES:
                assert place.landed(listing) == held_by(organiser, listing) != {}, listing.name
        assert place.extract(server, "--check").code == 3

        server.forbidden = set()
        assert place.extract(server).code == 0
        lost = organiser.promo_codes.ids[2]
        organiser.promo_codes.drop(lost)
        organiser.discounts.put(organiser.discounts.row(6840) | {"name": "Весна", "is_active": 1})
        server.forbidden = {f"/promo-codes/{lost}"}
        ran = place.extract(server)
        assert ran.code == 0, ran
        assert "1 deleted in the API" in ran.out
        for listing in (PROMO_CODES, DISCOUNTS):
            assert place.landed(listing) == held_by(organiser, listing) != {}, listing.name
        assert place.query(
            "select promo_code_id from stg_qtickets_api_promo_codes_raw final where _deleted"
        ) == [(lost,)]


@pytest.mark.parametrize("skew", [-3600.0, 3600.0, 30 * 86400.0])
def test_a_skewed_clock_loses_nothing_for_longer_than_a_sweep(place: Place, skew: float) -> None:
    organiser = small_organiser()
    organiser.clock_skew = skew
    rng = Random(5)
    with QTicketsServer(organiser) as server:
        for _ in range(2):
            ran = place.extract(server)
            assert ran.code == 0, ran
            assert ("The API's clock is 30 days" in ran.out) == (skew > 3600)
            assert place.landed_orders() == orders_of(organiser)
            for _ in range(30):
                organiser.mutate(rng)
    ahead = "select count() from meta_slices where read_at > now() + interval 2 hour"
    assert place.query(ahead) == [(0,)]


def test_nothing_from_the_future_is_fresh_or_not_due(place: Place) -> None:
    """As if one run had been made with a clock a year ahead, before it was set."""
    organiser = small_organiser(days=60, orders_per_day=150)
    year = 365 * 86_400_000
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "orders").code == 0
        for table, times in (
            ("meta_slices", "read_at"),
            ("meta_job_runs", "started_at, finished_at, cursor_to"),
        ):
            moved = ", ".join(
                f"{each} + toIntervalDay(365) as {each}" for each in times.split(", ")
            )
            place.query(f"create table moved as {table}")
            place.query(
                f"insert into moved select * replace ({moved}, _ver + {year} as _ver) from {table}"
            )
            place.query(f"exchange tables moved and {table}")
            place.query("drop table moved")
        told = place.extract(None, "--healthcheck", "orders")
        assert told.code == 5, told
        assert "never verified complete; not believed: 1 runs" in told.out

        refunded = next(row["id"] for row in organiser.orders.rows() if row["payed"])
        organiser.refund(refunded, touch_order=False)
        assert place.extract(server, "orders").code == 0
        ran = place.extract(server, "orders")
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)
        told = place.extract(None, "--healthcheck", "orders")
        assert told.code == 0, told
        assert "not believed: 1 runs" in told.out


def test_our_clock_set_back_does_not_hide_what_is_new(place: Place) -> None:
    """Versions come from our clock, but never fall below what is landed."""
    organiser = small_organiser(days=3)
    with QTicketsServer(organiser) as server:
        assert place.extract(server, "orders").code == 0
        # as if the first run's clock had been a year ahead
        place.query(
            "insert into stg_qtickets_api_orders_raw"
            " (order_id, payload, _dedup_key, _ver, _run_id)"
            " select order_id, payload, _dedup_key, _ver + 31536000000, _run_id"
            " from stg_qtickets_api_orders_raw final"
        )
        for order_id in list(organiser.orders.ids)[-5:]:
            organiser.cancel(order_id)
        ran = place.extract(server, "orders")
        assert ran.code == 0, ran
        assert place.landed_orders() == orders_of(organiser)


def test_a_killed_run_goes_on_from_what_is_landed(place: Place) -> None:
    organiser = small_organiser(days=60, orders_per_day=150)
    with QTicketsServer(organiser, latency=0.02) as server:
        running = place.start_extract(server, "orders", EXTRACT_CONNECTIONS="1")
        while len(server.requests) < 100:  # two slices of forty pages and some
            time.sleep(0.01)
        running.kill()
        running.communicate()
        landed = place.query("select sum(rows) from meta_slices final")[0][0]
        assert landed >= 1500
        server.latency = 0
        server.requests.clear()
        ran = place.extract(server, "orders")
        assert ran.code == 0, ran
        left = (len(organiser.orders.ids) - landed) / 50
        assert len(server.requests) < left * 1.2 + 50, "what was landed is not read again"
        assert place.landed_orders() == orders_of(organiser)


def test_a_row_without_a_usable_id_costs_itself_only(place: Place) -> None:
    """And is not taken for deleted; also in a list whose things cannot be requested by their id."""
    organiser = small_organiser()
    lists = [listing for listing in LISTINGS if len(getattr(organiser, listing.name).ids) > 3]
    assert len(lists) >= 3
    with QTicketsServer(organiser) as server:
        assert place.extract(server, *(listing.name for listing in LISTINGS)).code == 0
        landed = [place.landed(listing) for listing in LISTINGS]
        for listing in lists:
            shelf = getattr(organiser, listing.name)
            id_, odd = shelf.ids[2], shelf.body(shelf.ids[2])
            shelf._bodies[id_] = odd.replace(b'"id":%d,' % id_, b'"id":"%d",' % id_, 1)
            assert shelf._bodies[id_] != odd
        for flags in ((), ("--full",)):
            ran = place.extract(server, *flags)
            assert ran.code == 5, ran
            for listing in lists:
                said = f"GET {listing.path}: rows without a usable `id`, or with one twice, in 1 "
                below = getattr(organiser, listing.name).ids[1]
                assert f"{said}places (after id {below})" in ran.err, ran
                assert ran.err.count(listing.path) == 1, ran
            assert [place.landed(listing) for listing in LISTINGS] == landed
        log = "select resource, argMax(status, started_at) from meta_job_runs final group by 1"
        status = dict(place.query(log))
        assert {status[listing.name] for listing in lists} == {"unverified"}
        # the seats of the shows of the other events are read all the same
        assert place.query(f"select uniq(show_id) > 3 from {INVENTORY_TABLE}") == [(True,)]
        for listing in lists:
            getattr(organiser, listing.name)._bodies.clear()
        assert place.extract(server).code == 0
