"""Which shows are asked for their seats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from extract.cli import _NAMES
from extract.resources import NAMES, Show, shows_to_come

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER, EARLIER = "2026-05-02T19:00:00+03:00", "2026-04-30T19:00:00+03:00"


@pytest.mark.parametrize(
    ("show", "is_to_come"),
    [
        ({"is_active": 1, "start_date": LATER, "finish_date": None}, True),
        ({"is_active": 0, "start_date": LATER}, True),
        ({"is_active": 0, "start_date": EARLIER, "finish_date": LATER}, True),
        ({"is_active": 1, "start_date": EARLIER, "finish_date": EARLIER}, False),
        ({"is_active": 1, "start_date": EARLIER}, False),
        # an end before the start is none
        ({"is_active": 1, "start_date": LATER, "finish_date": EARLIER}, True),
        # without a date that can be read
        ({"is_active": 1}, True),
        ({"is_active": True, "start_date": "0000-00-00 00:00:00"}, True),
        ({"is_active": "true", "start_date": "2026-05-02T19:00:00"}, True),
        ({"is_active": 0}, False),
        ({"is_active": "0", "start_date": "soon"}, False),
        # deleted, and MySQL's empty date
        ({"is_active": 1, "start_date": LATER, "deleted_at": EARLIER}, False),
        ({"is_active": 1, "start_date": LATER, "deleted_at": "0000-00-00 00:00:00"}, True),
        # as dbt reads it
        ({"is_active": 1, "start_date": LATER, "deleted_at": "[redacted]"}, True),
        ({"is_active": 1, "start_date": LATER, "deleted_at": "2026-04-30 19:00:00"}, True),
        ({"is_active": 1, "start_date": LATER, "id": "500"}, True),
    ],
)
def test_shows_to_come(show: dict[str, Any], is_to_come: bool) -> None:
    event = {"id": 9, "shows": [{"id": 500, **show}, "[redacted]", {**show, "id": "a"}]}
    found = [Show(500, 9)] if is_to_come else []
    assert shows_to_come([event], NOW) == found
    assert shows_to_come([event | {"deleted_at": ""}], NOW) == found
    assert shows_to_come([event | {"deleted_at": EARLIER}], NOW) == []
    assert shows_to_come([event | {"shows": "[redacted]"}], NOW) == []


def test_the_flags_know_the_resources_without_importing_them() -> None:
    assert NAMES == _NAMES
