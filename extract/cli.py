"""The command line: flags, messages, exit codes.

Little is imported before it is needed, so that --help and a wrong flag answer at once.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import (
    ExitStack,
    closing,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import ZoneInfo

from extract.errors import Incomplete, SettingsError, Stopped, ZakazError, by_cause

if TYPE_CHECKING:
    from extract.client import Client
    from extract.settings import Settings
    from extract.sync import Result

_log = logging.getLogger("extract")

_REPORT_ZONE = ZoneInfo("Europe/Moscow")
_NAMES = ("events", "orders", "promo_codes", "discounts", "inventory")

_EXIT_CODES = """\
exit codes:
  0  everything requested was read, landed and verified to be complete
  1  a fault of this program
  2  a setting or a flag is missing or malformed
  3  the API failed
  4  ClickHouse failed
  5  read, but not verified to be complete; of --healthcheck: not fresh, or not complete
  6  another run holds the lock
  130, 143  stopped by Ctrl-C, by SIGTERM

Settings come from the environment or from --envfile; .env.example explains each."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(SettingsError.exit_code, f"zakaz: {message} (see --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m extract",
        description="Sync an organiser's data from QTickets; land the raw JSON in ClickHouse.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "resources",
        nargs="*",
        metavar="RESOURCE",
        help=f"what to sync: {', '.join(_NAMES)} (default: all)",
    )
    add = parser.add_argument
    add("--envfile", type=Path, metavar="FILE", help="read settings from FILE too")
    add("--dry-run", action="store_true", help="read and check everything, keep nothing")
    add(
        "--offline-fixtures-dir",
        type=Path,
        metavar="DIR",
        help="responses come from saved ones in DIR, not from the API",
    )
    add("--full", action="store_true", help="read everything again, not only what is due")
    add(
        "--since",
        type=_day,
        metavar="DAY",
        help="only orders paid on DAY (Moscow, YYYY-MM-DD) or later; moves no cursor",
    )
    add("--until", type=_day, metavar="DAY", help="only orders paid on DAY or before")
    add(
        "--accept-deletions",
        action="store_true",
        help="believe the API when most of what is landed, or all of it, is no longer there",
    )
    add("--check", action="store_true", help="only see whether a run could work; write nothing")
    add(
        "--healthcheck",
        action="store_true",
        help="only say, for monitoring, whether all is fresh and complete",
    )
    add("--verbose", action="store_true", help="show each retry on stderr")
    add("--log-format", choices=("plain", "json"), default="plain", help="default: plain")
    add("--version", action="version", version=f"zakaz {version('zakaz')}", help="show the version")
    return parser


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not re.fullmatch(r"(19|20)\d\d-\d\d-\d\d", text) or day == date.min:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-01-31")
    return day


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    with _writable_output():
        try:
            args = _arguments(argv)
        except SystemExit as leaving:
            return int(leaving.code or 0)
        _start_logging(verbose=args.verbose, as_json=args.log_format == "json")
        try:
            with _signals_raise():
                return _run(args)
        except Stopped as stopped:
            _log.error("%s. What was landed stays; run the same command again to go on.", stopped)
            return stopped.exit_code
        except ZakazError as error:
            _log.error("%s", error)
            return error.exit_code
        except Exception as error:  # noqa: BLE001
            # its text could hold what is in a payload, its place cannot
            *_, last = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__} at {last.filename}:{last.lineno}"
            _log.error("a fault of this program: %s. Please report it.", place)
            return 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    args = parser.parse_args(argv)
    for name in args.resources:
        if name not in _NAMES:
            parser.error(f"no resource {name!r}: choose from {', '.join(_NAMES)}")
    if (args.since or args.until) and args.full:
        parser.error("--full reads everything, --since and --until a range: choose one")
    if args.since and args.until and args.since > args.until:
        parser.error(f"--since {args.since} is after --until {args.until}")
    args.names = [name for name in _NAMES if name in args.resources] or list(_NAMES)
    return args


def _run(args: argparse.Namespace) -> int:
    from extract import status
    from extract.settings import load

    settings = load(args.envfile)
    if args.healthcheck:
        return _healthcheck(settings, args)
    if settings.qtickets_api_token is None and not args.offline_fixtures_dir:
        raise SettingsError(
            "QTICKETS_API_TOKEN: missing. Set it in the environment or in --envfile FILE."
        )
    from extract.client import Client

    transport = None
    if args.offline_fixtures_dir:
        from extract import offline

        transport = offline.transport(args.offline_fixtures_dir)
    with closing(Client(settings, transport)) as client:
        if args.check:
            return _say(status.check(settings, client))
        return _sync(args, settings, client)


