"""Charts as inline SVG that needs no script: bars by day, curves of a show, hours of a week.

Colours are the page's CSS variables, so that one drawing does for light and dark. Nothing is said
by colour alone, and a text or a table beside each chart says the same. All texts are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import ceil

from markupsafe import Markup

from report import words

Number = int | float | Decimal
Points = Sequence[tuple[Number, Number]]

_UNITS = (("млрд ", 10**9), ("млн ", 10**6), ("тыс. ", 10**3), ("", 1))
_LABELS_UP_TO = 1000  # a longer number is wider than its bar


def unit(most: Number) -> tuple[str, int]:
    """Return the unit of an axis up to `most`, and what to divide by: «тыс. », 1000."""
    return next(unit for unit in _UNITS if most >= 2 * unit[1] or unit[1] == 1)


def ticks(most: Number, count: int = 4) -> list[int]:
    """Return whole round numbers from 0 on, at most `count` above it, up to `most` or more."""
    steps = (digit * 10**power for power in range(30) for digit in (1, 2, 5))
    step = next(step for step in steps if step * count >= most)
    return [n * step for n in range(max(ceil(most / step), 1) + 1)]


def bars(
    days: Sequence[date], values: Mapping[date, Number], *, always_axis: bool = False
) -> Markup:
    """Draw a value a day, with numbers on bars, or an axis when they are too long.

    The last day is not over yet: an outline. A day without a value sold nothing.
    """
    width, top, base = 340.0, 14.0, 144.0
    most = max((values.get(day, 0) for day in days), default=0)
    shown = [float(values.get(day, 0)) for day in days]
    labelled = most < _LABELS_UP_TO and not always_axis
    parts: list[str] = []
    left, peak = 0.0, float(max(most, 1))
    if not labelled:
        left = 34
        _, divisor = unit(most)
        scale = ticks(float(most) / divisor)
        peak = scale[-1] * divisor
        for tick in scale:
            y = base - (base - top) * tick * divisor / peak
            parts += [_line(left, y, width, y), _text(left - 5, y + 4, str(tick), "end")]
    else:
        parts.append(_line(0, base, width, base))
    step = (width - left) / len(days)
    for n, (day, value) in enumerate(zip(days, shown, strict=True)):
        x, height = left + n * step, max((base - top) * value / peak, 0)
        kind = "unfinished" if n == len(days) - 1 else "bar"
        parts.append(_bar(x + step * 0.12, base - height, step * 0.76, height, kind))
        middle = x + step / 2
        if labelled:
            parts.append(_text(middle, base - height - 4, words.number(int(value)), kind="value"))
        parts.append(_text(middle, base + 14, str(day.day)))
        parts.append(_text(middle, base + 27, words.weekday(day)))
    return _svg(width, base + 31, parts)


def small(days: Sequence[date], values: Mapping[date, Number]) -> Markup:
    """Draw a value a day in little room, on a scale of its own: the best day has its number."""
    width, top, base = 160.0, 16.0, 66.0
    shown = [int(values.get(day, 0)) for day in days]
    most = max(shown)
    step = width / len(days)
    parts = [_line(0, base, width, base)]
    best = shown.index(most)
    for n, value in enumerate(shown):
        height = (base - top) * max(value, 0) / max(most, 1)
        kind = "unfinished" if n == len(days) - 1 else "bar"
        parts.append(_bar(n * step + step * 0.1, base - height, step * 0.8, height, kind))
        if n == best and most > 0:
            middle = min(max((n + 0.5) * step, 10), width - 10)
            parts.append(_text(middle, base - height - 4, words.number(value), kind="value"))
    parts.append(_text(0, base + 14, words.day(days[0]), "start"))
    parts.append(_text(width, base + 14, words.day(days[-1]), "end"))
    return _svg(width, base + 18, parts)


def curve(
    sold: Points,
    past: Sequence[tuple[Number, Number, Number, Number]],
    forecast: tuple[Number | None, Number, Number] | None,
) -> Markup:
    """Draw tickets so far by days before a show, from four weeks before it to its day.

    `sold` is (days before, tickets); `past` (days before, low, median, high) of finished shows;
    `forecast` (expected or None, low, high) of the final number.
    """
    width, left, right, top, base = 300.0, 30.0, 290.0, 12.0, 124.0
    most = max(
        [float(tickets) for _, tickets in sold]
        + [float(row[3]) for row in past]
        + ([float(max(forecast[0] or 0, forecast[2]))] if forecast else []),
        default=1.0,
    )
    scale = ticks(max(most, 1), 3)

    def x(days: Number) -> float:
        return right - (right - left) * float(days) / 28

    def y(tickets: Number) -> float:
        return base - (base - top) * float(tickets) / scale[-1]

    parts = [
        part
        for tick in scale
        for part in (
            _line(left, y(tick), right, y(tick)),
            _text(left - 5, y(tick) + 4, words.number(tick), "end"),
        )
    ]
    for days, label, anchor in (
        (28, "−28 дней", "start"),
        (14, "−14", "middle"),
        (0, "показ", "end"),
    ):
        parts.append(_text(x(days), base + 15, label, anchor))
    if past:
        edge = [(x(d), y(high)) for d, _, _, high in past]
        edge += [(x(d), y(low)) for d, low, _, _ in reversed(past)]
        parts.append(f'<path class="band" d="{_path(edge)}Z"/>')
        parts.append(f'<path class="middle" d="{_path((x(d), y(m)) for d, _, m, _ in past)}"/>')
    if sold:
        parts.append(f'<path class="sold" d="{_path((x(d), y(n)) for d, n in sold)}"/>')
        parts.append(
            f'<circle class="dot" cx="{x(sold[-1][0]):.1f}" cy="{y(sold[-1][1]):.1f}" r="4"/>'
        )
    if forecast:
        expected, low, high = forecast
        parts.append(f'<path class="range" d="M{right:g} {y(low):.1f}V{y(high):.1f}"/>')
        if expected is not None:
            parts.append(f'<circle class="aim" cx="{right:g}" cy="{y(expected):.1f}" r="4"/>')
    return _svg(width, base + 20, parts)


def week(tickets: Mapping[tuple[int, int], int]) -> Markup:
    """Draw the tickets of each weekday (1 is Monday) and hour: the more, the stronger."""
    cell, left = 14, 22
    most = max(tickets.values(), default=0) or 1
    parts = []
    for row, name in enumerate(words.WEEKDAYS):
        parts.append(_text(left - 5, row * cell + 11, name, "end"))
        for hour in range(24):
            share = tickets.get((row + 1, hour), 0) / most
            parts.append(
                f'<rect class="hour" x="{left + hour * cell}" y="{row * cell}" width="13"'
                f' height="13" rx="2" fill-opacity="{0.06 + 0.94 * share:.2f}"/>'
            )
    parts += [_text(left + h * cell + 7, 7 * cell + 12, str(h)) for h in range(0, 24, 3)]
    return _svg(left + 24 * cell, 7 * cell + 16, parts)


def _path(points: Sequence[tuple[float, float]] | Iterator[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="line" d="M{x1:g} {y1:.1f}L{x2:g} {y2:.1f}"/>'


def _bar(x: float, y: float, width: float, height: float, kind: str) -> str:
    if height <= 0:
        return ""
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        ' rx="1.5"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", kind: str = "") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> Markup:
    inside = "".join(parts)
    return Markup(f'<svg viewBox="0 0 {width:g} {height:g}" aria-hidden="true">{inside}</svg>')  # noqa: S704
