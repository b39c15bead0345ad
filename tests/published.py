"""The report and the docs site of a sample organiser, as deploy/publish makes them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.qtickets_api import QTicketsServer
from tests.zakaz import Place, small_organiser

# names come from outside, and are shown as they are
SCRIPT = "<script>document.title = 'taken over'</script> & \"Щелкунчик\" <b>"
LONG = "Большое_праздничное_представление_для_всей_семьи" * 3 + " и ещё несколько слов" * 5
CITY = "<i>Новосибирск</i> & другие"


@dataclass
class Site:
    """What was published, on a web server at `url`; and the marts it was made from."""

    place: Place
    url: str = ""

    @property
    def directory(self) -> Path:
        return self.place.directory / "site"

    @property
    def report(self) -> str:
        return f"{self.url}/index.html"

    @property
    def docs(self) -> str:
        return f"{self.url}/docs.html"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the marts; tests of another process may do so too, one at a time."""
        with self.locked():
            return self.place.query(sql)

    def manifest(self) -> dict[str, Any]:
        """Return what dbt knows of the project."""
        path = self.place.directory / "target" / "manifest.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        with (self.place.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def publish_once(self) -> None:
        """Make all of it, unless the tests of another process did."""
        done = self.place.directory / "done"
        with self.locked():
            if not done.exists():
                self._publish()
                done.touch()

    def _publish(self) -> None:
        organiser = small_organiser(days=20)
        organiser.rename_event(26340, SCRIPT)
        organiser.rename_event(27001, LONG)
        organiser.move_event(26011, CITY)
        with QTicketsServer(organiser) as server:
            extracted = self.place.extract(server)
        assert extracted.code == 0, extracted
        built = self.place.dbt("build", "--exclude-resource-types", "test", "unit_test")
        assert built.code == 0, built
        self.directory.mkdir()
        published = self.place.publish(self.directory)
        assert (published.code, published.out, published.err) == (0, "", "")
