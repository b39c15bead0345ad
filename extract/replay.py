"""An httpx transport that answers from a directory of saved responses, for runs without the API.

    DIR/orders.json               a saved answer of /orders; or several, as orders/*.json
    DIR/events.json               the same of /events; or events/*.json
    DIR/discounts.json            the same of /discounts, if there are any
    DIR/promo_codes.json          the same of /promo-codes
    DIR/shows/SHOW_ID/seats.json  a saved answer of /shows/SHOW_ID/seats
    DIR/now.txt                   optional: the API's clock, an instant in ISO 8601 with its offset

Several files of one list together hold its rows; the list is then filtered, ordered and paged as
the API would. A show without a file has no seats.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson

from extract.errors import SettingsError

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class Replay(httpx.BaseTransport):
    """Answers GETs from `directory`. Raises SettingsError when nothing in it can be an answer."""

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise SettingsError(f"--offline-fixtures-dir {directory}: there is no such directory.")
        if not any(_files(directory, name) for name in ("orders", "events")):
            raise SettingsError(
                f"--offline-fixtures-dir {directory}: neither orders.json nor events.json in it."
            )
        self._directory = directory
        self._rows = cache(self._load_rows)
        clock = directory / "now.txt"
        try:
            self._now = (
                datetime.fromisoformat(clock.read_text().strip()).astimezone(UTC)
                if clock.exists()
                else None
            )
        except ValueError:
            raise SettingsError(f"{clock}: not an instant in ISO 8601.") from None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer from the directory; 404 as the API does for what is not there."""
        path = request.url.path
        if path.endswith("/seats"):
            saved = self._directory / "shows" / path.split("/")[-2] / "seats.json"
            return self._answer(_read(saved)) if saved.is_file() else self._not_found()
        *_, parent, last = path.split("/")
        if last.isdecimal():
            found = [row for row in self._rows(parent)[0] if row["id"] == int(last)]
            return self._answer({"data": found[0]}) if found else self._not_found()
        name = last.replace("-", "_")
        return self._answer(self._page(name, orjson.loads(request.content or b"{}")))

    def _page(self, name: str, question: dict[str, Any]) -> dict[str, Any]:
        rows, per_page = self._rows(name)
        for condition in question.get("where", ()):
            holds = _OPERATORS[condition["operator"]]
            column, value = condition["column"], _comparable(condition["value"])
            rows = [r for r in rows if r[column] and holds(_comparable(r[column]), value)]
        descending = question.get("orderBy", {}).get("id") == "desc"
        rows = sorted(rows, key=lambda row: int(row["id"]), reverse=descending)
        number = question.get("page", 1)
        paging = {"perPage": per_page, "currentPage": number, "total": len(rows)}
        return {"data": rows[(number - 1) * per_page : number * per_page], "paging": paging}

    def _load_rows(self, name: str) -> tuple[list[dict[str, Any]], int]:
        saved = [_read(file) for file in _files(self._directory, name)]
        rows = {row["id"]: row for answer in saved for row in answer["data"]}
        per_page = max((len(answer["data"]) for answer in saved), default=1)
        return list(rows.values()), max(1, per_page)

    def _answer(self, answer: dict[str, Any], status: int = 200) -> httpx.Response:
        date = format_datetime(self._now or datetime.now(UTC), usegmt=True)
        return httpx.Response(status, content=orjson.dumps(answer), headers={"Date": date})

    def _not_found(self) -> httpx.Response:
        return self._answer({"error": "not saved", "status": 404, "code": "NOT_SAVED"}, 404)


def _files(directory: Path, name: str) -> list[Path]:
    one = directory / f"{name}.json"
    return [one] if one.is_file() else sorted((directory / name).glob("*.json"))


def _read(file: Path) -> dict[str, Any]:
    try:
        answer = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError:
        raise SettingsError(f"{file}: not JSON.") from None
    if not isinstance(answer, dict) or "data" not in answer:
        raise SettingsError(f"{file}: not a saved answer of the API: no `data` in it.")
    return answer


def _comparable(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