def _sync(args: argparse.Namespace, settings: Settings, client: Client) -> int:
    from extract.lock import only_run
    from extract.sync import Run
    from extract.warehouse import Warehouse

    results: list[Result] = []
    began = time.monotonic()
    with ExitStack() as stack:
        if args.dry_run:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zakaz-")))
            settings = replace(
                settings, clickhouse_host=None, clickhouse_cluster=None, clickhouse_path=directory
            )
        else:
            stack.enter_context(only_run(settings))
        run_id = f"{datetime.now(_REPORT_ZONE):%Y%m%d-%H%M%S}-{os.getpid()}"
        warehouse = stack.enter_context(closing(Warehouse(settings, run_id)))
        warehouse.prepare()
        _one_source(client.source, warehouse.sources(), settings)
        run = Run(
            settings,
            client,
            warehouse,
            full=args.full,
            # half open, where the days of the flags are both meant
            paid_from=_midnight(args.since),
            paid_before=_midnight(args.until and args.until + timedelta(days=1)),
            accept_deletions=args.accept_deletions,
        )
        results.extend(run.sync(args.names))
        warehouse.remove_merged()
    _say(_summary(results, client, time.monotonic() - began, dry_run=args.dry_run))
    failed = by_cause((result.resource, str(result.error)) for result in results if result.error)
    for error, names in failed.items():
        _log.error("%s: %s", ", ".join(names), error)
    return min((r.error.exit_code for r in results if r.error), default=0)


def _one_source(source: str, found: set[str], settings: Settings) -> None:
    """Raise SettingsError where saved responses and an API's would come into one database."""
    offline = source == "offline"
    if found - {"offline"} if offline else "offline" in found:
        filled = "from an API" if offline else "with --offline-fixtures-dir"
        raise SettingsError(
            f"The database {settings.clickhouse_database} ({settings.clickhouse_place}) was filled "
            f"{filled}. Use another CLICKHOUSE_PATH or CLICKHOUSE_DATABASE, or --dry-run."
        )


def _healthcheck(settings: Settings, args: argparse.Namespace) -> int:
    from extract import status

    found = status.health(settings, args.names)
    unhealthy = [health for health in found if health.faults]
    verdict = f"unhealthy: {len(unhealthy)} of {len(found)} resources" if unhealthy else "healthy"
    if args.log_format == "json":
        rows = [health.columns() for health in found]
        rows.append({"healthy": not unhealthy, "verdict": verdict})
        _say([json.dumps(row, ensure_ascii=False) for row in rows])
    else:
        _say([*(health.line() for health in found), verdict])
    if unhealthy:
        causes = by_cause((health.resource, ", ".join(health.faults)) for health in unhealthy)
        faults = (f"{', '.join(names)}: {fault}" for fault, names in causes.items())
        raise Incomplete(f"unhealthy: {'; '.join(faults)}.")
    return 0


# ---- output


def _say(lines: Sequence[str]) -> int:
    with suppress(OSError, ValueError):
        print(*lines, sep="\n", flush=True)  # noqa: T201
    return 0


@contextmanager
def _writable_output() -> Iterator[None]:
    """Let a reader of stdout or stderr that is gone, closed or full change nothing in a run."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # closed; otherwise the next file that is opened would be taken for it
            os.open(os.devnull, os.O_RDWR)
    logging.raiseExceptions = False
    with Path(os.devnull).open("w") as nowhere:
        streams = (sys.stdout or nowhere, sys.stderr or nowhere)
        for stream in streams:
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
            yield
        for stream in streams:
            try:
                stream.flush()
            except (OSError, ValueError):
                # Python would try again when it ends
                os.dup2(nowhere.fileno(), stream.fileno())


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
    handler.setFormatter(_Json() if as_json else logging.Formatter("zakaz: %(message)s"))
    _log.handlers = [handler]
    _log.setLevel(logging.INFO if verbose else logging.WARNING)
    _log.propagate = False


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C raise Stopped in the main thread."""

    def stop(number: int, _frame: object) -> None:
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name, number)

    before = [(each, signal.signal(each, stop)) for each in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def _midnight(day: date | None) -> datetime | None:
    """Return the instant at which a Moscow day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=_REPORT_ZONE) if day else None


def _summary(
    results: Sequence[Result], client: Client, seconds: float, *, dry_run: bool
) -> list[str]:
    """Say in plain words what was seen and landed."""
    lines = []
    for result in results:
        counts = result.counts
        what = "shows with seats" if result.resource == "inventory" else result.resource
        would = "would land " if dry_run else ""
        said = f"{would}{counts.new:,} new, {counts.changed:,} changed"
        said += f"; {counts.unchanged:,} unchanged"
        if counts.deleted:
            said += f"; {counts.deleted:,} deleted in the API"
        if counts.redacted:
            said += f"; {counts.redacted:,} texts or fields redacted"
        verified = f"verified, filters by {result.filters}"
        lines.append(
            f"{what:<16} {result.seen:>9,} read: {said} "
            f"({'NOT verified' if result.error else verified})"
        )
        lines += [f"{'':<16} note: {note}" for note in result.notes]
    if client.clock_ahead:
        lines.append(
            f"The API's clock is {client.clock_ahead} ahead of ours, which was believed instead."
        )
    traffic = client.traffic
    lines.append(
        f"{seconds:.1f} seconds, {traffic.requests:,} requests, {traffic.retries:,} of them "
        f"retries, {traffic.bytes / 1e6:,.1f} MB read"
        + ("; dry run, nothing written" if dry_run else "")
    )
    return lines
