"""What is pulled: the path, the table that it lands in, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from extract import redact


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of the API with ids that ascend, landed one row a thing."""

    name: str
    path: str
    table: str
    key: str
    clean: redact.Kind
    has_changes: bool
    """Whether `updated_at` tells what changed. Where it does not, each run reads everything."""
    has_singles: bool
    """Whether `path/{id}` is known to answer. Where not, what a proven list lacks is gone."""


ORDERS = Listing(
    name="orders",
    path="/orders",
    table="stg_qtickets_api_orders_raw",
    key="order_id",
    clean=redact.order,
    has_changes=True,
    has_singles=True,
)

# few, and an event's `updated_at` is not known to move with its shows
EVENTS = Listing(
    name="events",
    path="/events",
    table="stg_qtickets_api_events_raw",
    key="event_id",
    clean=redact.event,
    has_changes=False,
    has_singles=True,
)

# both fit on a page or two
DISCOUNTS = Listing(
    name="discounts",
    path="/discounts",
    table="stg_qtickets_api_discounts_raw",
    key="discount_id",
    clean=redact.discount,
    has_changes=False,
    has_singles=False,
)

PROMO_CODES = Listing(
    name="promo_codes",
    path="/promo-codes",
    table="stg_qtickets_api_promo_codes_raw",
    key="promo_code_id",
    clean=redact.promo_code,
    has_changes=False,
    has_singles=False,
)

# what orders point at is read after them, so that a code made meanwhile is not missing
LISTINGS = (EVENTS, ORDERS, PROMO_CODES, DISCOUNTS)

NAMES = (*(listing.name for listing in LISTINGS), "inventory")
"""The resources, in the order in which a run pulls them: seats need the events' shows."""

INVENTORY_TABLE = "stg_qtickets_api_inventory_raw"

SEATS_QUESTION: dict[str, Any] = {"select": ["id", *redact.SEAT], "flat": True}


@dataclass(frozen=True, slots=True)
class Show:
    """A date of an event."""

    show_id: int
    event_id: int


def shows_to_come(events: Iterable[dict[str, Any]], now: datetime) -> list[Show]:
    """Return the active shows of `events` (cleaned) that have not finished at `now` (aware)."""
    return [
        Show(show["id"], event["id"])
        for event in events
        if not event.get("deleted_at") and isinstance(event.get("shows"), list)
        for show in event["shows"]
        if isinstance(show, dict) and type(show.get("id")) is int
        if show.get("is_active") in (1, "1") and not show.get("deleted_at")
        if _ends_after(show, now)
    ]


def _ends_after(show: dict[str, Any], now: datetime) -> bool:
    try:
        return datetime.fromisoformat(show.get("finish_date") or show.get("start_date")) > now  # type: ignore[arg-type]
    except (TypeError, ValueError):
        # without a date that can be read it may still be to come: better asked for than left out
        return True
