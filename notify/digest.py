"""The digest for managers: yesterday in Moscow, from the marts, once a day to each destination."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from notify import deliver, state
from notify.incidents import ZONE
from notify.settings import Failures, Settings
from notify.texts import LIMIT, Rows, show, sql
from reader import Reader
from report import words

_MOST_SHOWS = 6
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows of the queries of these names, as of one instant."""

    now: datetime
    sales: Rows
    plan: Rows
    events: Rows
    refunds: Rows
    freshness: Rows
    forecast: Rows

    @property
    def yesterday(self) -> date:
        """Return the day that the digest is about."""
        return _yesterday(self.now)


def run(settings: Settings, now: datetime, *, is_dry: bool) -> Failures:
    """Send the digest of today to whom it was not sent today, and return what went wrong.

    Raises ReaderError.
    """
    to, failures = deliver.destinations("NOTIFY_DIGEST_URLS", settings.get("NOTIFY_DIGEST_URLS"))
    if is_dry:
        with Reader(settings.env) as reader:
            show(*message(read(reader, now), settings))
    if is_dry or not to:
        return failures
    with state.opened(settings.state_path, None) as memory:
        if not any(_is_due(memory, one, now) for one in to):
            return failures  # without asking ClickHouse each hour
    with Reader(settings.env) as reader, state.opened(settings.state_path, reader) as memory:
        figures = read(reader, now)
        for one in [one for one in to if _is_due(memory, one, now)]:
            last = memory.of(one.id, now).get("digest")
            unsent = _unsent(reader, last.told_at if last else None, figures.yesterday)
            failed = deliver.send(one, *message(figures, settings, unsent))
            if not failed:
                told = state.Memory("digest", last.since if last else now, now, is_open=False)
                memory.save(one.id, {"digest": told})
            failures += failed
    return failures


def read(reader: Reader, now: datetime) -> Figures:
    """Ask for all figures. Raises ReaderError."""
    yesterday = _yesterday(now)
    names = ("sales", "plan", "events", "refunds", "freshness")
    rows = {name: reader.rows(sql(name), yesterday=yesterday) for name in names}
    milliseconds = round(now.timestamp() * 1000)
    forecast = reader.rows(sql("forecast"), now=milliseconds)
    return Figures(now=now, forecast=forecast, **rows)


def message(figures: Figures, settings: Settings, unsent: str = "") -> tuple[str, str]:
    """Return title and text. `unsent`: what to say of digests that did not get through."""
    day = f"{words.weekday(figures.yesterday)}, {words.day(figures.yesterday)}"
    title = f"{settings.organiser}: продажи за {day}" if settings.organiser else f"Продажи за {day}"
    parts = [
        _yesterday_part(figures),
        _month_part(figures),
        _events_part(figures.events),
        _forecast_part(figures.forecast),
        unsent,
        _data_part(figures),
        f"Подробнее: {settings.report_url}" if settings.report_url else "",
    ]
    return title, "\n\n".join(part for part in parts if part)[:LIMIT]


def _yesterday_part(figures: Figures) -> str:
    sold, before = _sold(figures.sales, "yesterday"), _sold(figures.sales, "week_before")
    day = figures.yesterday - timedelta(days=7)
    week_before = f"{words.weekday(day)} {words.day(day)}"
    lines = [
        _warning(figures),
        f"Вчера: {sold}",
        f"Неделю назад, {week_before}: {before}{_change(figures.sales)}",
        *_plan(figures.plan, "yesterday"),
    ]
    for row in figures.refunds:
        tickets = words.count(row["tickets"], "билет", "билета", "билетов")
        lines.append(f"Вернули: {tickets} на {_money(row['amount'], row['currency'])}")
    return _lines(lines if figures.refunds else [*lines, "Возвратов не было"])


def _month_part(figures: Figures) -> str:
    last = figures.yesterday
    name = words.month(last).capitalize()
    is_whole = (last + timedelta(days=1)).day == 1
    days = f", 1\N{EN DASH}{last.day}" if last.day > 1 else ", 1-е"
    heading = f"{name}{' целиком' if is_whole else days}: {_sold(figures.sales, 'month')}"
    return _lines([heading, *_plan(figures.plan, "month")])


def _events_part(events: Rows) -> str:
    if not events:
        return ""
    lines = ["Больше всех вчера:"]
    for place, row in enumerate(events, start=1):
        name = _name(words.event(row["event_name"], row["event_id"]))
        tickets = words.count(row["tickets_sold"], "билет", "билета", "билетов")
        city = "" if row["city"] == "unknown" else f" ({row['city']})"
        lines.append(f"{place}. {name}{city}: {_money(row['revenue'], row['currency'])}, {tickets}")
    return _lines(lines)


