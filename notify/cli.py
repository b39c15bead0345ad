"""The command line: flags, messages, exit codes."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from reader import ReaderError

_EXIT_CODES = """\
exit codes:
  0  what there was to tell is told; or nobody is to be told (no URLs)
  2  a setting or a flag is missing or malformed; what the other URLs should get, they got
  4  ClickHouse could not be read, or has no marts yet; of `alerts`: that was told
  6  the embedded ClickHouse, or the state, is in use by another process
  7  not delivered; it is tried again next time

Settings are explained in .env.example: NOTIFY_*, ORGANISER_NAME and CLICKHOUSE_*."""

Clock = Callable[[], datetime]


def main(argv: Sequence[str] | None = None, clock: Clock = lambda: datetime.now(UTC)) -> int:
    """Tell people, and return the exit code. `clock`: the present instant, aware."""
    parser = argparse.ArgumentParser(
        prog="python -m notify",
        description="Tell people: a digest of sales for managers, alerts for operators.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", choices=("digest", "alerts"))
    add("--envfile", type=Path, metavar="FILE", help="read settings from FILE too")
    add("--dry-run", action="store_true", help="print the message; send and remember nothing")
    add("--test", action="store_true", help="send a message that only says that it arrives")
    add(
        "--run-results",
        type=Path,
        metavar="FILE",
        help="dbt's results (default: run_results.json in DBT_TARGET_PATH or target)",
    )
    add(
        "--exit",
        type=_exit_status,
        action="append",
        default=[],
        metavar="NAME=STATUS",
        help="how `extract`, `build` or `site` ended: for what they could not write down",
    )
    args = parser.parse_args(argv)
    # what the log is not asked for stays out of stderr, where apprise and others would put it
    logging.getLogger().addHandler(logging.NullHandler())
    from notify import alerts, deliver, digest, settings

    try:
        loaded = settings.load(args.envfile, args.run_results)
        if args.test:
            setting = f"NOTIFY_{args.what.upper().rstrip('S')}_URLS"
            failures = deliver.test(setting, loaded.get(setting), loaded.organiser)
        elif args.what == "digest":
            failures = digest.run(loaded, clock(), is_dry=args.dry_run)
        else:
            failures = alerts.run(loaded, dict(args.exit), clock(), is_dry=args.dry_run)
    except ReaderError as error:
        failures = [(error.exit_code, str(error))]
    for _, line in failures:
        sys.stderr.write(f"zakaz: {line}\n")
    return max((code for code, _ in failures), default=0)


def _exit_status(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"(extract|build|site)=(\w+)", text)
    if match is None:
        raise argparse.ArgumentTypeError("give extract=, build= or site= and a status")
    return match[1], match[2]
