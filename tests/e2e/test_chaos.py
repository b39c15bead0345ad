"""Faults, kills and a busy organiser, drawn from a seed; in the end everything is there.

A few seeds run with the others; `make chaos` runs a hundred, `make chaos SEEDS=500-600` those.
"""

from __future__ import annotations

import os
import signal
import time
from random import Random

import pytest

from extract.resources import LISTINGS
from tests.forks import Forked
from tests.qtickets_api import Faults, QTicketsServer
from tests.zakaz import Place, held_by, small_organiser

pytestmark = pytest.mark.slow

RUNS = 6
KNOWN_CODES = {0, 3, 5}
# a SIGTERM that comes before the program is up ends it as any other
STOPPED = {-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM}


def seeds() -> range:
    first, _, last = os.environ.get("CHAOS_SEEDS", "1-3").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("seed", seeds())
def test_everything_is_there_in_the_end(place: Place, seed: int) -> None:
    rng = Random(seed)
    organiser = small_organiser(seed, days=rng.randint(2, 25), orders_per_day=25)
    settings = {
        "EXTRACT_TRIES": "5",
        "EXTRACT_PATIENCE_SECONDS": "10",
        "EXTRACT_SWEEP_HOURS": rng.choice(["0.0001", "1", "24"]),
        "EXTRACT_CONNECTIONS": rng.choice(["1", "4", "8"]),
    }
    with QTicketsServer(organiser, per_page={"orders": rng.choice([7, 50])}) as server:
        for number in range(RUNS):
            server.faults = Faults.random(seed * 1000 + number)
            running = place.start_extract(server, **settings)
            if rng.random() < 0.5:
                kill_after(running, rng.uniform(0.3, 4))
            out, err = running.communicate(timeout=200)
            code = running.returncode
            assert code in KNOWN_CODES | STOPPED, f"{code}\n{out}\n{err}"
            assert "Traceback" not in err
            if code in KNOWN_CODES - {0}:
                assert err.startswith("zakaz: "), "a run that fails says why"
            for _ in range(rng.randint(0, 30)):
                organiser.mutate(rng)

        server.faults = Faults()
        # whatever happened, one healthy run that may sweep everything puts it right
        ran = place.extract(server, **settings | {"EXTRACT_SWEEP_HOURS": "0.0001"})
        assert ran.code == 0, ran
        for listing in LISTINGS:
            assert place.landed(listing) == held_by(organiser, listing), listing.name
        assert server.non_get == 0


def kill_after(running: Forked, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL if seconds < 3 else signal.SIGTERM)
