"""The command line: flags, messages, progress, exit codes.

Little is imported before it is needed, so that --help and a wrong flag answer at once.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import ZoneInfo

from extract.errors import SettingsError, Stopped, ZakazError
from extract.resources import NAMES

if TYPE_CHECKING:
    from extract.api import Api
    from extract.run import Outcome
    from extract.settings import Settings

_log = logging.getLogger("extract")

_REPORT_ZONE = ZoneInfo("Europe/Moscow")

_EXIT_CODES = """\
exit codes:
  0  everything asked for was read, landed and proven complete
  2  a setting or a flag is missing or malformed
  3  the API failed
  4  ClickHouse failed
  5  read, but not proven complete; of --healthcheck: not fresh, or not complete
  6  another run holds the lock
  130, 143  stopped by Ctrl-C, by SIGTERM

Settings come from the environment or from --envfile; .env.example explains each."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m extract",
        description="Pull an organiser's data from QTickets; land the raw JSON in ClickHouse.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "resources",
        nargs="*",
        metavar="RESOURCE",
        help=f"what to pull: {', '.join(NAMES)} (default: all)",
    )
    add = parser.add_argument
    add("--envfile", type=Path, metavar="FILE", help="read settings from FILE too")
    add("--dry-run", action="store_true", help="fetch and check everything, write nothing")
    add(
        "--offline-fixtures-dir",
        type=Path,
        metavar="DIR",
        help="answers come from saved responses in DIR, not from the API",
    )
    add("--full", action="store_true", help="read everything again, not only what is due")
    add(
        "--since",
        type=_day,
        metavar="DAY",
        help="only orders paid on DAY (Moscow, YYYY-MM-DD) or later; moves no cursor",
    )
    add("--until", type=_day, metavar="DAY", help="only orders paid on DAY or before")
    add("--check", action="store_true", help="only see whether a run could work; write nothing")
    add("--status", action="store_true", help="only tell how far each resource is")
    add(
        "--healthcheck",
        action="store_true",
        help="only tell, in one line for monitoring, whether all is fresh and complete",
    )
    add("--verbose", action="store_true", help="tell each retry on stderr")
    add("--log-format", choices=("plain", "json"), default="plain", help="default: plain")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-01-31") from None


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    for name in args.resources:
        if name not in NAMES:
            parser.error(f"no resource {name!r}: choose from {', '.join(NAMES)}")
    if (args.since or args.until) and args.full:
        parser.error("--full reads everything, --since and --until a range: choose one")
    _start_logging(verbose=args.verbose, as_json=args.log_format == "json")
    try:
        code = _run(args)
    except Stopped as stopped:
        _log.error("%s. What was landed stays; run the same command again to go on.", stopped)
        code = stopped.exit_code
    except ZakazError as error:
        _log.error("%s", error)
        code = error.exit_code
    except Exception as error:  # noqa: BLE001
        # its text could hold what is in a payload, its place cannot
        *_, last = traceback.extract_tb(error.__traceback__)
        place = f"{type(error).__name__} at {last.filename}:{last.lineno}"
        _log.error("a fault of this program: %s. Please report it.", place)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # workers may still be waiting for the API; what they would bring is no longer wanted
    os._exit(code)


def _run(args: argparse.Namespace) -> int:
    from extract import health
    from extract.api import Api
    from extract.replay import Replay
    from extract.settings import load

    settings = load(args.envfile)
    names = [name for name in NAMES if name in args.resources] or list(NAMES)
    if args.status:
        return _say(health.status(settings))
    if args.healthcheck:
        return _say(health.healthcheck(settings, names))
    if settings.qtickets_api_token is None and not args.offline_fixtures_dir:
        raise SettingsError(
            "QTICKETS_API_TOKEN: missing. Set it in the environment or in --envfile FILE."
        )
    transport = Replay(args.offline_fixtures_dir) if args.offline_fixtures_dir else None
    with closing(Api(settings, transport)) as api:
        _halt_on_signals(api)
        if args.check:
            return _say(health.check(settings, api))
        return _pull(args, names, settings, api)


