"""Settings: where they come from, and what is said of a wrong one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from extract.errors import SettingsError
from extract.settings import VENDOR_URL, Settings, load
from tests.zakaz import ROOT, clean_env


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = clean_env()
    for name in list(os.environ):
        if name not in kept:
            monkeypatch.delenv(name)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    settings = load(None)
    assert settings.qtickets_base_url == VENDOR_URL
    assert settings.clickhouse_host is None
    assert str(settings.clickhouse_path) == ".chdb"
    assert settings.clickhouse_database == "zakaz"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "env", "QTICKETS_API_TOKEN=a\nCLICKHOUSE_USER=b\nUNKNOWN=c\n")
    monkeypatch.setenv("CLICKHOUSE_USER", "d")
    settings = load(file)
    assert settings.qtickets_api_token is not None
    assert settings.qtickets_api_token.get_secret_value() == "a"
    assert settings.clickhouse_user == "d"


def test_set_but_empty_is_not_set(tmp_path: Path) -> None:
    file = write(tmp_path / "env", "CLICKHOUSE_PORT=\nCLICKHOUSE_HOST=\nCLICKHOUSE_SECURE=\n")
    settings = load(file)
    assert (settings.clickhouse_host, settings.clickhouse_port) == (None, None)


def test_every_wrong_setting_is_named_and_no_value_repeated(tmp_path: Path) -> None:
    file = write(
        tmp_path / "env",
        "QTICKETS_API_TOKEN=s3cr3t with spaces\nCLICKHOUSE_PORT=s3cr3t\nEXTRACT_TRIES=0\n"
        "QTICKETS_BASE_URL=https://user:s3cr3t@host/\n",
    )
    with pytest.raises(SettingsError) as raised:
        load(file)
    said = str(raised.value)
    assert "s3cr3t" not in said
    for name in ("QTICKETS_API_TOKEN", "CLICKHOUSE_PORT", "EXTRACT_TRIES", "QTICKETS_BASE_URL"):
        assert name in said


@pytest.mark.parametrize("name", ["a b", "a;b", "1a", "a`b", "a'b", "a-b", "д", "a.b", "a" * 64])
def test_a_database_that_is_no_identifier_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKHOUSE_DATABASE", name)
    with pytest.raises(SettingsError, match="CLICKHOUSE_DATABASE"):
        load(None)


def test_secrets_are_masked() -> None:
    settings = Settings(qtickets_api_token="s3cr3t", clickhouse_password="s3cr3t")
    assert "s3cr3t" not in repr(settings) + str(settings) + str(settings.model_dump())


def test_the_example_explains_every_setting_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert named == {field.upper() for field in Settings.model_fields}
    for name, value in re.findall(r"^#(EXTRACT_[A-Z_]+)=(.*)$", example, re.MULTILINE):
        assert float(value) == float(Settings.model_fields[name.lower()].default)


def test_extract_and_dbt_mean_the_same_by_fresh() -> None:
    project = (ROOT / "dbt_project.yml").read_text(encoding="utf-8")
    (hours,) = re.findall(r"^  freshness_error_hours: (\d+)$", project, re.MULTILINE)
    assert float(hours) == Settings.model_fields["extract_fresh_hours"].default
