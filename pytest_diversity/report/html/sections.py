"""The section of one domain: plots, the tables behind them, prompts with samples, settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.report.html import charts, pictures
from pytest_diversity.report.html.answers import packed
from pytest_diversity.report.html.elements import NONE, cell, interval, more, plot, signed, table
from pytest_diversity.report.html.markup import Content, Markup, data, packet, tag
from pytest_diversity.report.html.model import ANSWERS, Family, Part, changes
from pytest_diversity.report.run import trouble
from pytest_diversity.text import number, plural
from pytest_diversity.verdict import Verdict

__all__ = ["domain"]

_DIGITS = 4


def domain(part: Part, name: str, place: int) -> Markup:
    """The section of a domain.

    Args:
        part: What is known of it.
        name: What it is called on the page.
        place: Which of the page's domains it is.
    """
    title = f"domain-{place}"
    return tag(
        "section",
        tag("h2", name, id=title),
        tag("p", _lead(part), class_="lead"),
        _values(part),
        pictures.split(part),
        pictures.forms(part),
        pictures.validity(part),
        pictures.curves(part),
        pictures.lengths(part),
        _prompts(part, place),
        _notes(part),
        _settings(part),
        aria_labelledby=title,
    )


def _lead(part: Part) -> str:
    names = list(dict.fromkeys(one.name for one in part.verdicts))
    references = dict.fromkeys(one.change.reference for one in part.verdicts if one.change)
    first = next(part.verdicts)
    against = f" against {', '.join(references)}" if references else ""
    size = f"{plural(first.prompts, 'prompt')} with {first.samples} samples each"
    return f"{', '.join(names)}{against}; {size}."


def _values(part: Part) -> Content:
    pairs = [
        tag(
            "div",
            tag("h4", _named(family), " ", tag("code", family.metric, class_="quiet")),
            plot(f"{family.name}: value", charts.interval(family.verdicts, "value")),
            plot(f"{family.name}: change", charts.interval(family.verdicts, "change"))
            if any(one.change for one in family.verdicts)
            else None,
            class_="pair",
        )
        for family in part.families
    ]
    return [
        tag("h3", "Values, intervals and budgets"),
        tag(
            "p",
            "Left the value of each checkpoint, right its change since the reference; bars are "
            "95 % intervals over prompts. A budget forbids what is shaded. ",
            _key(),
            class_="note",
        ),
        pairs,
        more("The same as a table", _verdict_table(part)),
    ]


def _key() -> Markup:
    words = {"passed": "kept", "unclear": "unclear", "failed": "broken", "warned": "undefined"}
    marks = [[tag("span", word, class_=f"status {kind}"), " "] for kind, word in words.items()]
    return tag("span", marks)


def _named(family: Family) -> str:
    return family.name.capitalize()


def _verdict_table(part: Part) -> Markup:
    head = ("checkpoint", "value", "95 % interval", "change", "95 % interval", "budget", "verdict")
    bodies = [
        tag(
            "tbody",
            tag("tr", _over(len(head), f"{_named(one)}, {one.metric}")),
            [_verdict_row(judged.verdict, trouble(judged)) for judged in one.judged],
        )
        for one in part.families
    ]
    return table(f"{part.domain}: every budget", head, bodies, numbers=(1, 2, 3, 4))


def _over(columns: int, text: str) -> Markup:
    """The head of a group of rows."""
    return tag("th", text, colspan=columns, scope="rowgroup")


def _verdict_row(verdict: Verdict, kind: str) -> Markup:
    change = verdict.change
    status = "only measured" if verdict.level == "off" else verdict.status
    return tag(
        "tr",
        tag("th", verdict.name, scope="row"),
        cell(number(verdict.value)),
        cell(interval(verdict)),
        cell(signed(change.value) if change else NONE),
        cell(interval(change, change=True)),
        tag("td", verdict.budget or NONE),
        tag("td", tag("span", status, class_=f"status {kind}")),
    )


def _prompts(part: Part, place: int) -> Content:
    ids = {name: f"samples-{place}-{i}" for i, name in enumerate(part.features)}
    values = {
        "families": [one.name for one in part.families],
        "checkpoints": [
            {"name": name, "reference": reference, "rows": rows, "samples": ids.get(name)}
            for name, reference, rows in _rows(part)
        ],
        "part": place,
    }
    blocks = [
        packet(ids[name], _json(packed(features))) for name, features in part.features.items()
    ]
    left_out = sorted(part.left_out)
    absent = sorted({one.checkpoint for one in part.subjects} - set(ids) - part.left_out)
    return [
        tag("h3", "Prompts and answers"),
        tag(
            "p",
            "Sort by a column; open a prompt for its answers, grouped by meaning where known.",
            f" Not at hand: the answers of {', '.join(absent)}." if absent else None,
            f" Left out, for a page holds {ANSWERS:,} answers: those of {', '.join(left_out)}."
            if left_out
            else None,
            class_="note",
        ),
        tag("div", class_="prompts"),
        data("prompts", values),
        blocks,
    ]


def _rows(part: Part) -> Iterator[tuple[str, str | None, list[list[Any]]]]:
    """By checkpoint, a row for each prompt: its id, then value and change by each family."""
    by_family = [{one.name: one for one in family.verdicts} for family in part.families]
    names = dict.fromkeys(one.name for one in part.verdicts)
    for name in names:
        columns: list[tuple[Mapping[str, float], Mapping[str, float]]] = []
        for verdicts in by_family:
            one = verdicts.get(name)
            columns.append((one.per_prompt, changes(one, verdicts)) if one else ({}, {}))
        prompts = dict.fromkeys(prompt for values, _ in columns for prompt in values)
        rows = [
            [prompt, *(_rounded(of.get(prompt)) for pair in columns for of in pair)]
            for prompt in prompts
        ]
        verdicts_of = [v[name] for v in by_family if name in v]
        reference = next((v.change.reference for v in verdicts_of if v.change), None)
        yield name, reference, rows


def _notes(part: Part) -> Content:
    places: dict[str, dict[str, None]] = {}
    for one in part.verdicts:
        for note in one.notes:
            places.setdefault(note, {})[one.name] = None
    if not places:
        return None
    every = len({one.name for one in part.verdicts})
    items = [
        tag("li", note if len(where) == every else f"{', '.join(where)}: {note}")
        for note, where in places.items()
    ]
    return [tag("h3", "What to know beside the values"), tag("ul", items, class_="note")]


def _settings(part: Part) -> Content:
    if not part.subjects:
        return None
    title = "How answers were drawn and read, and what values depend on"
    items = [
        tag(
            "div",
            tag("h4", one.checkpoint),
            _list({"source": one.source, **one.settings}),
            _list(one.fingerprints),
        )
        for one in part.subjects
    ]
    return [
        tag("h3", "Settings and fingerprints"),
        more(title, tag("div", items, class_="plots")),
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _list(values: Mapping[str, Any]) -> Markup:
    return tag("dl", [[tag("dt", name), tag("dd", _shown(one))] for name, one in values.items()])


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)
