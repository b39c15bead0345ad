"""What raw tables take on disk: orders, and pictures of seats, which grow without a sale.

    python -m benchmarks.disk [--orders 20000] [--shows 20] [--seats 500] [--snapshots 100]

The varied orders of the sample organiser of the tests, and halls that sell a few seats between one
snapshot and the next, are landed by the code of the extractor in an embedded ClickHouse. Prints
bytes on disk, merged, and the share of the JSON that was landed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import clickhouse_connect
import orjson

from extract.payloads import Kept, keep, keep_seats
from extract.resources import INVENTORY_TABLE, ORDERS, Show
from extract.settings import Settings
from extract.warehouse import Snapshot, Warehouse
from tests.zakaz import small_organiser

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=30)
BATCH = 2_000
DAYS = 100


def orders(count: int) -> list[Kept]:
    organiser = small_organiser(days=DAYS, orders_per_day=count // DAYS)
    return [keep(ORDERS.kind, orjson.dumps(row)) for row in organiser.orders.rows()]


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


def pictures(shows: int, seats: int, snapshots: int, rng: Random) -> Iterator[list[Snapshot]]:
    """Yield the snapshots of all shows, one moment after the other."""
    halls = {Show(show_id, show_id // 3): hall(seats) for show_id in range(1, shows + 1)}
    for number in range(snapshots):
        batch = []
        for show, seats_of_show in halls.items():
            for seat_id in rng.sample(sorted(seats_of_show), 3):
                seats_of_show[seat_id] |= {
                    "available": False,
                    "free_quantity": 0,
                    "payed_quantity": 1,
                }
            payload, redacted = keep_seats(orjson.dumps(seats_of_show))
            batch.append(Snapshot(show, START + number * EVERY, payload, redacted))
        yield batch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disk", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--shows", type=int, default=20)
    parser.add_argument("--seats", type=int, default=500)
    parser.add_argument("--snapshots", type=int, default=100, help="of each show")
    given = parser.parse_args()
    rng = Random(1)
    with tempfile.TemporaryDirectory(prefix="zakaz-") as temporary:
        directory = Path(temporary) / "chdb"
        warehouse = Warehouse(Settings(clickhouse_path=directory), "benchmark")
        warehouse.prepare()
        rows = orders(given.orders)
        for first in range(0, len(rows), BATCH):
            warehouse.land(ORDERS, rows[first : first + BATCH])
        for batch in pictures(given.shows, given.seats, given.snapshots, rng):
            warehouse.land_seats(batch)
        warehouse.close()
        client = clickhouse_connect.get_client(interface="chdb", path=str(directory))
        print(f"{'':<34}{'rows':>10}{'JSON, bytes':>13}{'on disk':>9}{'share':>8}")
        for table in (ORDERS.table, INVENTORY_TABLE):
            client.command(f"optimize table zakaz.{table} final")
            [(count, size, on_disk)] = client.query(
                "select count(), avg(length(payload)), (select sum(bytes_on_disk) from system.parts"
                f" where active and table = '{table}') / count() from zakaz.{table}"
            ).result_rows
            print(f"{table:<34}{count:10,}{size:13,.0f}{on_disk:9,.0f}{on_disk / size:8.1%}")
        client.close()


if __name__ == "__main__":
    main()
