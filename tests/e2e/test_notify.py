"""`python -m notify` against a real ClickHouse and a real HTTP server, through every state."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from notify import cli
from tests.clickhouse_server import ClickHouseServer, free_port
from tests.notify_marts import Marts
from tests.notify_receiver import Receiver
from tests.zakaz import ROOT, Ran, clean_env, run

TEXTS = ROOT / "tests" / "notify_texts"
START = datetime(2026, 11, 25, 6, 40, tzinfo=UTC)  # Wednesday, 09:40 in Moscow
HALF_HOUR = timedelta(minutes=30)
API_DOWN = "GET /orders: 503: the API has a fault."
TOKEN_WRONG = "GET /orders: 401: the API refuses the token. Check QTICKETS_API_TOKEN."


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def marts(clickhouse: ClickHouseServer) -> Iterator[Marts]:
    marts = Marts(clickhouse, f"notify_{uuid4().hex[:8]}")
    marts.create()
    yield marts
    clickhouse.query(f"drop database if exists {marts.database}")


class Operator:
    """Runs the command in this process, at the instant that the test gives."""

    def __init__(
        self,
        marts: Marts,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.directory = directory
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.now = START
        for name in [n for n in os.environ if n not in clean_env() or n.startswith("NOTIFY_")]:
            monkeypatch.delenv(name)
        self.set(**marts.env(directory), ORGANISER_NAME="Театр «Маска»")

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self._monkeypatch.setenv(name, value)

    def notify(self, *args: str) -> Ran:
        code = cli.main(args, clock=lambda: self.now)
        said = self._capsys.readouterr()
        return Ran(code, said.out, said.err)

    def quietly(self, *args: str) -> None:
        ran = self.notify(*args)
        assert (ran.code, ran.out, ran.err) == (0, "", ""), ran

    def results(self, *results: tuple[str, str, str], which: str = "build", **args: Any) -> None:
        """Write down dbt's results: name, status and message of each test."""
        (self.directory / "target").mkdir(exist_ok=True)
        read = {
            "metadata": {"generated_at": self.now.isoformat().replace("+00:00", "Z")},
            "args": {"which": which, "select": [], "exclude": []} | args,
            "results": [
                {"unique_id": f"test.zakaz.{name}", "status": status, "message": message}
                for name, status, message in results
            ],
        }
        (self.directory / "target" / "run_results.json").write_text(json.dumps(read))


@pytest.fixture
def operator(
    marts: Marts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Operator:
    return Operator(marts, tmp_path, monkeypatch, capsys)


def assert_reads(name: str, messages: list[tuple[str, str]]) -> None:
    """Compare with the text that a person has read; spaces that do not break count as others."""
    told = "\n\n---\n\n".join(f"{title}\n\n{text}" for title, text in messages) + "\n"
    told = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", told)
    path = TEXTS / f"{name}.txt"
    if "ZAKAZ_WRITE_TEXTS" in os.environ:
        path.write_text(told)
    assert re.sub(r"[\xa0\u202f]", " ", told) == re.sub(r"[\xa0\u202f]", " ", path.read_text())


# ---- alerts


def test_alerts_through_every_state(operator: Operator, marts: Marts, receiver: Receiver) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url(), NOTIFY_HEARTBEAT_URL=f"http://{receiver.host}/p")
    story: list[tuple[str, str]] = []
    runs = [
        ("verified", ""),
        ("verified", ""),
        ("failed", API_DOWN),
        *[("failed", API_DOWN)] * 3,
        ("failed", TOKEN_WRONG),
        ("failed", TOKEN_WRONG),
        ("failed", API_DOWN),
        ("verified", ""),
        ("verified", ""),
    ]
    told = []
    for status, error in runs:
        marts.ran(operator.now - timedelta(minutes=10), status, error)
        operator.quietly("alerts")
        told.append(len(receiver.messages))
        story += receiver.take()
        operator.now += HALF_HOUR
    assert told == [0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0]
    assert len(receiver.gets) == 4
    assert_reads("alerts_of_the_api", story)


