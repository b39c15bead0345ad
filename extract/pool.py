"""Work done side by side in threads that nobody has to wait for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TypeVar

from extract.client import Cancelled
from extract.errors import ApiError

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    workers: int, work: deque[T], do: Callable[[T], R]
) -> Iterator[tuple[T, R | ApiError]]:
    """Yield each item of `work` with `do(item)`, or its ApiError, as they come.

    `work` may grow and shrink meanwhile. The threads are daemons: one that still waits for the API
    when a run is stopped does not hold up its end.
    """
    tasks: SimpleQueue[T | None] = SimpleQueue()
    done: SimpleQueue[tuple[T, R | BaseException]] = SimpleQueue()

    def worker() -> None:
        while (item := tasks.get()) is not None:
            try:
                done.put((item, do(item)))
            except Cancelled:
                return
            except BaseException as error:  # noqa: BLE001  # raised where it is waited for
                done.put((item, error))

    for _ in range(workers):
        threading.Thread(target=worker, daemon=True).start()
    under_way = 0
    try:
        while work or under_way:
            # one more than there are workers, so that none idles while its results are landed
            while work and under_way <= workers:
                tasks.put(work.popleft())
                under_way += 1
            item, result = done.get()
            under_way -= 1
            if isinstance(result, BaseException) and not isinstance(result, ApiError):
                raise result
            yield item, result
    finally:
        for _ in range(workers):
            tasks.put(None)
