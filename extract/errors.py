"""What can go wrong. The class of an error **is** the decision: retry or not, and the exit code.

No message repeats anything from a response's body but a code of capital letters: a body can hold
personal data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class ZakazError(Exception):
    """Anything that this program tells its user in one message."""

    exit_code = 1


class SettingsError(ZakazError):
    """A setting is missing or malformed; the message names it."""

    exit_code = 2


class ApiError(ZakazError):
    """The API failed: for good (FatalError), or perhaps not (TransientError)."""

    exit_code = 3


class FatalError(ApiError):
    """A retry will not help."""


class Unauthorized(FatalError):
    """The API refuses the token."""


class NotFound(FatalError):
    """The API has no such thing."""


class TransientError(ApiError):
    """Worth a retry. `retry_after`: seconds the server asks us to wait, None when it does not."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(TransientError):
    """Worth a retry, and a pause of all requests."""


class Unreachable(TransientError):
    """There is no connection to the host."""


class InvalidPage(TransientError):
    """A page that fails its own check: short, out of order, or not what was requested."""


class Ignored(InvalidPage):
    """The rows show that the filter or the order was not applied."""


class WarehouseError(ZakazError):
    """ClickHouse failed."""

    exit_code = 4


class Incomplete(ZakazError):
    """What could be read is landed, but it is not verified to be everything."""

    exit_code = 5


class Locked(ZakazError):
    """Another process is at work on the same database."""

    exit_code = 6


class Stopped(BaseException):
    """A signal asked us to stop. No library's `except Exception` swallows it."""

    def __init__(self, signal_name: str, signal_number: int) -> None:
        super().__init__(f"stopped by {signal_name}")
        self.exit_code = 128 + signal_number


def by_cause(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Group names by what is said of each, whichever request met it; the first text is taken."""
    texts: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for name, text in said:
        cause = re.sub(r"GET \S+: |\d+ times|\(\w+\)", "", text)
        names.setdefault(texts.setdefault(cause, text), []).append(name)
    return names