def test_a_reminder_comes_once_a_day(operator: Operator, marts: Marts, receiver: Receiver) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url())
    marts.ran(operator.now - timedelta(minutes=10))
    operator.now += HALF_HOUR
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    told, story = [], []
    for _ in range(3 * 12):
        operator.quietly("alerts")
        told += [(operator.now, title) for title, _ in receiver.messages]
        story = receiver.take() or story
        operator.now += timedelta(hours=2)
    first = START + HALF_HOUR
    assert [moment for moment, _ in told] == [first + timedelta(days=n) for n in range(3)]
    assert_reads("alerts_reminder", story)


def test_rows_of_version_1_are_understood(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url())
    marts.query("drop table meta_job_runs")
    marts.query("drop table v_data_quality")
    marts.server.query(f"drop database {marts.database}")
    marts.create(version=1)
    for lane, status in (("changes", "proven"), ("sweep", "failed"), ("range", "failed")):
        operator.now += HALF_HOUR
        marts.ran(operator.now, status, API_DOWN, mode=lane, kind="lane")
        operator.now += timedelta(minutes=5)
        operator.quietly("alerts")
    assert not receiver.messages
    operator.now += HALF_HOUR
    marts.ran(operator.now, "unproven", "read 9 of 10", mode="changes", kind="lane")
    operator.quietly("alerts")
    assert [title for title, _ in receiver.take()] == [
        "🔴 Театр «Маска»: загруженное не сошлось с QTickets"
    ]
    # the same table, once the extractor of version 2 has brought it forward
    marts.query("alter table meta_job_runs add column mode String default 'incremental'")
    operator.now += HALF_HOUR
    marts.ran(operator.now, "verified")
    operator.now += timedelta(minutes=5)
    operator.quietly("alerts")
    assert len(receiver.messages) == 1


def test_what_the_run_log_says_of_the_future_is_not_believed(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url())
    marts.ran(operator.now + timedelta(days=365), builds=False)
    marts.ran(operator.now - timedelta(hours=8))
    operator.quietly("alerts")
    ((title, text),) = receiver.messages
    assert title == "🔴 Театр «Маска»: данные давно не сверялись с QTickets"
    assert "Последняя сверка: 7 ч 59 мин назад." in text


def test_the_build_and_its_warnings(operator: Operator, marts: Marts, receiver: Receiver) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url())
    story: list[tuple[str, str]] = []
    told = []
    failing = ("assert_orders_can_be_read", "fail", "Got 2 results, configured to fail if != 0")
    warning = ("assert_paid_orders_say_when", "warn", "Got 1 result, configured to warn if != 0")
    fine = ("assert_sales_equal_raw", "pass", "")
    broken = (
        "v_sell_through",
        "error",
        "Database Error in model v_sell_through\n  Code: 241. DB::Exception: Memory limit exceeded",
    )
    # what the run log says already, in dbt's words
    echo = ("assert_runs_are_fresh", "fail", "Got 5 results, configured to fail if != 0")
    for results in (
        [fine, echo],
        [failing, warning],
        [failing, warning],
        [broken],
        [fine],
        [warning],
    ):
        marts.ran(operator.now - timedelta(minutes=10))
        operator.results(*results)
        operator.quietly("alerts", "--exit", f"build={int(results != [fine])}")
        told.append(len(receiver.messages))
        story += receiver.take()
        operator.now += HALF_HOUR
    assert told == [0, 1, 0, 1, 1, 0]
    operator.now += timedelta(days=1)
    marts.ran(operator.now - timedelta(minutes=10))
    operator.quietly("alerts")
    story += receiver.messages
    assert len(receiver.take()) == 1
    # of a part of the project, or of something else than a build, nothing is concluded
    operator.results(failing)
    operator.quietly("alerts")
    assert len(receiver.take()) == 1
    for which, args in (("generate", {}), ("build", {"select": ["dim_events"]}), ("run", {})):
        operator.results(fine, which=which, **args)
        operator.quietly("alerts")
    (operator.directory / "target" / "run_results.json").write_text('{"half": ')
    operator.quietly("alerts")
    assert not receiver.messages
    assert_reads("alerts_of_the_build", story)


