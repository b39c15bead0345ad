"""Settings of `python -m notify`: NOTIFY_* and ORGANISER_NAME; CLICKHOUSE_* are the reader's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from reader import ReaderError, environment

SETTING, NOT_DELIVERED = 2, 7  # exit codes; the others are of ReaderError
Failures = list[tuple[int, str]]  # exit code, and a line that holds no secret

_KNOWN = {"DIGEST_URLS", "ALERT_URLS", "REPORT_URL", "HEARTBEAT_URL", "STATE_PATH"}
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set. `env` holds secrets, as do the URLs: nothing of it is ever shown."""

    env: Mapping[str, str] = field(repr=False)
    organiser: str
    report_url: str
    state_path: Path
    run_results: Path
    fresh_hours: float

    def get(self, name: str) -> str:
        """Return a setting, or nothing."""
        return self.env.get(name, "")


def load(envfile: Path | None, run_results: Path | None = None) -> Settings:
    """Read the settings; what is in the environment wins over `envfile`.

    Raises ReaderError (settings), which names the setting and never repeats its value.
    """
    env = environment(envfile)
    for name in env:
        short = name.removeprefix("NOTIFY_")
        # others have names like ours, systemd's NOTIFY_SOCKET: only what is nearly one of ours
        if (
            short != name
            and short not in _KNOWN
            and (near := get_close_matches(short, _KNOWN, 1, 0.8))
        ):
            text = f"{name}: no such setting; is NOTIFY_{near[0]} meant?"
            raise ReaderError("settings", text)
    for name in ("NOTIFY_REPORT_URL", "NOTIFY_HEARTBEAT_URL"):
        if not re.fullmatch(r"(https?://[^\s/]\S*)?", env.get(name, "")):
            raise ReaderError("settings", f"{name}: must begin with https:// and have no spaces.")
    hours = env.get("EXTRACT_FRESH_HOURS", "6")
    if not re.fullmatch(r"\d{1,4}(\.\d+)?", hours):
        raise ReaderError("settings", "EXTRACT_FRESH_HOURS: must be a number of hours.")
    target = Path(env.get("DBT_TARGET_PATH", "target"))
    return Settings(
        env=env,
        organiser=" ".join(env.get("ORGANISER_NAME", "").split())[:_NAME_LENGTH],
        report_url=env.get("NOTIFY_REPORT_URL", ""),
        state_path=Path(env.get("NOTIFY_STATE_PATH") or _beside(env)).expanduser(),
        run_results=run_results or target.expanduser() / "run_results.json",
        fresh_hours=float(hours),
    )


def _beside(env: Mapping[str, str]) -> str:
    """Return a file name that two organisers run from one directory do not share."""
    place = env.get("CLICKHOUSE_HOST") or env.get("CLICKHOUSE_PATH") or "embedded"
    name = f"{place}-{env.get('CLICKHOUSE_PORT', '')}-{env.get('CLICKHOUSE_DATABASE', 'zakaz')}"
    return f".notify-{re.sub(r'[^A-Za-z0-9_]+', '-', name).strip('-')}.json"
