"""What can go wrong, and what each kind of wrong means for the run.

The class of an error **is** the decision: whether to ask again, and the exit code.

    ZakazError
    ├── SettingsError        2  a setting is missing or malformed
    ├── ApiError             3  the API failed
    │   ├── Final               asking again will not help
    │   │   ├── Refused         the API refuses the token
    │   │   └── NotFound        the API has no such thing
    │   └── Passing             ask again, after a while
    │       ├── TooFast         ... and more slowly
    │       └── Doubtful        an answer that fails its own check
    │           └── Ignored     ... because the filter or the order was not applied
    ├── WarehouseError       4  ClickHouse failed
    ├── Incomplete           5  read, but not proven complete
    ├── Locked               6  another run holds the lock
    └── Stopped       128 + n   signal n asked us to stop

No message here repeats anything from an answer's body but a code of capital letters: a body can
hold personal data.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


class ZakazError(Exception):
    """Anything that this program tells its user in one message."""

    exit_code = 1


class SettingsError(ZakazError):
    """A setting is missing or malformed; the message names it."""

    exit_code = 2


class ApiError(ZakazError):
    """The API failed."""

    exit_code = 3


class Final(ApiError):
    """Asking again will not help."""


class Refused(Final):
    """The API refuses the token."""


class NotFound(Final):
    """The API has no such thing."""


class Passing(ApiError):
    """Worth asking again. `retry_after`: seconds the server told us to wait, if it did."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooFast(Passing):
    """Worth asking again, and from now on more slowly."""


class Doubtful(Passing):
    """A page that fails its own check: short, out of order, or not what was asked for."""


class Ignored(Doubtful):
    """The rows show that the filter or the order was not applied."""


class WarehouseError(ZakazError):
    """ClickHouse failed."""

    exit_code = 4


class Incomplete(ZakazError):
    """Everything that could be read was landed, but it is not proven to be all."""

    exit_code = 5


class Locked(ZakazError):
    """Another run is at work on the same database."""

    exit_code = 6


class Stopped(ZakazError):
    """A signal asked us to stop."""

    def __init__(self, signal_name: str, signal_number: int) -> None:
        super().__init__(f"stopped by {signal_name}")
        self.exit_code = 128 + signal_number


_TOKEN_WRONG = frozenset({401, 403})
_NOT_FOUND = 404
_TOO_FAST = 429
_FINAL_FROM, _PASSING_FROM = 300, 500


def read_answer(where: str, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Turn an HTTP answer into its JSON object, or raise the error that says what to do about it.

    `where` names the request in messages ("GET /orders"). Source of the table: the vendor's answers
    as seen live, see docs/extractor.md.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    answer = parsed if isinstance(parsed, dict) else None
    said = f"{where}: {status}{_code(answer)}"
    if status in _TOKEN_WRONG:
        raise Refused(f"{said}: the API refuses the token. Check QTICKETS_API_TOKEN.")
    if status == _NOT_FOUND:
        raise _not_found(said, answer, headers)
    if status == _TOO_FAST:
        raise TooFast(f"{said}: too many requests.", _retry_after(headers))
    if status >= _PASSING_FROM:
        raise Passing(f"{said}: the API has a fault.", _retry_after(headers))
    if status >= _FINAL_FROM:
        raise Final(f"{said}: not an answer this program knows. Check QTICKETS_BASE_URL.")
    if answer is None:
        raise Passing(f"{said}: the answer is not JSON, or was cut short.")
    if "data" not in answer:
        raise Passing(f"{said}: the answer is JSON without `data`.")
    return answer


def _not_found(said: str, answer: Any, headers: Mapping[str, str]) -> ApiError:
    if answer is not None:
        return NotFound(f"{said}: the API has no such thing.")
    if "json" in headers.get("content-type", ""):
        return Passing(f"{said}: the answer was cut short.")
    return Final(f"{said}: no such path. Check QTICKETS_BASE_URL.")


def _code(answer: dict[str, Any] | None) -> str:
    code = answer.get("code") if answer else None
    return f" {code}" if isinstance(code, str) and re.fullmatch("[A-Z_]{1,40}", code) else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from a `Retry-After` header: a number of seconds, or an HTTP date."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", told):
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