def test_a_run_that_could_write_nothing_down_is_told_until_a_later_one_is_seen(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url())
    marts.ran(operator.now - timedelta(minutes=40))
    story: list[tuple[str, str]] = []
    for args, count in (
        (["--exit", "extract=6"], 0),
        (["--exit", "extract=2"], 1),
        (["--exit", "build=0"], 0),  # says nothing of the extractor
        (["--exit", "extract=2"], 0),
        (["--exit", "extract=TERM"], 1),
    ):
        operator.quietly("alerts", *args)
        assert len(receiver.messages) == count, args
        story += receiver.take()
        operator.now += timedelta(minutes=10)
    operator.quietly("alerts", "--exit", "extract=1")
    story += receiver.messages
    assert len(receiver.take()) == 1
    marts.ran(operator.now + timedelta(minutes=1))
    operator.now += timedelta(minutes=5)
    operator.quietly("alerts")
    assert_reads("alerts_of_exit_statuses", story + receiver.take())
    # that nothing was loaded for long is no other cause, and no news
    operator.quietly("alerts", "--exit", "extract=2")
    assert len(receiver.take()) == 1
    operator.now += timedelta(hours=8)
    operator.quietly("alerts", "--exit", "extract=2")
    operator.quietly("alerts", "--exit", "build=0")
    assert not receiver.messages


def test_nothing_loaded_nothing_built_and_marts_that_stand_still(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url())
    story: list[tuple[str, str]] = []
    marts.query("rename table v_data_quality to later")
    operator.quietly("alerts")
    story += receiver.take()
    marts.ran(operator.now, builds=False)
    operator.now += timedelta(minutes=5)
    operator.quietly("alerts")
    story += receiver.take()
    operator.now += timedelta(hours=1)
    operator.quietly("alerts")
    story += receiver.take()
    marts.query("rename table later to v_data_quality")
    marts.built(operator.now - timedelta(minutes=1))
    operator.quietly("alerts")
    story += receiver.take()
    for _ in range(14):
        marts.ran(operator.now, builds=False)
        operator.now += HALF_HOUR
    operator.quietly("alerts")
    story += receiver.take()
    marts.built(operator.now, missing=17)
    operator.quietly("alerts")
    story += receiver.take()
    assert len(story) == 6
    assert_reads("alerts_of_the_marts", story)


def test_clickhouse_down_is_told_and_remembered_beside(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url(), NOTIFY_HEARTBEAT_URL=f"http://{receiver.host}/p")
    marts.ran(operator.now)
    port = os.environ["CLICKHOUSE_PORT"]
    story: list[tuple[str, str]] = []
    told = []
    for is_down in (False, True, True, True, False, False):
        operator.set(CLICKHOUSE_PORT=str(free_port()) if is_down else port)
        if is_down:
            operator.results(("v_sales_14d", "error", "Connection refused"))
        ran = operator.notify("alerts", *(["--exit", "extract=4"] if is_down else []))
        assert (ran.code, ran.err.count("\n")) == ((4, 1) if is_down else (0, 0)), ran
        told.append(len(receiver.messages))
        story += receiver.take()
        operator.now += HALF_HOUR
        if not is_down and len(told) == 5:
            operator.results(("v_sales_14d", "pass", ""))
    assert told == [0, 1, 0, 0, 1, 0]
    assert len(receiver.gets) == 2  # dbt has not built yet when it is back
    story = [(title, re.sub(r":\d{4,5}\b", ":PORT", text)) for title, text in story]
    assert_reads("alerts_of_clickhouse", story)
    # the table knows by now what the file kept
    rows = marts.query("select subject, is_open from meta_alerts final order by subject")
    assert rows == [("clickhouse/unreachable", False)]


@pytest.mark.parametrize("lost", ["file", "table"])
def test_either_of_table_and_file_is_enough(
    operator: Operator, marts: Marts, receiver: Receiver, lost: str
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url(), NOTIFY_DIGEST_URLS=receiver.url())
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    marts.built(operator.now)
    operator.quietly("alerts")
    operator.quietly("digest")
    assert len(receiver.take()) == 2
    if lost == "file":
        (operator.directory / "notify.json").unlink()
    else:
        marts.query("drop table meta_alerts")
    operator.quietly("alerts")
    operator.quietly("digest")
    assert not receiver.messages


