"""What dbt costs: the first build, a build of nothing new, and one after 500 changed orders.

    python -m benchmarks.facts [--orders 126213 --orders 2000000] [--dir DIR]

Invented orders are written by ClickHouse itself into the raw table of an embedded ClickHouse, as
the extractor would have landed them days ago. Then an operator's commands are timed: a first build,
and builds as cron runs them, with all data tests. Of each it prints, in seconds

    wall      the whole command
    cpu       of all its threads, ClickHouse's too: says the same on a busy machine
    start     until dbt runs its first node: import, parse, connect, what is there already
    SQL       all statements together; four run side by side, so this may exceed what it adds
    orders .. catalogue     of that: the models of orders, of events, of tickets, of the fact, of
              those by UTM tags and by promo code; the data tests; what dbt asks before that

and the most memory that the process held, ClickHouse in it; the wall as a share of the first
build; the fact's SQL and the wall as multiples of the hand-written query, which is what an
analyst would write against the typed table for the same rows, which is checked. Then what each
table takes on disk, by order and as a share of the JSON; and at the end what all of it is as a
multiple of what it was with the fewest orders.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from benchmarks.measured import ROOT, measured
from extract.settings import Settings
from extract.warehouse import Warehouse

DATABASE = "zakaz"
ON_SALE = 15  # events at a time
EVENTS = 208 + ON_SALE
SHOWS = 4  # of each event, a week apart; the first begins when the sale of the event ends
DAYS = 1_461  # that the orders spread over, up to now
DAYS_APART = DAYS / (EVENTS - ON_SALE)  # from one event to the next
CHANGED, NEW = 500, 50

# Keys and kinds of values of the live service, as extract/redact.py leaves them: 1.7 KB an order.
TICKET = """Tuple(
    id UInt64, show_id UInt64, seat_id String, seat_name String,
    original_price Decimal(18, 2), ticket_original_price Decimal(18, 2),
    discount_value Decimal(18, 2), price Decimal(18, 2), ticket_amount Decimal(18, 2),
    service_fee_amount UInt8, quantity UInt8, checked_at Nullable(String), created_at String,
    updated_at String, deleted_at Nullable(String), refunded_at Nullable(String),
    refunded_amount Nullable(Decimal(18, 2)), refunded_deduction_amount Nullable(Decimal(18, 2)),
    related_baskets Array(UInt8))"""
ORDER = f"""Tuple(
    id UInt64, payed Bool, payed_at Nullable(String), client_id UInt64, site_id UInt32,
    payment_id UInt32, payment_type_id String, backend_user_id Nullable(UInt8),
    access_code_id Nullable(UInt8), discount_id Nullable(UInt32), promo_code_id Nullable(UInt32),
    reserved Bool, reserved_to String, event_id UInt64, price Decimal(18, 2),
    original_price Decimal(18, 2), currency_id String,
    utm Tuple(utm_source String, utm_medium String, utm_campaign String),
    baskets Array({TICKET}), created_at String, updated_at String, deleted_at Nullable(String))"""
EVENT = """Tuple(
    id UInt64, is_active UInt8, name String, currency_id String, place_name String,
    city_id UInt32, city Tuple(id UInt32, name String, timezone String),
    shows Array(Tuple(
        id UInt64, name String, is_active UInt8, start_date String, finish_date String,
        deleted_at Nullable(String))),
    created_at String, updated_at String, deleted_at Nullable(String))"""


def moment(instant: str) -> str:
    return f"formatDateTime({instant}, '%Y-%m-%dT%H:%i:%S+03:00', 'Europe/Moscow')"


def land_orders(source: str, total: int, *, days_ago: int, is_changed: bool) -> str:
    """Return the insert of the orders whose numbers (0 is the oldest) are in the table `source`.

    Four of five are paid, one of 50 tickets is cancelled and one of 30 refunded. A changed order
    has each of its tickets refunded. One of four orders has a promo code.
    """
    refunded = "1" if is_changed else "cityHash64(n, j, 'refund') % 30 = 0"
    return f"""
        insert into stg_qtickets_api_orders_raw
            (order_id, payload, _dedup_key, _ver, _landed_at, _run_id)
        with
            number as n,
            toIntervalSecond(intDiv(least(n, {total - 1}) * {DAYS * 86400}, {total})) as since,
            now() - interval {DAYS} day + since as t,
            -- an event is on sale for three months or so, one of {ON_SALE} at a time
            intDiv(n * {EVENTS - ON_SALE}, {total}) as first_on_sale,
            first_on_sale + cityHash64(n, 'event') % {ON_SALE} as event_number,
            1 + event_number as event_id,
            cityHash64(n, 'payed') % 5 != 0 as payed,
            if(cityHash64(n, 'code') % 4 = 0, 1 + n % 50, null) as code,
            {moment("t")} as made,
            {moment("t + interval 4 minute")} as paid,
            {moment("t + interval 40 day")} as later,
            arrayMap(
                j -> (
                    1 + n * 5 + j, event_id * {SHOWS} + cityHash64(n, 'show') % {SHOWS},
                    concat('parter-', toString(cityHash64(n) % 40), ';', toString(j)),
                    concat('Партер, ряд ', toString(cityHash64(n) % 40), ', место ', toString(j)),
                    590.5, 590.5, 0, (cityHash64(n, j) % 6) * 198.35::Decimal(18, 2), 590.5, 0, 1,
                    null, made, paid,
                    if(cityHash64(n, j, 'cancel') % 50 = 0, later, null),
                    if(payed and {refunded}, later, null),
                    if(payed and {refunded}, (cityHash64(n, j) % 6) * 178, null),
                    if(payed and {refunded}, 0, null), []
                ),
                range(1 + cityHash64(n, 'tickets') % 4)
            ) as tickets
        select
            1000 + n * 3 as order_id,
            toJSONString((
                order_id, payed, if(payed, paid, null), 500000 + cityHash64(n) % 90000, 1356, 12133,
                'card', null, null, code, code, 0, paid, event_id,
                arraySum(x -> x.8, tickets), 590.5, 'RUB',
                ('yandex', 'cpc', toString(cityHash64(n) % 100000)), tickets, made, paid,
                if(payed, null, later)
            )::{ORDER}) as payload,
            cityHash64(payload),
            toUnixTimestamp64Milli(now64(3)) - {days_ago * 86_400_000},
            now64(3) - interval {days_ago} day,
            'benchmark'
        from {source}
    """


LAND_EVENTS = f"""
    insert into stg_qtickets_api_events_raw
        (event_id, payload, _dedup_key, _ver, _landed_at, _run_id)
    with
        1 + number as event_id,
        now() + toIntervalSecond(((number + 1) * {DAYS_APART} - {DAYS}) * 86400) as first_show,
        arrayMap(
            j -> (
                event_id * {SHOWS} + j, '', 1,
                {moment("first_show + toIntervalWeek(j)")},
                {moment("first_show + toIntervalWeek(j) + interval 2 hour")}, null
            ),
            range({SHOWS})
        ) as shows
    select
        event_id,
        toJSONString((
            event_id, 1, concat('Концерт № ', toString(event_id)), 'RUB', 'Дворец культуры', 24,
            (24, ['Томск', 'г. Томск', 'Казань', 'Омск'][1 + number % 4], 'Asia/Tomsk'), shows,
            '2021-05-01T12:00:00+03:00', '2021-05-01T12:00:00+03:00', null
        )::{EVENT}) as payload,
        cityHash64(payload), 1, now64(3) - interval 3 day, 'benchmark'
    from numbers({EVENTS})
