"""How far a run is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys

from tqdm import tqdm


class Progress:
    """A bar on stderr with the rate and what is left; silent when stderr is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Begin with `what`; `total` is None where it is not known."""
        self.stop()
        terminal = sys.stderr.isatty()
        self._bar = tqdm(desc=what, total=total, unit=f" {unit}", leave=False, disable=not terminal)

    def advance(self, count: int) -> None:
        """Say that `count` more are done."""
        if self._bar is not None:
            self._bar.update(count)

    def stop(self) -> None:
        """Take the bar away; harmless when there is none."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
