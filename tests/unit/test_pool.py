"""Work side by side: all of it is done, faults of the API are results, others are raised."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from threading import Barrier

import pytest

from extract.errors import ApiError, NotFound
from extract.pool import side_by_side
from tests.zakaz import ROOT


def test_all_is_done_also_what_comes_later() -> None:
    work = deque([1])
    found = []
    for item, result in side_by_side(3, work, lambda item: item * 10):
        found.append((item, result))
        if item < 100:
            work.extend([item * 10 + 1, item * 10 + 2])
    assert sorted(found) == sorted((item, item * 10) for item in (1, 11, 12, 111, 112, 121, 122))
    assert list(side_by_side(3, deque[int](), lambda item: item)) == []


def test_it_is_side_by_side() -> None:
    barrier = Barrier(3, timeout=30)
    assert len(list(side_by_side(3, deque(range(9)), lambda _: barrier.wait()))) == 9


def test_a_fault_of_the_api_is_a_result_and_any_other_is_raised() -> None:
    def do(item: int) -> int:
        if item == 2:
            raise NotFound("gone")
        return item

    results = dict(side_by_side(2, deque([1, 2, 3]), do))
    assert isinstance(results.pop(2), ApiError)
    assert results == {1: 1, 3: 3}
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(2, deque([0]), lambda item: 1 / item))


def test_a_thread_that_waits_does_not_hold_up_the_end() -> None:
    code = (
        "import time; from collections import deque; from extract.pool import side_by_side\n"
        "for item, _ in side_by_side(2, deque([0, 600]), time.sleep): break\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