def _pull(args: argparse.Namespace, names: Sequence[str], settings: Settings, api: Api) -> int:
    from extract.lock import only_run
    from extract.progress import Progress
    from extract.run import Run
    from extract.store import Nowhere, Store
    from extract.warehouse import Warehouse

    # parsed answers are trees: to look for cycles among them takes a tenth of all time, in vain
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    # an answer that has come should not wait long for a worker that is busy cleaning rows
    sys.setswitchinterval(0.0005)
    outcomes: list[Outcome] = []
    began = time.monotonic()
    with ExitStack() as stack:
        store: Store = Nowhere()
        if not args.dry_run:
            stack.enter_context(only_run(settings))
            store = stack.enter_context(closing(Warehouse(settings, _run_id())))
        run = Run(
            settings,
            api,
            store,
            Progress(),
            everything=args.full,
            payed_between=_payed_between(args.since, args.until),
        )
        for outcome in run.pull(names):
            outcomes.append(outcome)
            if outcome.error:
                _log.error("%s: %s", outcome.resource, outcome.error)
    _say(_summary(outcomes, api, time.monotonic() - began, dry_run=args.dry_run))
    return min((o.error.exit_code for o in outcomes if o.error), default=0)


def _say(lines: Sequence[str]) -> int:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.levelno >= logging.WARNING:
            return f"zakaz: {record.getMessage()}"
        return f"{self.formatTime(record, '%H:%M:%S')} {record.getMessage()}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line, ensure_ascii=False)


def _start_logging(*, verbose: bool, as_json: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if as_json else _Plain())
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    for chatty in ("httpx", "httpcore"):
        # httpx would log every URL
        logging.getLogger(chatty).setLevel(logging.CRITICAL)


def _halt_on_signals(api: Api) -> None:
    def halt(number: int, _frame: object) -> None:
        api.halt(Stopped(signal.Signals(number).name, number))

    signal.signal(signal.SIGTERM, halt)
    signal.signal(signal.SIGINT, halt)


def _run_id() -> str:
    return f"{datetime.now(_REPORT_ZONE):%Y%m%d-%H%M%S}-{os.getpid()}"


def _payed_between(
    since: date | None, until: date | None
) -> tuple[datetime | None, datetime | None] | None:
    """Return the instants at which the range of Moscow days begins and ends (half open)."""
    if since is None and until is None:
        return None

    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=_REPORT_ZONE)

    return (
        midnight(since) if since else None,
        midnight(until + timedelta(days=1)) if until else None,
    )


def _summary(outcomes: Sequence[Outcome], api: Api, seconds: float, *, dry_run: bool) -> list[str]:
    """Say in plain words what was seen and landed."""
    lines = []
    for outcome in outcomes:
        landed = outcome.landed
        what = "shows with seats" if outcome.resource == "inventory" else outcome.resource
        would = "would land " if dry_run else ""
        counts = f"{would}{landed.new:,} new, {landed.changed:,} changed"
        counts += f"; {landed.unchanged:,} unchanged"
        if landed.gone:
            counts += f"; {landed.gone:,} gone from the API"
        ways = {lane.filters for lane in outcome.lanes if lane.filters}
        proof = "NOT proven" if outcome.error else f"proven, filters by {', '.join(sorted(ways))}"
        lines.append(f"{what:<16} {outcome.seen:>9,} read: {counts} ({proof})")
        lines += [f"{'':<16} note: {note}" for note in outcome.notes]
    spent = api.spent
    lines.append(
        f"{seconds:.1f} seconds, {spent.requests:,} requests, {spent.retries:,} of them retries, "
        f"{spent.bytes / 1e6:,.1f} MB read" + ("; dry run, nothing written" if dry_run else "")
    )
    return lines
