"""What is wrong: the run log and the marts' freshness in ClickHouse, and dbt's last run results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from notify.incidents import Problem, area_of
from notify.state import Memory
from notify.texts import Rows, and_more, lasted, resource_names, sql, when
from reader import Reader, ReaderError

_SKEW = timedelta(hours=1)
_FIRST_BUILD = timedelta(hours=1)  # it may take that long
_VERIFIED = ("verified", "proven")  # the second in rows of version 1, as `unproven`
_FAILED = ("failed", "unverified", "unproven")
# extract and dbt exit with these when nothing is wrong: done, another run goes on, stopped by hand
_FINE = ("0", "6", "130", "143", "INT", "TERM")
_STANDS_STILL = ("extract/never", "extract/stale", "extract/missing")
# these say in dbt's words what the run log says here
_SAID_ALREADY = ("assert_runs_are_fresh", "assert_nothing_is_missing")

# cause, how its message is known, heading, what to do; the first that fits
_CAUSES = (
    (
        "deletions",
        "accept-deletions",
        "Из QTickets разом пропало слишком многое",
        "проверить, не другого ли организатора этот токен. Пока ничего не помечено удалённым."
        " Если удаляли сами, запустить один раз с --accept-deletions.",
    ),
    (
        "token",
        r": 40[13]\b|refuses the token|unauthori[sz]ed",
        "QTickets не принимает токен",
        "проверить QTICKETS_API_TOKEN в файле настроек.",
    ),
    (
        "url",
        "QTICKETS_BASE_URL",
        "По адресу QTickets отвечает что-то другое",
        "проверить QTICKETS_BASE_URL в файле настроек.",
    ),
    (
        "tls",
        r"certificate|\bTLS\b|\bSSL",
        "Не удаётся защищённое соединение с QTickets",
        "проверить сертификаты, часы и прокси этой машины.",
    ),
    (
        "clickhouse",
        "clickhouse",
        "Загрузка не смогла записать данные в ClickHouse",
        "устранить причину. Следующий запуск продолжит с того же места.",
    ),
    (
        "api",
        r"^GET /|timed out|too many requests|no answer|cannot connect",
        "QTickets не отвечает как должен",
        "подождать. Следующий запуск продолжит с того же места; если это надолго, спросить"
        " QTickets.",
    ),
)
_UNVERIFIED = (
    "unverified",
    "Загруженное не сошлось с QTickets",
    "подождать. Следующий запуск сверит ещё раз; если повторяется, запустить с --full.",
)
_OTHER = ("Загрузка не удалась", "посмотреть причину; что значит код выхода, сказано в README.md.")
_CLICKHOUSE = {
    "unreachable": ("ClickHouse не отвечает", "проверить, что он запущен и доступен по сети."),
    "tls": ("Не удаётся защищённое соединение с ClickHouse", "проверить сертификат и порт."),
    "password": ("ClickHouse не принимает пароль", "проверить CLICKHOUSE_USER и его пароль."),
    "permission": ("В ClickHouse не хватает прав", "сверить права с deploy/clickhouse."),
    "missing": ("В ClickHouse ещё нет данных", "запустить python -m extract, потом dbt build."),
    "settings": ("Ошибка в настройках ClickHouse", "исправить названную настройку."),
    "failed": ("ClickHouse отвечает ошибкой", "устранить причину, она названа выше."),
}
_ROWS = "посмотреть журнал dbt, в нём строки; о самой проверке — на сайте документации."
_JOURNAL = "посмотреть журнал: journalctl или почту cron."
_EXITS = {
    ("extract", "2"): "Загрузка не началась из-за ошибки в настройках",
    ("extract", ""): "Загрузка закончилась ошибкой, код {code}",
    ("build", "2"): "dbt не смог начать",
    ("build", ""): "dbt закончился ошибкой, код {code}",
    ("site", ""): "Отчёт и документация не обновились, код {code}",
}


@dataclass(slots=True)
class Seen:
    """What was found. `known`: the areas that could be looked at. `newest`: by area, as of when."""

    problems: list[Problem] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    newest: dict[str, datetime] = field(default_factory=dict)

    def add(self, other: Seen) -> None:
        """Take in what was found elsewhere."""
        self.problems += other.problems
        self.known |= other.known
        self.newest |= other.newest


def unreadable(error: ReaderError) -> Problem:
    """Return what it means that ClickHouse could not be read."""
    heading, todo = _CLICKHOUSE.get(error.kind, _CLICKHOUSE["failed"])
    return Problem(f"clickhouse/{error.kind}", heading, todo, (f"Причина: {error}",))


def in_clickhouse(reader: Reader, fresh_hours: float, now: datetime) -> Seen:
    """Look at the run log and at the marts. Raises ReaderError."""
    seen = Seen(known={"clickhouse", "extract", "marts"})
    tables = reader.tables()
    quality = reader.rows(sql("quality")) if "v_data_quality" in tables else None
    runs: Rows = []
    if "meta_job_runs" in tables:
        latest = round((now + _SKEW).timestamp() * 1000)
        runs = [row for row in reader.rows(sql("runs"), latest=latest) if _counts(row, now)]
    if runs:
        seen.newest["extract"] = max(row["started_at"] for row in runs)
    tracked = {row["resource"] for row in quality or runs}
    runs = [row for row in runs if row["resource"] in tracked]
    verified = _verified(runs, quality or [], now)
    limit = timedelta(hours=fresh_hours)
    seen.problems += _of_runs(runs, tracked, verified, limit, now) or _missing(quality or [])
    if quality is not None:
        seen.problems += _behind(quality, verified, limit)
    elif runs and now - min(row["finished_at"] for row in runs) > _FIRST_BUILD:
        heading = "Витрины ещё не построены"
        seen.problems.append(Problem("marts/missing", heading, "запустить dbt build."))
    return seen


def _of_runs(
    runs: Rows, tracked: set[str], verified: Mapping[str, datetime], limit: timedelta, now: datetime
) -> list[Problem]:
    """Return what the last runs say, or else that there was none for too long."""
    if not tracked:
        return [Problem("extract/never", *_CLICKHOUSE["missing"])]
    newest: dict[str, Any] = {}
    for row in runs:
        newest.setdefault(row["resource"], row)
    stale = sorted(name for name in tracked if name not in verified or now - verified[name] > limit)
    failed = _failed(list(newest.values()))
    return failed or ([_stale(stale, verified, now)] if stale else [])


def _behind(quality: Rows, verified: Mapping[str, datetime], limit: timedelta) -> list[Problem]:
    built = [row["last_proven_at"] for row in quality if row["last_proven_at"]]
    if not built or max(verified.values(), default=max(built)) - max(built) <= limit:
        return []
    detail = f"В них данные на {when(max(built))}, а загружены на {when(max(verified.values()))}."
    todo = "проверить, запускается ли dbt build и что говорит его журнал."
    return [Problem("marts/behind", "Витрины не обновляются", todo, (detail,))]


def _counts(row: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a row of the run log is the end of a run over everything."""
    mode = row.get("mode") or {"changes": "incremental", "all": "full", "snapshot": "full"}.get(
        row.get("lane", ""), "part"
    )
    finished_at = row["finished_at"]
    return (
        mode in ("incremental", "full")
        and row["status"] in (*_VERIFIED, *_FAILED)
        and finished_at is not None
        and finished_at < now + _SKEW
    )


