"""What is made of the extractor's messages, of dbt's results, and of settings."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from notify import deliver, digest, settings, texts, watch
from notify.deliver import destinations
from reader import ReaderError, environment
from tests.zakaz import ROOT

NOW = datetime(2026, 11, 25, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [
        ("failed", "GET /orders: 503: the API has a fault.", "api"),
        ("failed", "GET /events: 502 BAD_GATEWAY: the API has a fault.", "api"),
        ("failed", "GET /orders: timed out (ReadTimeout, qtickets.ru).", "api"),
        ("failed", "GET /orders: 429: too many requests.", "api"),
        ("failed", "GET /orders: cannot connect to qtickets.ru:443.", "api"),
        (
            "failed",
            "GET /orders: a page of 3 rows where 401 were due (total 401, 200 a page).",
            "api",
        ),
        (
            "failed",
            "GET /orders: 401: the API refuses the token. Check QTICKETS_API_TOKEN.",
            "token",
        ),
        ("failed", "GET /orders: 403 FORBIDDEN: the API refuses the token.", "token"),
        ("failed", "GET /orders: 404: no such path. Check QTICKETS_BASE_URL.", "url"),
        ("failed", "GET /orders: the certificate of qtickets.ru is not trusted: expired.", "tls"),
        ("failed", "ClickHouse (db:8123): no answer: Connection refused.", "clickhouse"),
        (
            "unverified",
            "the API says 401, 390 are landed, and reading again did not settle it.",
            "unverified",
        ),
        ("unproven", "read 9 of 10", "unverified"),
        (
            "unverified",
            "the API no longer lists 90 of 100 orders that are landed, and nothing was marked as"
            " deleted. Is QTICKETS_API_TOKEN that of the same organiser? If they were deleted"
            " indeed, run once with --accept-deletions.",
            "deletions",
        ),
    ],
)
def test_a_message_of_the_extractor_has_one_cause(status: str, error: str, cause: str) -> None:
    assert watch._cause(status, error)[0] == cause


def test_the_same_unknown_fault_elsewhere_is_no_other_cause() -> None:
    one = watch._cause("failed", "row 4711 of /srv/a.json is odd")
    assert one == watch._cause("failed", "row 12 of /srv/b.json is odd")
    assert one[0] != watch._cause("failed", "the disk is full")[0]
    assert watch._cause("failed", "")[0] == "unknown"


def test_dbts_tests_that_say_what_the_run_log_says_are_there() -> None:
    for name in watch._SAID_ALREADY:
        assert (ROOT / "tests" / "dbt" / f"{name}.sql").is_file()


def test_results_that_nobody_can_read_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run_results.json"
    for text in (None, "", "[]", '{"args": {}}', '{"metadata": 1, "args": 2, "results": [3]}'):
        if text is not None:
            path.write_text(text)
        seen = watch.in_run_results(path, NOW)
        assert (seen.problems, seen.known) == ([], set())


def test_how_long_it_lasted() -> None:
    said = {
        minutes: texts.lasted(NOW - timedelta(minutes=minutes), NOW).replace("\xa0", " ")
        for minutes in (0, 1, 60, 370, 24 * 60, 51 * 60 + 5, -5)
    }
    assert said == {
        0: "меньше минуты",
        1: "1 мин",
        60: "1 ч",
        370: "6 ч 10 мин",
        1440: "1 день",
        3065: "2 дня 3 ч",
        -5: "меньше минуты",
    }


def test_urls_are_divided_where_the_next_one_begins() -> None:
    urls = "json://a,mailto://u:p@example.org?to=a@example.org,b@example.org\n json://b, json://a"
    to, wrong = destinations("NOTIFY_ALERT_URLS", urls)
    assert not wrong
    assert [one.url for one in to] == [
        "json://a",
        "mailto://u:p@example.org?to=a@example.org,b@example.org",
        "json://b",
    ]
    assert len({one.id for one in to}) == 3
    assert destinations("NOTIFY_ALERT_URLS", " ,\n") == ([], [])


def test_the_env_file_is_read_as_a_shell_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "env"
    path.write_text(
        "# a comment\nNOTIFY_ALERT_URLS='mailto://u:p@h?a=b&c=d'\n"
        'ORGANISER_NAME="Театр «Маска»"\n'
        "CLICKHOUSE_HOST=\nCLICKHOUSE_DATABASE=mine\nCLICKHOUSE_PORT=8123\n"
    )
    monkeypatch.setenv("CLICKHOUSE_PORT", "8443")
    env = environment(path)
    assert env["NOTIFY_ALERT_URLS"] == "mailto://u:p@h?a=b&c=d"
    assert env["ORGANISER_NAME"] == "Театр «Маска»"
    assert "CLICKHOUSE_HOST" not in env
    assert (env["CLICKHOUSE_DATABASE"], env["CLICKHOUSE_PORT"]) == ("mine", "8443")
    for text, says in ((None, "No such file"), (b"\xff=1", "not a text file in UTF-8")):
        path.unlink(missing_ok=True)
        if text:
            path.write_bytes(text)
        with pytest.raises(ReaderError, match=f"env: {says}"):
            environment(path)


def test_the_example_explains_every_setting() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#NOTIFY_([A-Z_]+)=", example, re.MULTILINE))
    assert named == settings._KNOWN
    assert "\n#ORGANISER_NAME=" in example


def test_in_telegram_the_longest_digest_fits_and_names_are_no_markup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "Иллюзии & <b>чудеса</b>\u202e " * 30
    many = 987_654_321
    rows = [
        {
            "period": period,
            "currency": currency,
            "tickets_of_period": many,
            "revenue": Decimal(many),
            "revenue_planned": Decimal(many),
            "revenue_of_plan": Decimal(many),
            "tickets": many,
            "amount": Decimal(many),
        }
        for period in ("yesterday", "week_before", "month")
        for currency in ("RUB", "EUR")
    ]
    event = {"event_id": 1, "event_name": name, "city": "Петропавловск-Камчатский"}
    sold = {"tickets_sold": many, "revenue": Decimal(many), "currency": "RUB"}
    show = {"event_name": name, "starts_at": NOW, "tickets_sold": many, "tickets_total": many}
    figures = digest.Figures(
        now=NOW,
        sales=rows,
        plan=rows,
        events=[event | sold] * 5,
        refunds=rows[:2],
        freshness=[{"verified_at": None, "orders_verified_at": None, "is_complete": False}],
        forecast=[
            show | {"will_sell_out": out, "tickets_expected": many}
            for out in (True, False)
            for _ in range(20)
        ],
    )
    env = {"NOTIFY_REPORT_URL": f"https://example.org/{'x' * 100}", "ORGANISER_NAME": "Т" * 300}
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    title, text = digest.message(figures, settings.load(None), "Сводка не дошла. " * 4)
    assert text.endswith("x")  # nothing was cut off

    posted: list[str] = []

    def post(self: object, method: str, url: str, **more: Any) -> requests.Response:
        posted.append(json.loads(more["data"])["text"])
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"ok": true}'
        return response

    monkeypatch.setattr(requests.Session, "request", post)
    ((to,), _) = destinations("NOTIFY_DIGEST_URLS", f"tgram://123456789:{'A' * 35}/-1001")
    assert deliver.send(to, title, text) == []
    (sent,) = posted
    assert "Иллюзии &amp; &lt;b&gt;чудеса&lt;/b&gt;" in sent
    assert "\u202e" not in sent
    assert len(html.unescape(sent)) < 4096
