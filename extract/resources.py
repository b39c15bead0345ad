"""What is pulled: the path, the table that it lands in, and what may be kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from extract import payloads


@dataclass(frozen=True)
class Resource:
    """A list of the API with ids that ascend, landed one row a thing.

    `incremental`: whether `updated_at` tells what changed; where not, each run reads everything.
    `has_singles`: whether `path/{id}` is known to answer; where not, what the list lacks is
    deleted.
    """

    name: str
    key: str
    kind: type[msgspec.Struct]
    incremental: bool = False
    has_singles: bool = False

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/{self.name.replace('_', '-')}"

    @property
    def table(self) -> str:
        """Where it lands."""
        return f"stg_qtickets_api_{self.name}_raw"


ORDERS = Resource("orders", "order_id", payloads.Order, incremental=True, has_singles=True)
# few, and an event's `updated_at` is not known to move with its shows
EVENTS = Resource("events", "event_id", payloads.Event, has_singles=True)
# both fit on a page or two
DISCOUNTS = Resource("discounts", "discount_id", payloads.Discount)
PROMO_CODES = Resource("promo_codes", "promo_code_id", payloads.PromoCode)

# what orders point at is read after them, so that a code made meanwhile is not missing
LISTINGS = (EVENTS, ORDERS, PROMO_CODES, DISCOUNTS)

INVENTORY = "inventory"
INVENTORY_TABLE = "stg_qtickets_api_inventory_raw"
SEATS_PARAMS: dict[str, Any] = {"select": list(payloads.SEAT_FIELDS), "flat": True}

NAMES = (*(resource.name for resource in LISTINGS), INVENTORY)
"""The resources, in the order in which a run reads them: seats need the events' shows."""


@dataclass(frozen=True, slots=True)
class Show:
    """A date of an event."""

    show_id: int
    event_id: int


def shows_to_come(events: Iterable[dict[str, Any]], now: datetime) -> list[Show]:
    """Return the shows of `events` (payloads) that have not finished at `now` (aware).

    Also those whose sales are closed (`is_active` 0). Of a show without a date that can be read
    nobody knows: while it is on sale it is asked for.
    """
    return [
        Show(int(show["id"]), event["id"])
        for event in events
        if not _is_deleted(event) and isinstance(event.get("shows"), list)
        for show in event["shows"]
        # a number may come as a text, as any may of PHP
        if isinstance(show, dict) and re.fullmatch("[0-9]{1,19}", str(show.get("id")))
        if not _is_deleted(show) and _is_to_come(show, now)
    ]


def _is_deleted(thing: dict[str, Any]) -> bool:
    # as dbt has it: what is no instant, such as MySQL's empty date, deletes nothing
    return instant(thing.get("deleted_at")) is not None


def _is_to_come(show: dict[str, Any], now: datetime) -> bool:
    start, finish = instant(show.get("start_date")), instant(show.get("finish_date"))
    if start and finish and finish < start:  # a typing error is no end
        finish = start
    end = finish or start
    return end > now if end else show.get("is_active") in (1, "1", "true")  # True equals 1


def instant(value: Any) -> datetime | None:
    """Return the instant that a text in ISO 8601 with its offset names; None of anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