def test_a_clock_that_was_ahead_once_silences_nothing(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url(), NOTIFY_DIGEST_URLS=receiver.url())
    marts.built(operator.now)
    operator.now += timedelta(days=365)
    operator.quietly("alerts")
    operator.quietly("digest")
    assert len(receiver.take()) == 2
    operator.now -= timedelta(days=365)
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    operator.quietly("alerts")
    operator.quietly("digest")
    assert len(receiver.take()) == 2
    operator.now += HALF_HOUR
    operator.quietly("alerts")
    operator.quietly("digest")
    assert not receiver.messages


def test_a_destination_that_fails_costs_itself_and_is_tried_again(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    marts.built(operator.now)
    with Receiver() as other:
        urls = f"{receiver.url()},{other.url()}"
        operator.set(NOTIFY_ALERT_URLS=urls, NOTIFY_DIGEST_URLS=urls)
        other.status, other.says = 403, '{"ok": false, "description": "bot was kicked"}'
        for what in ("alerts", "digest"):
            for count in (1, 0):
                ran = operator.notify(what)
                assert (ran.code, ran.err.count("\n")) == (7, 1), ran
                setting = "NOTIFY_ALERT_URLS" if what == "alerts" else "NOTIFY_DIGEST_URLS"
                assert f"zakaz: {setting}, URL 2 of 2 (JSON): not delivered: " in ran.err
                assert "error=403" in ran.err
                assert len(receiver.take()) == count
        other.status = 200
        operator.now += HALF_HOUR
        for what in ("alerts", "digest"):
            operator.quietly(what)
            operator.quietly(what)
            assert (len(receiver.take()), len(other.take())) == (0, 1)


# ---- bad input


@pytest.mark.parametrize("what", ["alerts", "digest"])
def test_without_urls_nothing_is_sent_and_nothing_fails(
    operator: Operator, what: str, tmp_path: Path
) -> None:
    operator.set(CLICKHOUSE_PORT=str(free_port()))
    operator.quietly(what)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"NOTIFY_ALERT_URLS": "tgramm://s3cret/1"}, "URL 1 of 1 (it begins with tgramm://)"),
        ({"NOTIFY_ALERT_URLS": "s3cret:AAE"}, "NOTIFY_ALERT_URLS, URL 1 of 1: apprise cannot"),
        ({"NOTIFY_ALERT_URLS": "mailto://s3cret"}, "URL 1 of 1 (it begins with mailto://)"),
        (
            {"NOTIFY_ALERTS_URL": "json://s3cret"},
            "NOTIFY_ALERTS_URL: no such setting; is NOTIFY_ALERT_URLS meant?",
        ),
        ({"NOTIFY_REPORT_URL": "s3cret.example.org"}, "NOTIFY_REPORT_URL: must begin with https"),
        ({"NOTIFY_HEARTBEAT_URL": "s3cret"}, "NOTIFY_HEARTBEAT_URL: must begin with https"),
        ({"EXTRACT_FRESH_HOURS": "s3cret"}, "EXTRACT_FRESH_HOURS: must be a number"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    operator: Operator, marts: Marts, settings: dict[str, str], says: str
) -> None:
    marts.ran(operator.now - timedelta(minutes=10))
    operator.set(**settings)
    ran = operator.notify("alerts")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran
    assert says in ran.err
    assert "s3cret" not in ran.err


