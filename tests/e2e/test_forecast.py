"""Shows, hours, curves, forecasts and comparisons, cell by cell against an organiser's rows.

As of days that are over (`report_today`), so that nothing depends on the hour of the test; what
"up to the same hour" means is said by dbt's unit tests.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random

from tests.qtickets_api import QTicketsServer
from tests.qtickets_sample import MOSCOW
from tests.truth_forecast import Shows
from tests.zakaz import Place, small_organiser

MODELS = (
    *("fact_qtickets_sales_hourly", "v_sales_compared", "v_show_forecast"),
    *("assert_marketing_totals_equal_daily", "assert_curve_ends_at_what_was_sold"),
)


def test_forecasts_and_comparisons_are_true(place: Place) -> None:
    organiser = small_organiser(seed=5, days=400, orders_per_day=8)
    yesterday = datetime.now(MOSCOW).date() - timedelta(days=1)
    selected = [f"+{name}" for name in MODELS]
    with QTicketsServer(organiser) as server:
        for today in (yesterday, yesterday - timedelta(days=24)):
            if today != yesterday:
                # a busy day: sales, refunds months late, cancellations, moves, shows taken off
                rng = Random(3)
                for _ in range(200):
                    organiser.mutate(rng)
            # in full: a refund does not move an order, however old
            extracted = place.extract(server, "--full")
            assert extracted.code == 0, extracted
            given = json.dumps({"report_today": str(today), "raw_check_hours": 0})
            built = place.dbt(
                *("build", "--exclude-resource-type", "unit_test", "--vars", given),
                *("--indirect-selection", "cautious", "--select", *selected),
            )
            assert built.code == 0, built
            Shows(place, organiser, today).assert_true()
        assert server.non_get == 0
