"""The command line: flags, messages, exit codes."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reader import Reader, ReaderError, environment

_EXIT_CODES = """\
exit codes:
  0  everything is written
  2  a setting or a flag is missing or malformed, or a file cannot be written
  4  ClickHouse failed, or has no marts yet
  6  the embedded ClickHouse is in use by another process

When it fails, what was there before stays. Settings are the CLICKHOUSE_* of `python -m extract`:
from the environment or from --envfile."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m report",
        description=(
            "Draw the sales as one HTML page, from the marts. Beside it: a page of each event in"
            " events/, and sales_daily.csv, shows.csv, events.csv."
        ),
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
        help="the first page; the other files go beside it (default: %(default)s)",
    )
    add("--docs", metavar="LINK", help="where the page links to for the meaning of its numbers")
    args = parser.parse_args(argv)
    try:
        _run(args.envfile, args.output, args.docs)
    except ReaderError as error:
        sys.stderr.write(f"zakaz: {error}\n")
        return error.exit_code
    return 0


def _run(envfile: Path | None, output: Path, docs: str | None) -> None:
    from report import figures, page

    with Reader(environment(envfile)) as reader:
        found = figures.read(reader)
    files = page.draw(found, docs)
    files |= {f"{name}.csv": table(rows) for name, rows in found.files.items()}
    files[output.name] = files.pop("index.html")  # last: it links to the others
    try:
        _write(files, output.parent)
    except OSError as error:
        raise ReaderError("settings", f"--output {output}: {error.strerror}.") from None


def _write(files: Mapping[str, str], directory: Path) -> None:
    """Write all files in a directory beside the old ones, then put each into its place.

    Nobody is served half a page, and when one cannot be written, none is changed.
    """
    with TemporaryDirectory(prefix=".report-", dir=directory) as name:
        new = Path(name)
        for base in (new, directory):
            (base / "events").mkdir(exist_ok=True)
        for path, text in files.items():
            (new / path).write_text(text, encoding="utf-8", newline="")
        for path in files:
            (new / path).replace(directory / path)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a header; null is empty. No rows: nothing, not even the header."""
    text = io.StringIO()
    if rows:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that a spreadsheet shows and does not run: names come from outside."""
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value
