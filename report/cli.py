"""The command line: flags, messages, exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from extract.errors import SettingsError, ZakazError
from extract.settings import load

_EXIT_CODES = """\
exit codes:
  0  the page is written
  2  a setting or a flag is missing or malformed, or the file cannot be written
  4  ClickHouse failed, or has no marts yet
  6  the embedded ClickHouse is in use by another process

When it fails, the page that was there before stays. Settings are those of `python -m extract`:
from the environment or from --envfile."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m report",
        description="Draw sales, plan, what is left and refunds as one HTML page, from the marts.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--envfile", type=Path, metavar="FILE", help="read settings from FILE too")
    add(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("target/report.html"),
        help="the page to write (default: %(default)s)",
    )
    add("--docs", metavar="LINK", help="where the page links to for the meaning of its numbers")
    args = parser.parse_args(argv)
    try:
        _write(args.envfile, args.output, args.docs)
    except ZakazError as error:
        sys.stderr.write(f"zakaz: {error}\n")
        return error.exit_code
    return 0


def _write(envfile: Path | None, output: Path, docs: str | None) -> None:
    from report import figures, page

    text = page.draw(figures.read(load(envfile)), docs)
    # beside the old page and then in its place: nobody is served half a page
    half = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(output)
    except OSError as error:
        with suppress(OSError):
            half.unlink()
        raise SettingsError(f"--output {output}: {error.strerror}.") from None
