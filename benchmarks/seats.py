"""What pictures of seats take on disk: the one thing that grows without a sale.

    python -m benchmarks.seats [--shows 20] [--seats 500] [--snapshots 100]

Halls that sell a few seats between one snapshot and the next are landed by the extractor's own code
in an embedded ClickHouse. Prints bytes on disk, merged, by snapshot and by seat, and as a share of
the JSON that was landed.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import clickhouse_connect
import orjson

from extract import redact
from extract.resources import INVENTORY_TABLE, Show
from extract.settings import Settings
from extract.store import Row, Snapshot
from extract.warehouse import Warehouse

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=30)


def hall(seats: int) -> dict[str, dict[str, Any]]:
    """Return the seats of an empty hall, as the API gives them."""
    return {
        f"parter-{n // 25};{n % 25}": {
            "id": f"parter-{n // 25};{n % 25}",
            "zone_id": "parter",
            "admission": 0,
            "price": 500 + n // 25 * 100,
            "currency_id": "RUB",
            "disabled": False,
            "available": True,
            "max_quantity": 1,
            "free_quantity": 1,
            "ordered_quantity": 0,
            "payed_quantity": 0,
        }
        for n in range(seats)
    }


def land(directory: Path, shows: int, seats: int, snapshots: int) -> int:
    """Land all snapshots; return the bytes of their JSON."""
    rng = Random(1)
    halls = {Show(show_id, show_id // 3): hall(seats) for show_id in range(1, shows + 1)}
    warehouse = Warehouse(Settings(clickhouse_path=directory), "benchmark")
    size = 0
    try:
        # no row is older than a year: retention must not take part in this
        warehouse.prepare()
        for number in range(snapshots):
            taken_at = START + number * EVERY
            batch = []
            for show, seats_of_show in halls.items():
                for seat_id in rng.sample(sorted(seats_of_show), 3):
                    seats_of_show[seat_id] |= {
                        "available": False,
                        "free_quantity": 0,
                        "payed_quantity": 1,
                    }
                payload = orjson.dumps(redact.seats(seats_of_show))
                size += len(payload)
                row = Row(show.show_id, payload, rng.getrandbits(63), number + 1)
                batch.append(Snapshot(show, taken_at, row))
            warehouse.land_seats(batch)
    finally:
        warehouse.close()
    return size


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seats", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--shows", type=int, default=20)
    parser.add_argument("--seats", type=int, default=500)
    parser.add_argument("--snapshots", type=int, default=100, help="of each show")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zakaz-") as temporary:
        directory = Path(temporary) / "chdb"
        size = land(directory, given.shows, given.seats, given.snapshots)
        client = clickhouse_connect.get_client(interface="chdb", path=str(directory))
        client.command(f"optimize table zakaz.{INVENTORY_TABLE} final")
        [(rows, on_disk)] = client.query(
            "select sum(rows), sum(bytes_on_disk) from system.parts"
            f" where active and table = '{INVENTORY_TABLE}'"
        ).result_rows
        client.close()
    assert rows == given.shows * given.snapshots, rows
    print(
        f"{rows:,} snapshots of {given.seats} seats: {size / rows:,.0f} bytes of JSON each,"
        f" {on_disk / rows:,.0f} on disk ({on_disk / size:.1%} of the JSON;"
        f" {on_disk / rows / given.seats:.1f} a seat)"
    )


if __name__ == "__main__":
    main()
