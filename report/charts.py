"""Charts as SVG that needs no script, drawn by Vega-Lite.

Colours are the page's CSS variables, so that one drawing does for light and dark. Nothing is said
by colour alone, and a table beside each chart says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import vl_convert
from markupsafe import Markup

Spec = dict[str, Any]
Daily = Mapping[date, int | Decimal]

_VEGA_LITE = "6.4"
_UNITS = (("млрд ", 10**9), ("млн ", 10**6), ("тыс. ", 10**3), ("", 1))
_LABELS_UP_TO = 1000  # a longer number is wider than its bar

_CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    # Vega's words for who cannot see are English; the page has Russian ones
    "mark": {"aria": False},
    "axis": {
        "aria": False,
        "labelColor": "var(--muted)",
        "domainColor": "var(--line)",
        "gridColor": "var(--line)",
        "labelFontSize": 11,
        "ticks": False,
        "labelPadding": 6,
        "title": None,
    },
    "text": {"aria": False, "color": "var(--ink)", "fontSize": 11},
}
# the last day is not over yet: an outline
_BAR: Spec = {
    "type": "bar",
    "cornerRadiusEnd": 2,
    "stroke": "var(--bar)",
    "strokeWidth": 1,
    "color": "var(--bar)",
}
_UNFINISHED: Spec = {
    "condition": {"test": "datum.last", "value": "var(--bar-unfinished)"},
    "value": "var(--bar)",
}


def tickets(days: Sequence[date], sold: Daily, names: Sequence[str]) -> Markup:
    """Draw the tickets of each day, with the number on each bar. `names` are the days' labels."""
    rows = _rows(days, sold, names)
    most = max(row["value"] for row in rows)
    height = _y(None if most < _LABELS_UP_TO else {"format": ",d", "tickCount": 4, "minExtent": 38})
    layers: list[Spec] = [{"mark": _BAR, "encoding": {"fill": _UNFINISHED}}]
    if most < _LABELS_UP_TO:
        text = {"field": "value", "format": ",d"}
        layers.append({"mark": {"type": "text", "dy": -7}, "encoding": {"text": text}})
    return _svg(rows, {"x": _x(), "y": height}, layers, 330, 150)


def money(days: Sequence[date], revenue: Daily, names: Sequence[str]) -> tuple[str, Markup]:
    """Draw the money of each day, in one currency. Also return the unit of the axis: «тыс. »."""
    rows = _rows(days, revenue, names)
    most = max(row["value"] for row in rows)
    unit, divisor = next(unit for unit in _UNITS if most >= 2 * unit[1] or unit[1] == 1)
    axis = {
        "tickCount": 4,
        "minExtent": 38,  # the browser's font may be wider than the one measured here
        "labelExpr": f"format(datum.value / {divisor}, ',')",
    }
    layers: list[Spec] = [{"mark": _BAR, "encoding": {"fill": _UNFINISHED}}]
    return unit, _svg(rows, {"x": _x(), "y": _y(axis)}, layers, 292, 150)


def small(days: Sequence[date], sold: Daily, names: Sequence[str], most: int) -> Markup:
    """Draw the tickets of each day in little room, on a scale up to `most` that others share."""
    rows = _rows(days, sold, names)
    best = max(row["value"] for row in rows)
    first, last = rows[0]["day"], rows[-1]["day"]
    x = _x(
        values=[first, last],
        labelAlign={
            "condition": {"test": f"datum.value == '{first}'", "value": "left"},
            "value": "right",
        },
        labelExpr="datum.label",
        labelOffset={
            "condition": {"test": f"datum.value == '{first}'", "value": -5},
            "value": 5,
        },
    )
    peak: Spec = {
        "transform": [{"filter": f"datum.value == {best} && datum.value > 0"}],
        "mark": {"type": "text", "dy": -7},
        "encoding": {"text": {"field": "value", "format": ",d"}},
    }
    layers = [{"mark": _BAR, "encoding": {"fill": _UNFINISHED}}, peak]
    y = _y(None) | {"scale": {"domain": [0, 1.35 * max(most, 1)]}}  # room for the number on top
    return _svg(rows, {"x": x, "y": y}, layers, 150, 60)


def _rows(days: Sequence[date], values: Daily, names: Sequence[str]) -> list[Spec]:
    """Return the bars: a day without a row sold nothing."""
    return [
        {"day": name, "value": float(values.get(day, 0)), "last": day == days[-1]}
        for day, name in zip(days, names, strict=True)
    ]


def _x(**axis: Any) -> Spec:
    labels = {"labelAngle": 0, "labelExpr": "split(datum.label, '|')", "labelOverlap": False}
    return {
        "field": "day",
        "type": "ordinal",
        "sort": None,
        "axis": labels | axis,
        "scale": {"paddingInner": 0.25, "paddingOuter": 0.1},
    }


def _y(axis: Spec | None) -> Spec:
    return {"field": "value", "type": "quantitative", "axis": axis and {"domain": False, **axis}}


def _svg(rows: list[Spec], encoding: Spec, layers: list[Spec], width: int, height: int) -> Markup:
    spec = {
        "data": {"values": rows},
        "width": width,
        "height": height,
        "padding": {"left": 2, "right": 2, "top": 8, "bottom": 2},
        "encoding": encoding,
        "layer": layers,
        "config": _CONFIG,
    }
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, format_locale="ru-RU")
    return Markup(svg)  # noqa: S704  # Vega escapes texts, and here are none but ours
