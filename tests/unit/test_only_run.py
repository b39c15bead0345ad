"""The lock that lets one run at a time work on a database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from extract import lock
from extract.errors import Locked, SettingsError
from extract.lock import lock_file, only_run
from extract.settings import Settings
from tests.zakaz import ROOT


@pytest.fixture(params=["embedded", "server", "nothing shared"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temp").mkdir()
    if request.param == "server":
        monkeypatch.setattr(lock, "_SHARED", tmp_path)
    elif request.param == "nothing shared":
        monkeypatch.setattr(lock, "_SHARED", tmp_path / "none")
    host = None if request.param == "embedded" else "clickhouse.example.org"
    return Settings(clickhouse_host=host, clickhouse_path=tmp_path / "new" / "chdb")


def test_one_at_a_time(settings: Settings) -> None:
    with only_run(settings):
        with pytest.raises(Locked, match="Another run is at work"), only_run(settings):
            pass
        # another process too
        hold = f"import fcntl; fcntl.flock(open({str(lock_file(settings))!r}), 6)"
        held = subprocess.run([sys.executable, "-c", hold], capture_output=True, check=False)
        assert b"BlockingIOError" in held.stderr
    with only_run(settings):
        pass


def test_databases_do_not_exclude_each_other(settings: Settings, tmp_path: Path) -> None:
    others = [
        Settings(clickhouse_host="clickhouse.example.org", clickhouse_database="other"),
        Settings(clickhouse_host="other.example.org"),
        Settings(clickhouse_path=tmp_path / "other"),
    ]
    assert len({lock_file(one) for one in (settings, *others)}) == 4


def test_it_does_not_matter_who_made_the_file(settings: Settings) -> None:
    was = os.umask(0o077)
    try:
        with only_run(settings):
            path = lock_file(settings)
    finally:
        os.umask(was)
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    with only_run(settings):
        pass


def test_services_and_hands_share_a_directory() -> None:
    unit = (ROOT / "deploy/systemd/zakaz-extract.service").read_text(encoding="utf-8")
    assert f"ReadWritePaths=-{lock._SHARED}\n" in unit
    server = lock_file(Settings(clickhouse_host="clickhouse.example.org"))
    assert server.parent == lock._SHARED or not os.access(lock._SHARED, os.W_OK)


def test_a_file_that_cannot_be_opened_is_named_with_its_reason(settings: Settings) -> None:
    path = lock_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("elsewhere")
    reason = f"^The lock file {path} cannot be opened: "
    with pytest.raises(SettingsError, match=reason), only_run(settings):
        pass


def test_a_pipe_in_its_place_is_not_waited_for(settings: Settings) -> None:
    path = lock_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    with only_run(settings):
        pass


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "chdb"
    reason = rf"{path}\.lock cannot be opened: Not a directory"
    with pytest.raises(SettingsError, match=reason), only_run(Settings(clickhouse_path=path)):
        pass