"""

LAND_RUN = """
    insert into meta_job_runs
        (run_id, job, resource, {how}, started_at, finished_at, status, api_total, _ver)
    select
        'benchmark', 'extract', pair.1, '{mode}', now64(3), now64(3), '{status}', pair.2, {ver}
    from (
        select arrayJoin([
            ('orders', {orders}), ('events', {events}),
            ('discounts', 0), ('promo_codes', 0), ('inventory', 0)
        ]) as pair
    )
"""


def land_run(client: Client, orders: int, ver: int) -> None:
    """Write what the extractor says when all was read, into the run log of either version."""
    names = client.query("describe meta_job_runs").result_columns[0]
    how, mode, status = (
        ("mode", "incremental", "verified") if "mode" in names else ("lane", "changes", "proven")
    )
    client.command(
        LAND_RUN.format(how=how, mode=mode, status=status, orders=orders, events=EVENTS, ver=ver)
    )


# The same rows as fact_qtickets_sales_daily, in one query against the typed table.
BY_HAND = """
    select
        toDate(coalesce(o.paid_at, o.created_at), 'Europe/Moscow') as sales_date,
        if(s.event_id != 0, s.event_id, o.event_id) as event_id,
        e.city as city,
        o.currency as currency,
        sumIf(quantity, refunded_at is null) as tickets_sold,
        sumIf(quantity, refunded_at is not null) as tickets_refunded,
        sum(price * quantity) as gross_revenue,
        sum(multiIf(
            paid_back is not null, assumeNotNull(paid_back),
            refunded_at is not null, greatest(price * quantity - ifNull(kept, 0), 0),
            0
        )) as refunded_amount,
        gross_revenue - refunded_amount as revenue
    from stg_qtickets_api__orders as o final
    array join
        ticket_show_ids as ticket_show, ticket_quantities as quantity, ticket_prices as price,
        ticket_deleted_at as cancelled_at, ticket_refunded_at as refunded_at,
        ticket_refunded_amounts as paid_back, ticket_refunded_deductions as kept
    left join stg_qtickets_api__shows as s on ticket_show = s.show_id
    left join dim_events as e on if(s.event_id != 0, s.event_id, o.event_id) = e.event_id
    where o.is_paid and not o.is_tombstone and o.deleted_at is null and cancelled_at is null
    group by all