def test_a_wrong_url_does_not_cost_the_others_their_message(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_ALERT_URLS=f"nonsense://x {receiver.url()}")
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    ran = operator.notify("alerts")
    assert (ran.code, ran.err.count("\n"), len(receiver.messages)) == (2, 1, 1), ran


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"CLICKHOUSE_USER": "nobody"}, "ClickHouse не принимает пароль"),
        ({"CLICKHOUSE_DATABASE": "not_there"}, "в ClickHouse ещё нет данных"),
        ({"CLICKHOUSE_HOST": "no-such-host.invalid"}, "ClickHouse не отвечает"),
        ({"CLICKHOUSE_HOST": "", "CLICKHOUSE_PATH": "/no/such"}, "в ClickHouse ещё нет данных"),
        ({"CLICKHOUSE_HOST": "", "CLICKHOUSE_PATH": "/etc/passwd"}, "ошибка в настройках"),
        ({"CLICKHOUSE_PORT": "http"}, "ошибка в настройках"),
    ],
)
def test_a_clickhouse_that_cannot_be_read_is_one_line_and_one_alert(
    operator: Operator, receiver: Receiver, settings: dict[str, str], kind: str
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url(), NOTIFY_DIGEST_URLS=receiver.url(), **settings)
    code = 2 if kind == "ошибка в настройках" else 4
    for what in ("alerts", "alerts", "digest"):
        ran = operator.notify(what)
        assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1), ran
    assert [title.partition(": ")[2][: len(kind)] for title, _ in receiver.messages] == [kind]


def test_marts_that_are_not_built_are_one_line_and_the_digest_comes_when_they_are(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_DIGEST_URLS=receiver.url())
    marts.query("rename table dim_events to later")
    ran = operator.notify("digest")
    assert (ran.code, ran.out, ran.err.count("\n")) == (4, "", 1), ran
    assert "The marts are not built: run `python -m extract`, then `dbt build`." in ran.err
    marts.query("rename table later to dim_events")
    operator.quietly("digest")
    assert len(receiver.messages) == 1


def test_a_state_that_cannot_be_kept_is_found_out_before_anything_is_sent(
    operator: Operator, marts: Marts, receiver: Receiver, tmp_path: Path
) -> None:
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    (tmp_path / "file").write_text("")
    operator.set(
        NOTIFY_ALERT_URLS=receiver.url(),
        NOTIFY_DIGEST_URLS=receiver.url(),
        NOTIFY_STATE_PATH=str(tmp_path / "file" / "notify.json"),
    )
    for what in ("alerts", "digest"):
        ran = operator.notify(what)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran
        assert "NOTIFY_STATE_PATH" in ran.err
    assert not receiver.messages


