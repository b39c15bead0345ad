"""When something is missing, publishing says one thing, and what was published before stays."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from report import figures
from tests.published import Site
from tests.zakaz import ROOT, Place, Ran

PUBLISHED = {
    *("index.html", "docs.html", "events"),
    *("sales_daily.csv", "shows.csv", "events.csv"),
}


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """Return a directory with what was published before."""
    directory = tmp_path / "served"
    directory.mkdir()
    for name in ("index.html", "docs.html"):
        (directory / name).write_text("old")
    return directory


@contextmanager
def untouched(directory: Path) -> Iterator[None]:
    yield
    assert {path.name: path.read_text() for path in directory.iterdir()} == {
        "index.html": "old",
        "docs.html": "old",
    }


@contextmanager
def embedded(place: Place) -> Iterator[Client]:
    client = clickhouse_connect.get_client(interface="chdb", path=str(place.path))
    try:
        yield client
    finally:
        client.close()


def said(ran: Ran, code: int, *parts: str) -> None:
    assert (ran.code, ran.out) == (code, ""), ran
    assert ran.err.count("\n") == 1, ran
    for part in parts:
        assert part in ran.err, ran


def test_clickhouse_is_down(place: Place, served: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = str(closed.getsockname()[1])
        with untouched(served):
            ran = place.publish(served, CLICKHOUSE_HOST="127.0.0.1", CLICKHOUSE_PORT=port)
    said(ran, 4, "no answer", "CLICKHOUSE_HOST")


def test_nothing_was_landed_yet(place: Place, served: Path) -> None:
    with untouched(served):
        said(place.publish(served), 4, "nothing there yet", "dbt build")
    assert not place.path.exists()


def test_the_marts_are_missing(place: Place, served: Path) -> None:
    with embedded(place) as client:
        client.command("create database zakaz")
    with untouched(served):
        said(
            place.publish(served),
            4,
            "no dim_events",
            "v_data_quality",
            "Run `dbt build` first.",
        )


def test_one_mart_is_missing(place: Place, served: Path) -> None:
    with embedded(place) as client:
        client.command("create database zakaz")
        for mart in figures.marts() - {"v_romi_daily"}:
            client.command(f"create table zakaz.{mart} (n UInt8) engine = Memory")
    with untouched(served):
        said(place.publish(served), 4, "no v_romi_daily in zakaz", "Run `dbt build` first.")


def test_another_process_uses_the_embedded_database(place: Place, served: Path) -> None:
    with embedded(place), untouched(served):
        ran = place.publish(served)
    # the engine itself says a line before
    said(Ran(ran.code, ran.out, f"{ran.err.splitlines()[-1]}\n"), 6, "in use by another process")


def test_the_page_cannot_be_written_there(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = site.place.report("--output", str(tmp_path / "file" / "report.html"))
    said(ran, 2, "--output", "Not a directory")


def test_a_docs_site_that_fails_leaves_the_old_one(site: Site, served: Path) -> None:
    ran = site.place.publish(served, DBT_PROFILES_DIR=str(served))
    assert (ran.code, ran.out) == (1, ""), ran
    assert ran.err.startswith("zakaz: no new docs site, the old one stays. dbt said:\n"), ran
    assert (served / "docs.html").read_text() == "old"
    assert "Продажи билетов" in (served / "index.html").read_text()
    assert {path.name for path in served.iterdir()} == PUBLISHED


def test_what_was_published_can_be_read_by_a_web_server(site: Site) -> None:
    published = {path.name: path.stat().st_mode & 0o777 for path in site.directory.iterdir()}
    assert published == {name: 0o755 if name == "events" else 0o644 for name in PUBLISHED}
    events = list((site.directory / "events").iterdir())
    assert {path.stat().st_mode & 0o777 for path in events} == {0o644}
    assert len(events) > 5


def test_when_one_file_cannot_be_put_there_the_others_stay(site: Site, served: Path) -> None:
    (served / "events").write_text("in the way")
    before = {path.name: path.read_text() for path in served.iterdir()}
    said(site.place.report("--output", str(served / "index.html")), 2, "--output", "File exists")
    assert {path.name: path.read_text() for path in served.iterdir()} == before


def test_cron_and_systemd_publish_the_same() -> None:
    (line,) = (
        line
        for line in (ROOT / "deploy" / "crontab").read_text().splitlines()
        if "deploy/publish" in line
    )
    unit = (ROOT / "deploy" / "systemd" / "zakaz-site.service").read_text()
    assert f"\nExecStart=/srv/zakaz/{line.split('&& ')[-1]}\n" in unit