"""
FACT = """
    select sales_date, event_id, city, currency,
           tickets_sold, tickets_refunded, gross_revenue, refunded_amount, revenue
    from fact_qtickets_sales_daily
"""

GROUPS = {
    "stg_qtickets_api__orders": "orders",
    "stg_qtickets_api__events": "events",
    "int_tickets": "tickets",
    "dim_events": "events",
    "fact_qtickets_sales_daily": "fact",
    "fact_qtickets_sales_utm_daily": "utm",
    "fact_qtickets_sales_promo_daily": "promo",
}


@dataclass
class Timed:
    """One command: seconds, and gigabytes."""

    wall: float
    cpu: float
    start: float
    memory: float
    sql: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    nodes: int = 0
    statements: int = 0


@dataclass(frozen=True)
class Bench:
    """An embedded ClickHouse, and dbt at work on it."""

    directory: Path

    @contextmanager
    def client(self) -> Iterator[Client]:
        path = str(self.directory / "chdb")
        client = clickhouse_connect.get_client(interface="chdb", path=path)
        try:
            client.database = DATABASE
            yield client
        finally:
            client.close()

    def prepare(self) -> None:
        """Create the raw tables, as the extractor does."""
        warehouse = Warehouse(Settings(clickhouse_path=self.directory / "chdb"), "benchmark")
        warehouse.prepare()
        warehouse.close()
        (self.directory / "profiles.yml").write_text((ROOT / "profiles.example.yml").read_text())

    def dbt(self, *args: str) -> Timed:
        """Run dbt in a process of its own; exit when it fails."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CLICKHOUSE_", "DBT_"))}
        env |= {
            "CLICKHOUSE_PATH": str(self.directory / "chdb"),
            "DBT_PROFILES_DIR": str(self.directory),
            "DBT_TARGET_PATH": str(self.directory / "target"),
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "DBT_LOG_FORMAT_FILE": "json",
        }
        log = self.directory / "logs" / "dbt.log"
        log.unlink(missing_ok=True)
        started = time.time()
        dbt = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *args]
        cost = measured(dbt, env, self.directory / "out")
        timed = Timed(cost.seconds, cost.cpu, cost.seconds, cost.megabytes / 1024)
        return self._read(log, started, timed)

    def _read(self, log: Path, started: float, timed: Timed) -> Timed:
        """Take from dbt's own log when the first node began and what each statement took."""
        begun: list[float] = []
        open_: dict[str, tuple[str, float]] = {}  # by thread: whose statement, and since when
        for line in log.read_text().splitlines():
            event = json.loads(line)
            info = event["info"]
            at = datetime.fromisoformat(info["ts"]).timestamp()
            message = event["data"].get("base_msg", "")
            if info["name"] == "NodeStart":
                begun.append(at)
                timed.nodes += 1
            elif asked := re.match(r"On (\S+): ", message):
                open_[info["thread"]] = (asked[1], at)
            elif message.startswith("SQL status") and info["thread"] in open_:
                whose, since = open_.pop(info["thread"])
                timed.sql[group_of(whose)] += at - since
                timed.statements += 1
        if begun:
            timed.start = min(begun) - started
        return timed


def group_of(connection: str) -> str:
    """Return the column of a statement; dbt calls a connection by its node, as `model.zakaz.x`."""
    kind, _, name = connection.partition(".zakaz.")
    if kind == "test":
        return "tests"
    return GROUPS.get(name, "rest" if name else "catalogue")


