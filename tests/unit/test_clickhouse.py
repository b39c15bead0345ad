"""The connection to ClickHouse, as report and notify have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clickhouse import use_known_zone
from reader import Reader, ReaderError
from tests.zakaz import ROOT

_HOLDER = """
import sys
from pathlib import Path
from clickhouse import to_embedded
client = to_embedded(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_the_embedded_database_that_is_missing_in_use_or_no_directory_is_said_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chdb"
    env = {"CLICKHOUSE_PATH": str(path), "CLICKHOUSE_DATABASE": "system"}
    with pytest.raises(ReaderError, match="nothing there yet") as raised:
        Reader(env)
    assert raised.value.kind == "missing"
    command = [sys.executable, "-c", _HOLDER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(ReaderError, match="in use by another process") as raised:
            Reader(env)
        assert (raised.value.kind, raised.value.exit_code) == ("busy", 6)
        holder.communicate()
    with Reader(env) as reader:
        assert reader.rows("select {a:UInt8} as a", a=7) == [{"a": 7}]
    (tmp_path / "file").touch()
    with pytest.raises(ReaderError, match="Check CLICKHOUSE_PATH") as raised:
        Reader({"CLICKHOUSE_PATH": str(tmp_path / "file")})
    assert (raised.value.kind, raised.value.exit_code) == ("settings", 2)


@pytest.mark.parametrize(
    ("zone", "then"),
    [
        ("MSK-3", "UTC"),
        ("MSK", "UTC"),
        ("UTC+3", "UTC"),
        ("Europe/Moskow", "UTC"),
        (" ", "UTC"),
        ("Europe/Moscow", "Europe/Moscow"),
        (":Europe/Moscow", ":Europe/Moscow"),
        ("/etc/localtime", "/etc/localtime"),
        ("/etc/hostname", "UTC"),
        ("/no/such/zone", "UTC"),
        ("right/Europe/Moscow", "UTC"),
        ("", ""),
    ],
)
def test_the_embedded_engine_gets_a_zone_that_it_knows(
    zone: str, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    use_known_zone()
    assert os.environ["TZ"] == then
