"""Settings: where they come from, and what is said of a wrong one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import httpx
import pytest

from extract.errors import SettingsError
from extract.settings import VENDOR_URL, Settings, load
from tests.zakaz import ROOT, clean_env, run


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    # and what load() sets is taken back
    network = ("PROXY", "SSL")
    kept = {key for key in clean_env() if not any(part in key.upper() for part in network)}
    for name in list(os.environ):
        if name not in kept:
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", os.environ.copy())


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
    assert settings.qtickets_api_token == "a"
    assert settings.clickhouse_user == "d"


def test_set_but_empty_is_not_set(tmp_path: Path) -> None:
    file = write(tmp_path / "env", "CLICKHOUSE_PORT=\nCLICKHOUSE_HOST=\nCLICKHOUSE_SECURE=\n")
    settings = load(file)
    assert (settings.clickhouse_host, settings.clickhouse_port) == (None, None)


def test_every_wrong_setting_is_named_and_no_value_repeated(tmp_path: Path) -> None:
    file = write(
        tmp_path / "env",
        "QTICKETS_API_TOKEN='s3cr3t with spaces'\nCLICKHOUSE_PORT=s3cr3t\nEXTRACT_TRIES=0\n"
        "QTICKETS_BASE_URL=https://user:s3cr3t@host/\n",
    )
    with pytest.raises(SettingsError) as raised:
        load(file)
    said = str(raised.value)
    assert "s3cr3t" not in said
    for name in ("QTICKETS_API_TOKEN", "CLICKHOUSE_PORT", "EXTRACT_TRIES", "QTICKETS_BASE_URL"):
        assert name in said


@pytest.mark.parametrize("name", ["a b", "a;b", "1a", "a`b", "a'b", "a-b", "д", "a.b", "a" * 64])
@pytest.mark.parametrize("setting", ["CLICKHOUSE_DATABASE", "CLICKHOUSE_CLUSTER"])
def test_a_database_or_cluster_that_is_no_identifier_is_refused(
    setting: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, name)
    with pytest.raises(SettingsError, match=f"{setting}: only letters, digits and _"):
        load(None)


def test_a_cluster_needs_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_CLUSTER", "zakaz")
    with pytest.raises(SettingsError, match="CLICKHOUSE_CLUSTER is set but CLICKHOUSE_HOST is not"):
        load(None)


def test_secrets_are_masked() -> None:
    settings = Settings(qtickets_api_token="s3cr3t", clickhouse_password="s3cr3t")
    assert "s3cr3t" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("EXTRACT_SWEEP_HOURS", value) for value in ("inf", "nan", "1e3", "-1", "0", "9999")),
        ("EXTRACT_INVENTORY_DAYS", "36500"),
        ("EXTRACT_INVENTORY_DAYS", "28000"),
        ("EXTRACT_OVERLAP_MINUTES", "99999999999"),
        ("EXTRACT_CONNECTIONS", "4.0"),
        ("EXTRACT_TRIES", "８"),
        ("EXTRACT_READ_SECONDS", "10s"),
        ("CLICKHOUSE_PORT", "0"),
        ("CLICKHOUSE_PORT", "65536"),
        ("CLICKHOUSE_SECURE", "t"),
        ("CLICKHOUSE_HOST", "https://clickhouse.example.org"),
        ("CLICKHOUSE_HOST", "clickhouse.example.org:8443"),
        ("CLICKHOUSE_HOST", "clickhouse..example.org"),
        ("CLICKHOUSE_PATH", ".chdb\r"),
        ("CLICKHOUSE_PATH", "~/chdb"),
        ("CLICKHOUSE_PASSWORD", "pa55word\r"),
        ("CLICKHOUSE_USER", "zakaz "),
        ("QTICKETS_API_TOKEN", "Bearer abc"),
        ("QTICKETS_BASE_URL", "api.example.org/v1"),
        ("QTICKETS_BASE_URL", "https://api..example.org/v1"),
        ("QTICKETS_BASE_URL", "https://.example.org/v1"),
        ("QTICKETS_BASE_URL", "https://api.example.org:https/v1"),
        ("QTICKETS_BASE_URL", "https://api.example.org:65536/v1"),
        ("QTICKETS_BASE_URL", "https://api.example.org:0/v1"),
        ("QTICKETS_BASE_URL", "https://api.example.org:８０/v1"),
        ("QTICKETS_BASE_URL", "https://xn--/v1"),
        ("QTICKETS_BASE_URL", "https://user:pa55@api.example.org/v1"),
        ("QTICKETS_BASE_URL", "https://api.example.org/v1?x=y"),
        ("QTICKETS_BASE_URL", "https://[::g]/v1"),
        ("QTICKETS_BASE_URL", "https:///v1"),
        ("QTICKETS_BASE_URL", "https://999.1.1.1/v1"),
        ("QTICKETS_BASE_URL", "https://٣.example.org/v1"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKHOUSE_HOST", "clickhouse.example.org")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load(None)
    said = str(raised.value)
    assert said.startswith(f"{name}: ")
    assert "\n" not in said
    assert value not in said or len(value) < 3


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "https://[::1]:8443/api/",
        "https://qtickets.ru/api/rest/v1",
        "http://qtickets_mock",
        "https://билеты.рф/api",
    ],
)
def test_urls_that_can_be_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTICKETS_BASE_URL", url)
    assert load(None).qtickets_base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("CLICKHOUSE_HSOT=x", "CLICKHOUSE_HOST"),
        ("clickhouse_host=x", "CLICKHOUSE_HOST"),
        ("CLICKHOUS_HOST=x", "CLICKHOUSE_HOST"),
        ("QTICKETS_TOKEN=x", "QTICKETS_API_TOKEN"),
        ("EXTRACT_SWEEP_HOUR=3", "EXTRACT_SWEEP_HOURS"),
        ("EXTRACT_SPEED=3", "EXTRACT_"),
    ],
)
def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path, line: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(write(tmp_path / "env", f"{line}\n"))
    name, _ = line.split("=")
    assert f"{name}: no such setting" in str(raised.value)
    assert nearest in str(raised.value)


def test_names_of_others_stay_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(
        tmp_path / "env",
        "NOTIFY_HEARTBEAT_URL='https://example.org/?a=1&b=2'\n"
        "ORGANISER_NAME='Театр, что в саду'\n"
        "DBT_TARGET_PATH=/var/lib/zakaz/target\nZAKAZ_MAILTO=a@example.org\n",
    )
    for name in ("CLICKHOUSE_TEST_URL", "CLICKHOUSE_DB", "CLICKHOUSE_PORT_8123_TCP"):
        monkeypatch.setenv(name, "tcp://10.0.0.1:8123")
    assert load(file) == Settings()


def test_a_slip_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICKHOUSE_HSOT", "x")
    with pytest.raises(SettingsError, match=r"^CLICKHOUSE_HSOT: no such .* CLICKHOUSE_HOST meant"):
        load(None)


SAME = [
    "CLICKHOUSE_PASSWORD=a-b_c.d:e/f@g%h+i=j,k^l#m!n?o*p[q]{r}~s",
    "CLICKHOUSE_PASSWORD='a b$c`d\"e;f&g|h<i>(j) #k~'",
    'CLICKHOUSE_PASSWORD="a b;c&d|e<f>(g) #h~\'i"',
    "  CLICKHOUSE_PASSWORD=abc  ",
    "CLICKHOUSE_PASSWORD=пароль",
    "CLICKHOUSE_PASSWORD=first\nCLICKHOUSE_PASSWORD=second",
    "# a comment with $HOME and `date`\n\nCLICKHOUSE_PASSWORD=x",
    "CLICKHOUSE_PASSWORD=",
    "CLICKHOUSE_PASSWORD=''",
]


@pytest.mark.parametrize("text", SAME)
def test_what_is_taken_from_the_file_is_what_a_shell_takes(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "env", f"{text}\n")
    asked = f'set -a; . {file}; printf %s "$CLICKHOUSE_PASSWORD"'
    shell = subprocess.run(["/bin/sh", "-c", asked], capture_output=True, text=True, check=True)
    assert load(file).clickhouse_password == shell.stdout


@pytest.mark.parametrize(
    "line",
    [
        "CLICKHOUSE_PATH=~/chdb",
        "CLICKHOUSE_PATH=/a:~/chdb",
        "CLICKHOUSE_PATH=$HOME/chdb",
        "CLICKHOUSE_PATH=${HOME}/chdb",
        'CLICKHOUSE_PATH="$HOME/chdb"',
        "CLICKHOUSE_PATH=`pwd`/chdb",
        "CLICKHOUSE_PATH=a b",
        "CLICKHOUSE_PATH=chdb # here",
        "CLICKHOUSE_PATH=a\\b",
        "CLICKHOUSE_PATH=a;b",
        "CLICKHOUSE_PATH=a&b",
        "CLICKHOUSE_PATH=(a)",
        "CLICKHOUSE_PATH='a'b",
        "CLICKHOUSE_PATH=a'b",
        'CLICKHOUSE_PATH="a\\nb"',
        "CLICKHOUSE_PATH='a",
        "CLICKHOUSE_PATH = chdb",
        "CLICKHOUSE_PATH= chdb",
        "CLICKHOUSE_PATH =chdb",
        "export CLICKHOUSE_PATH=chdb",
        "CLICKHOUSE_PATH",
        "CLICKHOUSE_PATH: chdb",
        "CLICKHOUSE_PATH=chdb\r",
        "\ufeffCLICKHOUSE_PATH=chdb",
        ". ./other.env",
    ],
)
def test_what_a_shell_would_read_otherwise_is_refused(tmp_path: Path, line: str) -> None:
    file = write(tmp_path / "env", f"# settings\nCLICKHOUSE_USER=u\n{line}\n")
    with pytest.raises(SettingsError, match=f"^--envfile {file}, line 3: ") as raised:
        load(file)
    assert "\n" not in str(raised.value)
    assert "chdb" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", "CLICKHOUSE_USER=u\n")
    (tmp_path / "latin").write_bytes("CLICKHOUSE_USER=ю\n".encode("cp1251"))
    for file, reason in (
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / "latin", "not a text file in UTF-8"),
    ):
        with pytest.raises(SettingsError, match=f"^--envfile {file}: {reason}.$"):
            load(file)
    secret.chmod(0)
    # root reads everything, unless it gives up that right
    drop = ("setpriv", "--inh-caps=-dac_override,-dac_read_search")
    drop += ("--bounding-set=-dac_override,-dac_read_search",)
    command = [sys.executable, "-m", "extract", "--check", "--envfile", str(secret)]
    ran = run([*drop, *command] if os.geteuid() == 0 else command, clean_env())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"zakaz: --envfile {secret}: Permission denied.\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("https_proxy", "socks5h://127.0.0.1:1080"),
        ("HTTP_PROXY", "ftp://proxy.example.org"),
        ("HTTPS_PROXY", "http://user:pa55@proxy.example.org:port"),
        ("NO_PROXY", "localhost,[::1]"),
        ("no_proxy", "localhost,fe80::/10"),
        ("NO_PROXY", "localhost:port"),
        ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
        ("SSL_CERT_FILE", "/etc"),
        ("SSL_CERT_FILE", "/etc/passwd"),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("SSL_CERT_DIR", "/etc/init.d"),
        ("SSLKEYLOGFILE", "/nonexistent/keys"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_proxy_or_certificate_that_cannot_work_is_named(
    name: str, value: str, in_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "" if in_file else value)
    if in_file:
        monkeypatch.delenv(name)
    file = write(tmp_path / "env", f"{name}='{value}'\n" if in_file else "")
    with pytest.raises(SettingsError, match=f"^{name}: ") as raised:
        load(file)
    assert "pa55" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_proxies_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pa55@proxy.example.org:3128")
    monkeypatch.setenv("http_proxy", "proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "localhost, 127.0.0.1,::1,10.0.0.0/8,.example.org,*.example.com")
    load(None)
    httpx.Client().close()


def test_the_example_explains_every_setting_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?((?:QTICKETS|CLICKHOUSE|EXTRACT)_[A-Z_]+)=", example, re.MULTILINE))
    assert named == {field.name.upper() for field in fields(Settings)}
    for name, value in re.findall(r"^#(EXTRACT_[A-Z_]+)=(.*)$", example, re.MULTILINE):
        assert float(value) == getattr(Settings(), name.lower())


def test_the_example_can_be_read(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert load(ROOT / ".env.example") == Settings()
    all_set = re.sub(r"^#([A-Z_]+=)", r"\1", example, flags=re.MULTILINE)
    assert load(write(tmp_path / "env", all_set)).clickhouse_host == "clickhouse.example.org"


def test_extract_and_dbt_mean_the_same_by_fresh() -> None:
    project = (ROOT / "dbt_project.yml").read_text(encoding="utf-8")
    (hours,) = re.findall(r"^  freshness_error_hours: (\d+)$", project, re.MULTILINE)
    assert float(hours) == Settings().extract_fresh_hours