def _forecast_part(shows: Rows) -> str:
    """Say which shows will sell out, and which fall behind; nothing when there is none."""
    lines = []
    for will_sell_out, heading in (
        (True, "По прогнозу распродадутся:"),
        (False, "Отстают от прогноза:"),
    ):
        rows = [row for row in shows if bool(row["will_sell_out"]) == will_sell_out]
        lines += [heading] if rows else []
        for row in rows[:_MOST_SHOWS]:
            starts_at = words.instant(row["starts_at"].astimezone(ZONE))
            sold = f"продано {words.number(row['tickets_sold'])}"
            of = f" из {words.number(row['tickets_total'])}" if row["tickets_total"] else ""
            expected = row["tickets_expected"]
            is_told = expected is not None and not will_sell_out
            later = f", будет около {words.number(expected)}" if is_told else ""
            lines.append(f"• {_name(row['event_name'])}, {starts_at}: {sold}{of}{later}")
        if len(rows) > _MOST_SHOWS:
            lines.append(f"• и ещё {len(rows) - _MOST_SHOWS}")
    return _lines(lines)


def _data_part(figures: Figures) -> str:
    (state_of,) = figures.freshness
    verified_at = state_of["verified_at"]
    if verified_at is None:
        return "Данные ещё ни разу не загружались целиком."
    when = _instant(verified_at, figures.now)
    complete = "" if state_of["is_complete"] else ", загружено не всё"
    return f"Данные сверены с QTickets {when}{complete}."


def _warning(figures: Figures) -> str:
    """Say that yesterday is not whole: orders were last read before it ended."""
    (state_of,) = figures.freshness
    verified_at = state_of["orders_verified_at"]
    midnight = datetime.combine(figures.now.astimezone(ZONE).date(), datetime.min.time(), ZONE)
    if verified_at is not None and verified_at >= midnight:
        return ""
    return "⚠ Вчерашний день загружен не целиком: числа могут вырасти."


def _unsent(reader: Reader, told_at: datetime | None, yesterday: date) -> str:
    """Say what was sold on the days of the digests that did not get through, if there are any."""
    if told_at is None:
        return ""
    first, last = told_at.astimezone(ZONE).date(), yesterday - timedelta(days=1)
    if first > last:
        return ""
    rows = reader.rows(sql("unsent"), first=first, last=last)
    days = (
        words.day(first) if first == last else f"{words.day(first)} \N{EN DASH} {words.day(last)}"
    )
    return f"Сводка за {days} не дошла. Тогда: {_sold_of(rows)}."


def _is_due(memory: state.State, to: deliver.Destination, now: datetime) -> bool:
    told = memory.of(to.id, now).get("digest")
    if told is None or told.told_at is None:
        return True
    return told.told_at.astimezone(ZONE).date() < now.astimezone(ZONE).date()


def _plan(rows: Rows, period: str) -> Iterable[str]:
    for row in rows:
        if row["period"] == period and row["revenue_planned"] > 0:
            share = row["revenue_of_plan"] / row["revenue_planned"]
            done, planned = (
                _money(row[name], row["currency"])
                for name in ("revenue_of_plan", "revenue_planned")
            )
            yield f"План: {words.percent(float(share))} ({done} из {planned})"
        elif row["period"] == period and row["tickets_planned"] > 0:
            planned = words.count(row["tickets_planned"], "билета", "билетов", "билетов")
            share = row["tickets_of_plan"] / row["tickets_planned"]
            done = words.number(row["tickets_of_plan"])
            yield f"План: {words.percent(share)} ({done} из {planned})"


def _sold(rows: Rows, period: str) -> str:
    return _sold_of([row for row in rows if row["period"] == period])


def _sold_of(rows: Rows) -> str:
    """«12 билетов на 34 500 ₽ и 20 €», or that there was nothing."""
    if not rows:
        return "ничего не продано"
    tickets = words.count(rows[0]["tickets_of_period"], "билет", "билета", "билетов")
    return f"{tickets} на {' и '.join(_money(row['revenue'], row['currency']) for row in rows)}"


def _change(rows: Rows) -> str:
    """« — теперь на 12 % больше»: of revenue, where both days have the same one currency."""
    now, then = (
        [row for row in rows if row["period"] == name] for name in ("yesterday", "week_before")
    )
    currencies = {row["currency"] for row in now + then}
    if len(currencies) != 1 or not now or not then or then[0]["revenue"] <= 0:
        return ""
    change = round(100 * float(now[0]["revenue"] / then[0]["revenue"] - 1))
    if change == 0:
        return " — столько же"
    share = words.percent(abs(change) / 100)
    return f" — теперь на {share} {'больше' if change > 0 else 'меньше'}"


def _money(amount: Decimal, currency: str) -> str:
    """Whole amounts without kopecks: they are the rule, and a phone is narrow."""
    return words.money(amount, currency).replace(",00\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")


def _name(text: str) -> str:
    """A name in one line, without signs that move or hide others, and not too long."""
    clean = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return clean if len(clean) <= _NAME_LENGTH else f"{clean[: _NAME_LENGTH - 1].rstrip()}…"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(line for line in lines if line)


def _instant(moment: datetime, now: datetime) -> str:
    local = moment.astimezone(ZONE)
    today = now.astimezone(ZONE).date()
    return f"сегодня в {local:%H:%M}" if local.date() == today else words.instant(local)


def _yesterday(now: datetime) -> date:
    return now.astimezone(ZONE).date() - timedelta(days=1)
