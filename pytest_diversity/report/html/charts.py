"""The plots of the page, as Vega-Lite specifications: plain values, with their data in them.

Colours are variables of the page's style sheet, so that light, dark and print need no new plot.
Whatever a colour says a shape says, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from pytest_diversity.report.curves import Curve
from pytest_diversity.report.html.model import Form, Length, Number, Validity, limits, turned
from pytest_diversity.verdict import Verdict

__all__ = ["Spec", "curve", "form", "interval", "lengths", "shared", "split", "validity"]

Spec: TypeAlias = dict[str, Any]
_DIGITS = 5
_ROW = 26  # pixels for each checkpoint
_STATUS = ("pass", "unclear", "fail", "undefined")
_COLOUR = {
    "domain": list(_STATUS),
    "range": ["var(--pass)", "var(--unclear)", "var(--fail)", "var(--fail)"],
}
_SHAPE = {"domain": list(_STATUS), "range": ["circle", "diamond", "cross", "triangle-up"]}
_MARK = {
    "shape": {"field": "status", "type": "nominal", "scale": _SHAPE, "legend": None},
    "color": {"field": "status", "type": "nominal", "scale": _COLOUR, "legend": None},
}
_BAND = {"type": "rect", "color": "var(--beyond)", "opacity": 1, "clip": True}
_LIMIT = {"type": "tick", "color": "var(--fail)", "thickness": 2, "band": 1}
_CROSS = {"type": "rule", "strokeWidth": 1.5}


def interval(verdicts: Iterable[Verdict], axis: str) -> Spec:
    """The `value` of each checkpoint or its `change`: interval, and what the budget forbids."""
    rows = [row for one in verdicts if (row := _row(one, axis))]
    y = _names(rows)
    x = {"field": "value", "type": "quantitative", "title": None, "scale": _scale(axis)}
    least, most = {**x, "field": "least"}, {**x, "field": "most"}
    layers: list[Spec] = [
        _only("least", {"mark": _BAND, "encoding": {"x": least, "x2": {"value": 0}}}),
        _only("most", {"mark": _BAND, "encoding": {"x": most, "x2": {"value": "width"}}}),
        _only("least", {"mark": _LIMIT, "encoding": {"x": least}}),
        _only("most", {"mark": _LIMIT, "encoding": {"x": most}}),
        *([_zero("x")] if axis == "change" else []),
        _only(
            "low",
            {
                "mark": _CROSS,
                "encoding": {
                    "x": {**x, "field": "low"},
                    "x2": {"field": "high"},
                    "color": _MARK["color"],
                },
            },
        ),
        {"mark": _POINT, "encoding": {"x": x, **_MARK, "tooltip": _tips("name", "value")}},
    ]
    return _chart(rows, layers, {"y": y}, height=_ROW * len(rows))


def split(verdicts: Iterable[Verdict]) -> Spec:
    """Of each effective change what fewer valid answers took, and what less diversity did."""
    rows = [
        {
            "name": one.name,
            "part": part,
            **_numbers(change=mean.value, low=mean.low, high=mean.high),
        }
        for one in verdicts
        for part, numbers in one.split.items()
        if (mean := turned(numbers))
    ]
    y = {**_names(rows), "scale": {"paddingInner": 0.35}}
    parts = ["quality", "narrowing"]
    colour = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": parts, "range": ["var(--one)", "var(--two)"]},
        "legend": {"title": None, "orient": "top", "symbolType": "square"},
    }
    offset = {"field": "part", "scale": {"domain": parts}}
    shared = {"y": y, "yOffset": offset}
    layers = [
        {
            "mark": {"type": "bar", "height": {"band": 0.8}},
            "encoding": {
                "x": {"field": "change", "type": "quantitative", "title": "change"},
                "color": colour,
                "tooltip": _tips("name", "part", "change"),
            },
        },
        _only(
            "low",
            {
                "mark": {**_CROSS, "color": "var(--ink)"},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative"},
                    "x2": {"field": "high"},
                },
            },
        ),
        _zero("x"),
    ]
    return _chart(rows, layers, shared, height=_ROW * len({row["name"] for row in rows}))


def form(one: Form, reach: tuple[float, float]) -> Spec:
    """Form against content: a point for each prompt, and their mean with both intervals."""
    rows = [
        {"prompt": prompt[:80], **_numbers(form=x, content=y)}
        for prompt, (x, y) in one.points.items()
    ]
    x = _axis("form", "change of form (syntactic)", reach[0])
    y = _axis("content", "change of content (effective)", reach[1])
    mean = [{**_mean("form", one.form), **_mean("content", one.content)}]
    layers = [
        _zero("x"),
        _zero("y"),
        {
            "mark": {"type": "point", "size": 34, "filled": True, "opacity": 0.4},
            "encoding": {
                "x": x,
                "y": y,
                "color": {"value": "var(--one)"},
                "tooltip": _tips("prompt", "form", "content"),
            },
        },
        *_crossed(mean, x, y),
    ]
    return _chart(rows, layers, {}, height=240)


def shared(forms: Iterable[Form]) -> tuple[float, float]:
    """How far both axes of all plots of a domain reach, so that they can be compared."""
    points = [point for one in forms for point in one.points.values()]
    return tuple(max((abs(p[i]) for p in points), default=0.1) * 1.05 or 0.1 for i in (0, 1))  # type: ignore[return-value]


def validity(found: Sequence[Validity]) -> Spec:
    """Validity against diversity among valid answers: a point with two intervals a checkpoint."""
    rows = [
        {
            "name": one.checkpoint,
            **_mean("valid", one.valid),
            **_mean("diversity", one.diversity),
        }
        for one in found
        if one.diversity is not None
    ]
    x = {**_field("valid", "pairs of answers that are both valid"), "scale": _PADDED}
    y = {**_field("diversity", "diversity among them"), "scale": _PADDED}
    label = {"type": "text", "align": "left", "dx": 9, "dy": -9, "color": "var(--ink)"}
    layers = [
        *_crossed(rows, x, y),
        {"mark": label, "encoding": {"x": x, "y": y, "text": {"field": "name"}}},
    ]
    return _chart(rows, layers, {}, height=260)


def lengths(found: Sequence[Length]) -> Spec:
    """From the tenth to the ninetieth percentile of the lengths, and their median."""
    rows = [
        {"name": one.checkpoint, "low": one.tenth, "value": one.median, "high": one.ninetieth}
        for one in found
    ]
    unit = found[0].unit if found else ""
    x = {"field": "low", "type": "quantitative", "title": unit, "scale": {"zero": True}}
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "height": 8, "color": "var(--soft)", "cornerRadius": 4},
            "encoding": {"x": x, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "tick", "thickness": 3, "color": "var(--one)"},
            "encoding": {"x": {**x, "field": "value"}, "tooltip": _tips("name", "value")},
        },
    ]
    return _chart(rows, layers, {"y": _names(rows)}, height=_ROW * len(rows))


def curve(one: Curve) -> Spec:
    """A metric by step, with the band of its interval, its level bounds, and its verdicts."""
    rows = [
        {
            "step": point.step,
            "status": point.status if one.judged else "pass",
            **_numbers(value=point.value, low=point.low, high=point.high),
        }
        for point in one.points
        if point.value is not None
    ]
    x = {"field": "step", "type": "quantitative", "title": "step", "scale": {"zero": False}}
    y = {"field": "value", "type": "quantitative", "title": None, "scale": _PADDED}
    band = {"type": "area", "color": "var(--soft)", "opacity": 0.7}
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    levels = [one.limits[name] for name in ("min", "max") if name in one.limits]
    layers: list[Spec] = [
        _only("low", {"mark": band, "encoding": ends}),
        *(_rule("y", level, "var(--fail)") for level in levels),
        {"mark": {"type": "line", "color": "var(--one)"}, "encoding": {"x": x, "y": y}},
        {"mark": _POINT, "encoding": {"x": x, "y": y, **_MARK, "tooltip": _tips("step", "value")}},
    ]
    if one.broken is not None:
        layers.insert(0, _rule("x", one.broken, "var(--fail)"))
    return _chart(rows, layers, {}, height=160)


_POINT = {"type": "point", "filled": True, "size": 75, "opacity": 1}
_PADDED = {"zero": False, "nice": True, "padding": 14}


def _chart(rows: Sequence[Spec], layers: Iterable[Spec], common: Spec, height: object) -> Spec:
    """Layers over the same rows; what is `common` is not of those with data of their own."""
    whole = [
        one if "data" in one else {**one, "encoding": {**common, **one["encoding"]}}
        for one in layers
    ]
    return {
        "data": {"values": list(rows)},
        "width": "container",
        "height": height,
        "layer": whole,
    }


def _row(verdict: Verdict, axis: str) -> Spec | None:
    found = verdict if axis == "value" else verdict.change
    if found is None or found.value is None:
        return None
    status = verdict.status if verdict.level != "off" else "pass"
    least, most = limits(verdict, axis)
    numbers = _numbers(value=found.value, low=found.low, high=found.high, least=least, most=most)
    return {"name": verdict.name, "status": status, **numbers}


def _numbers(**numbers: float | None) -> dict[str, float]:
    """Those that are known, as short as they may be."""
    return {name: round(one, _DIGITS) for name, one in numbers.items() if one is not None}


def _mean(name: str, number: Number | None) -> dict[str, float]:
    if number is None:
        return {}
    ends = {f"{name}_low": number.low, f"{name}_high": number.high}
    return _numbers(**{name: number.value}, **ends)


def _crossed(rows: Sequence[Spec], x: Spec, y: Spec) -> list[Spec]:
    """A mean in two directions."""
    rule = {**_CROSS, "color": "var(--two)", "strokeWidth": 2}
    across = {"x": {**x, "field": f"{x['field']}_low"}, "x2": {"field": f"{x['field']}_high"}}
    upright = {"y": {**y, "field": f"{y['field']}_low"}, "y2": {"field": f"{y['field']}_high"}}
    point = {"type": "point", "filled": True, "shape": "diamond", "size": 110, "opacity": 1}
    tips = _tips(*(["name"] if rows and "name" in rows[0] else []), x["field"], y["field"])
    return [
        {"data": {"values": list(rows)}, **layer}
        for layer in (
            {"mark": rule, "encoding": {**across, "y": y}},
            {"mark": rule, "encoding": {"x": x, **upright}},
            {
                "mark": point,
                "encoding": {"x": x, "y": y, "color": {"value": "var(--two)"}, "tooltip": tips},
            },
        )
    ]


def _names(rows: Iterable[Spec]) -> Spec:
    axis = {"labelLimit": 110, "ticks": False, "domain": False, "labelPadding": 8, "grid": False}
    return {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": list(dict.fromkeys(row["name"] for row in rows)),
        "axis": axis,
    }


def _scale(axis: str) -> Spec:
    return {"zero": axis == "change", "nice": True, "padding": 10}


def _field(name: str, title: str) -> Spec:
    return {"field": name, "type": "quantitative", "title": title}


def _axis(name: str, title: str, reach: float) -> Spec:
    return {**_field(name, title), "scale": {"domain": [-reach, reach], "nice": True}}


def _only(name: str, layer: Spec) -> Spec:
    """Of the rows that have it."""
    return {"transform": [{"filter": {"field": name, "valid": True}}], **layer}


def _zero(axis: str) -> Spec:
    return _rule(axis, 0, "var(--rule)")


def _rule(axis: str, at: float, colour: str) -> Spec:
    mark = {"type": "rule", "color": colour, "strokeWidth": 1.2}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": {axis: {"datum": at}}}


def _tips(*names: str) -> list[Spec]:
    return [{"field": name} for name in names]
