"""Run the chain once: a QTickets API server with a sample organiser, extract, dbt, docs, report.

The organiser is invented and has sold tickets for thirteen months up to this hour. The data stays
in .chdb, so that a second run finds what the first one landed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from clickhouse import to_embedded
from tests.qtickets_api import in_own_process

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

DAYS = 395  # thirteen months, so that each month has the same of a year ago beside it

#: What was processed: what it is called, and what counts it.
PROCESSED = {
    "events": "select count() from dim_events",
    "orders": "select count() from stg_qtickets_api_orders_raw final where not _deleted",
    "tickets sold": "select sum(tickets_sold) from fact_qtickets_sales_daily",
    "rows of fact_qtickets_sales_daily": "select count() from fact_qtickets_sales_daily",
    "shows to come with seats": "select count() from fact_qtickets_inventory_by_show",
}

SALES = """
    select sales_date, event_name, city, currency, tickets_sold, revenue
    from v_sales_latest
    where sales_date = toDate(now('Europe/Moscow')) - 1
    order by revenue desc, event_id
"""

# Invented, and in a table of its own: the seed of the plan stays the organiser's.
PLAN_TABLE = "demo_plan"
PLAN = f"""
    create or replace table {PLAN_TABLE} engine = MergeTree order by plan_date as
    select
        toStartOfMonth(toDate(now('Europe/Moscow'))) + number as plan_date,
        plan.1::UInt64 as event_id,
        plan.2 as city,
        'RUB' as currency,
        plan.3::Int64 as planned_tickets,
        plan.4::Decimal(18, 2) as planned_revenue
    from numbers(toDayOfMonth(toLastDayOfMonth(toDate(now('Europe/Moscow')))))
    array join [
        (24089, '', 14, 6000), (26340, '', 13, 18000), (26011, '', 14, 25000),
        (0, 'Томск', 13, 12000)
    ] as plan
"""

# Invented as well: what two campaigns of the sample cost a day.
COSTS_TABLE = "demo_ad_costs"
COSTS = f"""
    create or replace table {COSTS_TABLE} engine = MergeTree order by spend_date as
    select
        toDate(now('Europe/Moscow')) - number as spend_date,
        cost.1 as utm_source,
        '' as utm_medium,
        cost.2 as utm_campaign,
        '' as utm_content,
        '' as utm_term,
        'RUB' as currency,
        cost.3::Decimal(18, 2) as spend,
        cost.4::Int64 as impressions,
        cost.5::Int64 as clicks
    from numbers(60)
    array join [
        ('yandex', '71093344', 6000, 9000, 240), ('vk', 'osen-2025', 9000, 21000, 310)
    ] as cost
"""


def main() -> None:
    """Run everything; leave with the exit code of the first step that fails."""
    # the demo is the same whatever this shell is set up for
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CLICKHOUSE_", "EXTRACT_"))}
    env["DBT_PROFILES_DIR"] = str(ROOT)
    print("1. python -m extract, thirteen months of a sample organiser into .chdb", flush=True)
    with in_own_process("--days", str(DAYS)) as settings:
        step([sys.executable, "-m", "extract"], env | settings)
    print(f"\n2. dbt build, with examples in {PLAN_TABLE} and {COSTS_TABLE}", flush=True)
    with closing(database()) as client:
        client.command(PLAN)
        client.command(COSTS)
    tables = json.dumps({"plan_sales_table": PLAN_TABLE, "ad_costs_table": COSTS_TABLE})
    step([str(BIN / "dbt"), "--quiet", "build", "--vars", tables], env)
    results = json.loads((ROOT / "target/run_results.json").read_text())["results"]
    counts = Counter(f"{r['unique_id'].split('.')[0]} {r['status']}" for r in results)
    print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    print("\n3. dbt docs generate --static", flush=True)
    step([str(BIN / "dbt"), "--quiet", "docs", "generate", "--static", "--vars", tables], env)

    print("\n4. python -m report", flush=True)
    step([sys.executable, "-m", "report", "--docs", "static_index.html"], env)

    with closing(database()) as client:
        print("\nYesterday, in Moscow time (v_sales_latest):")
        show(client.query(SALES))
        print("\nProcessed:")
        for what, sql in PROCESSED.items():
            [(count,)] = client.query(sql).result_rows
            print(f"  {count:>9,}  {what}")
    print("\nLook at:")
    print(f"  the report     file://{ROOT / 'target/report.html'}")
    print(f"  the docs site  file://{ROOT / 'target/static_index.html'}")
    print("Again with `make demo`; from the beginning after `rm -rf .chdb`.")


def database() -> Client:
    """Open the embedded database; close it before another process asks."""
    client = to_embedded(ROOT / ".chdb")
    client.database = "zakaz"
    return client


def step(command: Sequence[str], env: dict[str, str]) -> None:
    """Run one step in the project's root."""
    code = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    if code:
        sys.exit(code)


def show(result: clickhouse_connect.driver.query.QueryResult) -> None:
    """Print a result as a table."""
    rows = [list(result.column_names)]
    rows += [["?" if value is None else str(value) for value in row] for row in result.result_rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  " + "  ".join(f"{v:<{w}}" for v, w in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
