"""Commands that tests start by forking do as those that an operator starts; copies are whole."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.qtickets_api import QTicketsServer
from tests.zakaz import Golden, Place, ended, orders_of, run, small_organiser


@pytest.mark.parametrize(("flag", "code"), [("--help", 0), ("--nonsense", 2), ("--dry-run", 2)])
def test_exit_code_and_output_are_the_same(place: Place, flag: str, code: int) -> None:
    forked = place.extract(None, flag)
    assert forked == run([sys.executable, "-m", "extract", flag], place.env())
    assert forked.code == code
    assert forked.out + forked.err


def test_a_killed_command_says_by_what_and_the_next_one_runs(place: Place) -> None:
    with QTicketsServer(small_organiser(days=2), latency=5) as server:
        running = place.start_extract(server)
        while not server.requests:
            time.sleep(0.02)
        assert running.poll() is None
        running.kill()
        assert running.wait(30) == -signal.SIGKILL
    assert ended(place.start_extract(None, "--help")).code == 0


def test_a_copy_of_the_golden_database_is_a_database_of_its_own(
    golden: Golden, built_place: Place, tmp_path: Path
) -> None:
    organiser = golden.organiser()
    assert built_place.landed_orders() == orders_of(organiser)
    count = "select count(), sum(tickets_sold) from fact_qtickets_sales_daily"
    assert built_place.query(count)[0][0] > 0
    built_place.query("truncate table fact_qtickets_sales_daily")
    other = tmp_path / "other"
    other.mkdir()
    assert golden.copy(other).query(count) != built_place.query(count)
    with QTicketsServer(organiser) as server:
        ran = built_place.extract(server, "orders")
    assert ran.code == 0, ran
    assert "0 new, 0 changed" in ran.out