def best_of(times: int, client: Client, sql: str) -> float:
    """Return the seconds of the fastest of some runs, of which the first warms the caches."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        client.command(f"create or replace table by_hand engine = Memory as {sql}")
        seconds.append(time.perf_counter() - started)
    return min(seconds)


HEAD = (
    *(
        "wall",
        "cpu",
        "start",
        "SQL",
        "orders",
        "events",
        "tickets",
        "fact",
        "utm",
        "promo",
        "tests",
    ),
    "catalogue",
    *("memory", "nodes", "of first", "fact x", "wall x"),
)


GROUPS_SHOWN = ("orders", "events", "tickets", "fact", "utm", "promo", "tests", "catalogue")


def report(name: str, timed: Timed, first: Timed, by_hand: float) -> None:
    sql = sum(timed.sql.values())
    seconds = [timed.wall, timed.cpu, timed.start, sql]
    seconds += [timed.sql[group] for group in GROUPS_SHOWN]
    print(
        f"{name:<26}"
        + "".join(f"{s:10.2f}" for s in seconds)
        + f"{timed.memory:9.1f}G{timed.nodes:10}"
        + f"{timed.wall / first.wall:10.0%}{timed.sql['fact'] / by_hand:10.1f}"
        + f"{timed.wall / by_hand:10.0f}"
    )


def disk(client: Client, orders: int, json_size: int) -> int:
    """Print what the tables take on disk, merged; return the sum in bytes."""
    tables = (
        "stg_qtickets_api_orders_raw",
        "stg_qtickets_api__orders",
        "fact_qtickets_sales_daily",
    )
    for table in tables:
        client.command(f"optimize table {table} final")
    sizes = client.query(
        "select table, sum(rows), sum(bytes_on_disk) from system.parts"
        f" where active and database = '{DATABASE}' and table in {tables}"
        " group by table order by 3 desc"
    ).result_rows
    print(f"{'on disk':<30}{'rows':>12}{'bytes an order':>16}{'of the JSON':>13}")
    for table, rows, size in sizes:
        print(f"{table:<30}{rows:12,}{size / orders:16.0f}{size / json_size:13.1%}")
    return sum(size for _, _, size in sizes)


def measure(orders: int, directory: Path) -> dict[str, float]:
    """Print what so many orders cost; return it by name, for comparison with more of them."""
    bench = Bench(directory)
    bench.prepare()
    started = time.perf_counter()
    with bench.client() as client:
        client.command(LAND_EVENTS)
        client.command(land_orders(f"numbers({orders})", orders, days_ago=3, is_changed=False))
        land_run(client, orders, ver=1)
        [(size, on_disk)] = client.query(
            "select sum(length(payload)), (select sum(bytes_on_disk) from system.parts"
            " where active and table = 'stg_qtickets_api_orders_raw')"
            " from stg_qtickets_api_orders_raw"
        ).result_rows
    print(
        f"\n{orders:,} orders, {size / 1e6:,.0f} MB of JSON ({on_disk / 1e6:,.0f} MB on disk),"
        f" made in {time.perf_counter() - started:.0f} s",
        flush=True,
    )

    parse = bench.dbt("parse")
    cron = ("build", "--exclude-resource-type", "unit_test")
    # as on a first day, when the tests of conservation read all that was landed
    runs: dict[str, Timed] = {"first build": bench.dbt(*cron, "--full-refresh")}
    runs["nothing new"] = bench.dbt(*cron)
    runs["nothing new, again"] = bench.dbt(*cron)
    with bench.client() as client:
        recent = f"(select {orders} - 1 - number * 7 as number from numbers({CHANGED}))"
        client.command(land_orders(recent, orders, days_ago=0, is_changed=True))
        fresh = f"(select {orders} + number as number from numbers({NEW}))"
        client.command(land_orders(fresh, orders, days_ago=0, is_changed=False))
        land_run(client, orders + NEW, ver=2)
    runs[f"{CHANGED} changed, {NEW} new"] = bench.dbt(*cron)
    runs["nothing new, after that"] = bench.dbt(*cron)

    with bench.client() as client:
        by_hand = best_of(4, client, BY_HAND)
        same = client.query(
            f"select (select count() from ({FACT})), (select count() from by_hand),"
            f" (select count() from ({FACT} intersect select * from by_hand))"
        ).result_rows[0]
        assert len(set(same)) == 1, same
        client.command("drop table by_hand")
    print(
        f"the fact by hand, one query, {same[0]:,} rows: {by_hand:.2f} s;"
        f" dbt parse: {parse.wall:.1f} s"
    )
    print(f"{'seconds':<26}" + "".join(f"{head:>10}" for head in HEAD))
    for name, timed in runs.items():
        report(name, timed, runs["first build"], by_hand)
    with bench.client() as client:
        total = disk(client, orders, size)
    costs = {"orders": float(orders), "bytes on disk": float(total)}
    for name, timed in runs.items():
        costs |= {f"{name}: wall": timed.wall, f"{name}: memory": timed.memory}
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.facts", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--orders", type=int, action="append", help="how many; may be repeated")
    parser.add_argument(
        "--dir", type=Path, help="work here, and leave it (default: a temporary one)"
    )
    given = parser.parse_args()
    costs = []
    for orders in sorted(given.orders or [126_213, 2_000_000]):
        if given.dir:
            directory = given.dir / str(orders)
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            costs.append(measure(orders, directory))
            continue
        with tempfile.TemporaryDirectory(prefix="zakaz-") as temporary:
            costs.append(measure(orders, Path(temporary)))
    for more in costs[1:]:
        print(f"\n{more['orders']:,.0f} orders as multiples of {costs[0]['orders']:,.0f}")
        for name, cost in more.items():
            print(f"{name:<36}{cost / costs[0][name]:8.1f} x")


if __name__ == "__main__":
    main()