def _verified(runs: Rows, quality: Rows, now: datetime) -> dict[str, datetime]:
    """Return when each resource was last compared with the API, completely."""
    found = [(row["resource"], row["finished_at"]) for row in runs if row["status"] in _VERIFIED]
    found += [(row["resource"], row["last_proven_at"]) for row in quality if row["last_proven_at"]]
    return {
        name: instant
        for name, instant in sorted(found, key=lambda pair: pair[1])
        if instant < now + _SKEW
    }


def _failed(newest: Rows) -> list[Problem]:
    """Return a problem for each cause, with all the resources that have it."""
    failed = {row["resource"]: (row["status"], row["error"]) for row in newest}
    failed = {name: said for name, said in failed.items() if said[0] in _FAILED}
    if "events" in failed and "inventory" in failed:
        # which shows there are is not known then: no fault of its own
        failed["inventory"] = failed["events"]
    grouped: dict[str, tuple[str, str, list[str], str]] = {}
    for name, (status, error) in failed.items():
        cause, heading, todo = _cause(status, error)
        grouped.setdefault(cause, (heading, todo, [], error))[2].append(name)
    return [
        Problem(
            f"extract/{cause}",
            heading,
            todo,
            (f"Не загружаются: {resource_names(names)}.", f"Причина: {error}"),
        )
        for cause, (heading, todo, names, error) in grouped.items()
    ]


def _cause(status: str, error: str) -> tuple[str, str, str]:
    for cause, pattern, heading, todo in _CAUSES:
        if re.search(pattern, error, re.IGNORECASE):
            return cause, heading, todo
    if status != "failed":
        return _UNVERIFIED
    # without numbers and paths: the same fault elsewhere is no other cause
    words = re.sub(r"\S*[/\d]\S*", "", error.lower())
    return "-".join(re.findall(r"[a-zа-яё]+", words))[:60] or "unknown", *_OTHER


