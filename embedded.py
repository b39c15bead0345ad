"""What a process needs that opens the embedded ClickHouse: extract, dbt, report, notify, demo."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo


def use_known_zone() -> None:
    """Let a TZ that the engine does not know be UTC for this process, before it is loaded.

    Under TZ=MSK-3 (POSIX has such zones, the engine has not) it refuses to load, and
    clickhouse-connect says that it is not installed. Our SQL names the zone of each instant, so no
    figure depends on TZ.
    """
    zone = os.environ.get("TZ", "").removeprefix(":")
    if not zone or Path(zone).is_absolute():
        return
    try:
        ZoneInfo(zone)
    except (LookupError, OSError, ValueError):
        os.environ["TZ"] = "UTC"