def test_a_heartbeat_that_nobody_hears_is_said(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    marts.ran(operator.now - timedelta(minutes=10))
    receiver.status = 500
    operator.set(NOTIFY_HEARTBEAT_URL=f"http://{receiver.host}/s3cret")
    ran = operator.notify("alerts")
    assert (ran.code, ran.err) == (7, "zakaz: NOTIFY_HEARTBEAT_URL: status 500.\n")
    operator.set(NOTIFY_HEARTBEAT_URL=f"http://127.0.0.1:{free_port()}/s3cret")
    ran = operator.notify("alerts")
    assert (ran.code, ran.err) == (7, "zakaz: NOTIFY_HEARTBEAT_URL: no answer (ConnectError).\n")


def test_no_secret_of_a_url_is_in_what_is_said_logged_or_kept(
    operator: Operator,
    marts: Marts,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    dead = free_port()
    token = "987654321:AAE5ecretTokenOfABotThatIsThirtyFiveLo"
    places = (f"127.0.0.1:{dead}", receiver.host)
    urls = [
        *(f"json://canary-u:canary-p@{place}/canary-path?+X-Key=canary-h" for place in places),
        *(f"form://canary-u:canary-p@{place}/canary-path?:key=canary-h" for place in places),
        f"mailto://canary-u:canary-p@127.0.0.1:{dead}/?from=canary-u@example.org&to=c@example.org",
        f"tgram://{token}/-100987654321",
        "slack://canaryA1B/canaryC2D/canary123456789012345678/#canary-channel",
        "discord://canary4711/canary-webhook-token",
    ]
    operator.set(
        NOTIFY_ALERT_URLS=",".join(urls),
        NOTIFY_HEARTBEAT_URL=f"http://canary-u:canary-p@127.0.0.1:{dead}/canary-path",
        CLICKHOUSE_PASSWORD="",
        # nothing of this may leave the machine
        HTTP_PROXY=f"http://canary-u:canary-p@127.0.0.1:{dead}",
        HTTPS_PROXY=f"http://canary-u:canary-p@127.0.0.1:{dead}",
        NO_PROXY="127.0.0.1",
    )
    receiver.status, receiver.says = 401, "no entry for canary-p at /canary-path"
    ran = operator.notify("alerts")
    assert ran.code in (2, 7), ran
    assert ran.err.count("\n") == len(urls), ran
    kept = (tmp_path / "notify.json").read_text()
    kept += str(marts.query("select * from meta_alerts"))
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for where in (ran.err, ran.out, kept, logged, repr(operator)):
        assert "canary" not in where.lower()
        assert token[-20:] not in where
        assert "987654321" not in where


def test_a_test_message_arrives_and_is_not_remembered(
    operator: Operator, receiver: Receiver, tmp_path: Path
) -> None:
    operator.set(NOTIFY_ALERT_URLS=receiver.url(), NOTIFY_DIGEST_URLS=receiver.url())
    operator.quietly("alerts", "--test")
    operator.quietly("digest", "--test")
    assert_reads("test_messages", receiver.messages)
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_the_extractor_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys, notify.cli, notify.alerts, notify.digest;"
        "print([name for name in sys.modules if name.split('.')[0] == 'extract'])"
    )
    ran = run([sys.executable, "-c", code], clean_env())
    assert (ran.code, ran.out) == (0, "[]\n"), ran


# ---- the digest


def fill(marts: Marts, today: date) -> None:
    """Two months of an organiser with three events and, on one day, a second currency."""
    events = [
        (1, "Щелкунчик", "Томск"),
        (2, "Иллюзии & <b>чудеса</b>", "Томск"),
        (3, "unknown", "unknown"),
    ]
    marts.insert("dim_events", events)
    rows = []
    for n in range(1, 61):
        day = today - timedelta(days=n)
        for event_id, tickets in ((1, 5 + n % 7), (2, 3 + n % 4), (3, n % 2)):
            revenue = tickets * 1250
            rows.append((day, event_id, "Томск", "RUB", tickets, 1, revenue + 500, 500, revenue))
    rows.append((today - timedelta(days=1), 3, "unknown", "EUR", 2, 0, 45.5, 0, 45.5))
    marts.insert("fact_qtickets_sales_daily", rows)
    marts.insert(
        "fact_qtickets_refunds_daily",
        [(today - timedelta(days=1), 1, "Томск", "RUB", 2, 2300, 0, 200)],
    )
    marts.insert(
        "v_plan_vs_fact",
        [
            (
                today - timedelta(days=n),
                1,
                "Щелкунчик",
                "Томск",
                "RUB",
                8,
                5 + n % 7,
                10000,
                (5 + n % 7) * 1250,
            )
            for n in range(1, 40)
        ]
        + [(today - timedelta(days=1), 2, "Иллюзии", "Томск", "RUB", None, 4, None, 5000)],
    )


def test_the_digest_reads_well_and_equals_the_marts(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    fill(marts, date(2026, 11, 26))
    operator.now = datetime(2026, 11, 26, 6, 30, tzinfo=UTC)
    marts.built(operator.now - timedelta(minutes=20))
    operator.set(NOTIFY_DIGEST_URLS=receiver.url(), NOTIFY_REPORT_URL="https://zakaz.example.org/")
    operator.quietly("digest")
    ((title, text),) = receiver.messages
    assert len(title) + len(text) < 4096
    assert_reads("digest", receiver.messages)

    ((tickets, revenue),) = marts.query(
        "select sum(tickets_sold), sumIf(revenue, currency = 'RUB') from fact_qtickets_sales_daily"
        " where sales_date = '2026-11-25'"
    )
    ((of_month, revenue_of_month),) = marts.query(
        "select sum(tickets_sold), sumIf(revenue, currency = 'RUB') from fact_qtickets_sales_daily"
        " where sales_date between '2026-11-01' and '2026-11-25'"
    )
    told = re.sub(r"[\xa0\u202f ]", "", text)
    assert f"Вчера:{tickets}билетовна{revenue:.0f}₽и45,50€" in told
    assert f"Ноябрь,1–25:{of_month}билетовна{revenue_of_month:.0f}₽" in told


def test_shows_that_sell_out_or_fall_behind_are_told(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_DIGEST_URLS=receiver.url())
    fill(marts, operator.now.date())
    marts.built(operator.now - timedelta(minutes=20))
    seen = [
        (200, 300, 300, True, "on track"),
        (299, 300, 300, True, None),
        (40, 300, 90, False, "behind"),
        (7, None, None, None, "behind"),
        (1, None, 5, None, "on track"),
        *[(10, None, 50, None, "behind")] * 7,
    ]
    shows = [
        (n, "Щелкунчик", operator.now + timedelta(days=n), *show) for n, show in enumerate(seen)
    ]
    past = operator.now - timedelta(days=1)
    shows.append((99, "Вчерашний показ", past, 1, None, 2, None, "behind"))
    marts.insert("v_show_forecast", shows)
    operator.quietly("digest")
    assert_reads("digest_with_forecast", receiver.messages)


def test_days_of_nothing_and_data_that_is_not_whole(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_DIGEST_URLS=receiver.url(), ORGANISER_NAME="")
    operator.now = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    marts.built(operator.now - timedelta(hours=12), missing=17)
    operator.quietly("digest")
    marts.query("truncate table v_data_quality")
    operator.now += timedelta(days=1)
    operator.quietly("digest")
    assert_reads("digest_of_nothing", receiver.messages)


def test_a_digest_is_sent_once_a_day_and_what_did_not_get_through_is_made_up_for(
    operator: Operator, marts: Marts, receiver: Receiver
) -> None:
    operator.set(NOTIFY_DIGEST_URLS=receiver.url())
    fill(marts, date(2026, 11, 26))
    told = []
    operator.now = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)  # after midnight in Moscow
    while operator.now < datetime(2026, 11, 26, 21, 0, tzinfo=UTC):
        marts.built(operator.now - timedelta(minutes=20))
        # two hours on the 22nd, and the whole of the 24th and 25th, the messenger is down
        moscow = operator.now + timedelta(hours=3)
        is_down = moscow.day in (24, 25) or (moscow.day == 22 and moscow.hour < 2)
        receiver.status = 503 if is_down else 200
        assert operator.notify("digest").code in (0, 7)
        told += [(moscow.day, moscow.hour, text) for _, text in receiver.take()]
        operator.now += timedelta(hours=4)
    assert [(day, hour) for day, hour, _ in told] == [(21, 0), (22, 4), (23, 0), (26, 0)]
    assert ["не дошла" in text for _, _, text in told] == [False, False, False, True]
    ((tickets,),) = marts.query(
        "select sum(tickets_sold) from fact_qtickets_sales_daily"
        " where sales_date between '2026-11-23' and '2026-11-24'"
    )
    made_up = re.sub(r"[\xa0\u202f]", " ", told[-1][2])
    assert f"Сводка за 23 ноя – 24 ноя не дошла. Тогда: {tickets} билет" in made_up


def test_a_dry_run_prints_the_digest_and_remembers_nothing(
    operator: Operator, marts: Marts, receiver: Receiver, tmp_path: Path
) -> None:
    fill(marts, operator.now.date())
    marts.built(operator.now)
    ran = operator.notify("digest", "--dry-run")
    assert (ran.code, ran.err) == (0, ""), ran
    assert ran.out.startswith("Театр «Маска»: продажи за вт, 24 ноя\n\nВчера: ")
    marts.ran(operator.now - timedelta(minutes=10), "failed", API_DOWN)
    ran = operator.notify("alerts", "--dry-run")
    assert "QTickets не отвечает как должен" in ran.out
    assert list(tmp_path.iterdir()) == []
    operator.set(NOTIFY_DIGEST_URLS=receiver.url())
    operator.quietly("digest")
    assert len(receiver.messages) == 1