def _stale(names: Sequence[str], verified: Mapping[str, datetime], now: datetime) -> Problem:
    times = [verified[name] for name in names if name in verified]
    ago = f"{lasted(min(times), now)} назад" if times else "ни разу"
    return Problem(
        "extract/stale",
        "Данные давно не сверялись с QTickets",
        "проверить, запускается ли загрузка: systemctl list-timers или crontab -l.",
        (f"Не сверяются: {resource_names(names)}.", f"Последняя сверка: {ago}."),
    )


def _missing(quality: Rows) -> list[Problem]:
    lacking = {r["resource"]: r["rows_missing"] for r in quality if not r["is_complete"]}
    told = [f"{resource_names([name])} — {rows}" for name, rows in lacking.items() if rows]
    if not told:
        return []
    heading = "Загружено не всё, что есть в QTickets"
    todo = "запустить python -m extract --full, потом dbt build."
    return [Problem("extract/missing", heading, todo, (f"Не хватает: {', '.join(told)}.",))]


def in_run_results(path: Path, now: datetime) -> Seen:
    """Look at dbt's results. Those of a part, or of no build, say nothing of the rest."""
    seen = Seen()
    try:
        read = json.loads(path.read_text("utf-8"))
        args = read["args"]
        results = [(r["unique_id"], r["status"], r["message"] or "") for r in read["results"]]
        generated_at = datetime.fromisoformat(read["metadata"]["generated_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return seen
    is_part = any(args.get(name) for name in ("select", "exclude", "selector"))
    if args.get("which") != "build" or is_part or generated_at > now + _SKEW:
        return seen
    seen.known.add("build")
    seen.newest["build"] = generated_at
    errors = []
    for unique_id, status, message in results:
        name = unique_id.split(".")[2]
        if name in _SAID_ALREADY:
            continue
        if status == "fail":
            heading = f"Проверка данных не прошла: {name}"
            seen.problems.append(Problem(f"build/{name}", heading, _ROWS, (f"dbt: {message}.",)))
        elif status == "warn":
            heading = f"Предупреждение: {name}"
            seen.problems.append(Problem(f"warning/{name}", heading, _ROWS, (f"dbt: {message}.",)))
        elif status in ("error", "runtime error"):
            errors.append((name, " ".join(message.split())))
    if errors:
        code = re.search(r"\bCode: (\d+)", errors[0][1])
        subject = f"build/error-{code[1]}" if code else "build/error"
        heading = f"dbt не построил: {and_more([name for name, _ in errors], 3)}"
        todo = "посмотреть журнал dbt. Что можно было построить, построено."
        seen.problems.append(Problem(subject, heading, todo, (f"Причина: {errors[0][1]}",)))
    return seen


def in_exits(exits: Mapping[str, str], seen: Seen, now: datetime) -> Seen:
    """Return what exit statuses say and nothing else does: a run that could write down nothing."""
    found = Seen(newest=dict.fromkeys(exits, now))
    found.known |= {area for area, code in exits.items() if code == "0" or area == "site"}
    for area, code in exits.items():
        is_in_results = (area, code) == ("build", "1") and "build" in seen.known
        if code not in _FINE and not is_in_results and not _explains(seen.problems, area):
            found.problems.append(_exit_problem(area, code))
    return found


def _explains(problems: Sequence[Problem], area: str) -> bool:
    """Return whether something is known of an area but that it stands still, which is no cause."""
    return any(
        problem.area in (area, "clickhouse") and problem.subject not in _STANDS_STILL
        for problem in problems
    )


def _exit_problem(area: str, code: str) -> Problem:
    heading = _EXITS.get((area, code), _EXITS[area, ""]).format(code=code)
    return Problem(f"{area}/exit-{code}", heading, _JOURNAL)


def with_memory(seen: Seen, memories: Mapping[str, Memory]) -> tuple[list[Problem], set[str]]:
    """Return the problems and the known areas, in the light of what was told before.

    An exit status holds until a later run is seen. What dbt could not build while ClickHouse was
    down is no news when that comes back: only the next build says something.
    """
    problems, known = list(seen.problems), set(seen.known)
    is_open = {subject: memory for subject, memory in memories.items() if memory.is_open}
    for subject, memory in is_open.items():
        match = re.fullmatch(r"(extract|build|site)/exit-(\w+)", subject)
        if match and not _explains(problems, match[1]):
            newest = seen.newest.get(match[1])
            if newest is None or newest < memory.since:
                problems.append(_exit_problem(match[1], match[2]))
    if any(re.match("extract/exit-", problem.subject) for problem in problems):
        problems = [problem for problem in problems if problem.subject not in _STANDS_STILL]
    if any(area_of(subject) == "clickhouse" for subject in is_open):
        problems = [p for p in problems if not p.subject.startswith(("build/error", "build/exit"))]
        known.discard("build")
    return problems, known
