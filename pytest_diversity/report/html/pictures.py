"""What the numbers of a domain come from, a picture each, with the table behind it."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_diversity.report.curves import Point
from pytest_diversity.report.html import charts
from pytest_diversity.report.html.elements import NONE, cell, interval, more, plot, signed, table
from pytest_diversity.report.html.markup import Content, Markup, tag
from pytest_diversity.report.html.model import Form, Number, Part, turned
from pytest_diversity.text import number

__all__ = ["curves", "forms", "lengths", "split", "validity"]

_TABLE = "The same as a table"


def _picture(title: str, note: str, *content: Content) -> Content:
    """A part of the page: what it is called, how it is read, and what there is to see."""
    return [tag("h3", title), tag("p", note, class_="note"), *content]


def split(part: Part) -> Content:
    """Of each effective change, what fewer valid answers took, and what less diversity did."""
    found = [one for one in part.first("effective") if one.split]
    if not found:
        return None
    rows = [
        tag(
            "tr",
            tag("th", one.name, scope="row"),
            tag("td", name),
            cell(signed(mean.value)),
            cell(interval(mean, change=True)),
        )
        for one in found
        for name, numbers in one.split.items()
        if (mean := turned(numbers))
    ]
    head = ("checkpoint", "part", "change", "95 % interval")
    return _picture(
        "What changed: quality or narrowing",
        "A change of effective diversity has two parts that add up to it: that fewer or more "
        "answers are valid, and that the valid ones are more or less alike.",
        plot("Parts of the effective change", charts.split(found), narrow=True),
        more(_TABLE, table("Parts of the change", head, tag("tbody", rows), (2, 3))),
    )


def forms(part: Part) -> Content:
    """The picture of the question that the tool was made for."""
    found = part.forms
    title = "Form against content"
    if not found:
        names = {family.name for family in part.families}
        missing = [name for name in ("syntactic", "effective") if name not in names]
        if not any(one.change for one in part.verdicts):
            return None
        need = f"a budget on {' and '.join(missing)}" if missing else "both budgets to compare"
        return _picture(title, f"Not shown: it needs {need} with the same reference.")
    reach = charts.shared(found)
    plots = [
        plot(
            _reading(one),
            charts.form(one, reach),
        )
        for one in found
    ]
    return _picture(
        title,
        "Is it differently shaped, or less diverse? Each point is a prompt, the diamond their "
        "mean with 95 % intervals. To the left answers share more of their structure; further "
        "down they mean fewer different valid things.",
        tag("div", plots, class_="plots"),
        tag("p", f"The change of form is taken {found[0].lengths or 'as written'}.", class_="note"),
        more(_TABLE, _form_table(found)),
    )


def _reading(one: Form) -> str:
    """What the picture says, in words, as far as the intervals do."""
    form, content = _moved(one.form, "form"), _moved(one.content, "content")
    return f"{one.checkpoint}: {form}, {content}"


def _moved(found: Number | None, what: str) -> str:
    if found is None or found.low is None or found.high is None:
        return f"{what} not known"
    if found.high < 0:
        return f"less diverse in {what}"
    return f"more diverse in {what}" if found.low > 0 else f"no sure change of {what}"


def _form_table(found: Iterable[Form]) -> Markup:
    head = ("checkpoint", "form", "95 % interval", "content", "95 % interval", "prompts")
    rows = [
        tag(
            "tr",
            tag("th", one.checkpoint, scope="row"),
            [
                [cell(signed(mean.value) if mean else NONE), cell(interval(mean, change=True))]
                for mean in (one.form, one.content)
            ],
            cell(str(len(one.points))),
        )
        for one in found
    ]
    caption = "Mean change over prompts; the prompts themselves are in the table of prompts"
    return table(caption, head, tag("tbody", rows), (1, 2, 3, 4, 5))


def validity(part: Part) -> Content:
    """How often answers are valid, against how much the valid ones differ."""
    found = part.validities
    if not any(one.diversity for one in found):
        return None
    head = ("checkpoint", "valid pairs", "95 % interval", "diversity", "95 % interval")
    rows = [
        tag(
            "tr",
            tag("th", one.checkpoint, scope="row"),
            [
                [cell(number(mean.value) if mean else NONE), cell(interval(mean))]
                for mean in (one.valid, one.diversity)
            ],
        )
        for one in found
    ]
    return _picture(
        "Validity against diversity among valid answers",
        "Effective diversity is the product of both. To the right more answers are valid; "
        "further up the valid ones differ more.",
        plot("Validity against diversity", charts.validity(found), narrow=True),
        more(_TABLE, table("Both factors", head, tag("tbody", rows), (1, 2, 3, 4))),
    )


def curves(part: Part) -> Content:
    """Each metric by step of its training run."""
    found = part.curves
    if not found:
        return None
    head = ("step", "value", "95 % interval", "change", "verdict")
    figures = [
        tag(
            "div",
            plot(f"{one.run}: {one.family}, {one.state}", charts.curve(one)),
            more(
                _TABLE,
                table(
                    f"{one.run}: {one.family}, {one.metric}",
                    head,
                    tag("tbody", [_step_row(point) for point in one.points]),
                    (0, 1, 2, 3),
                ),
            ),
        )
        for one in found
    ]
    note = (
        "The band is the 95 % interval, a horizontal line what the budget allows of the value, a "
        "vertical one the first step that broke it."
    )
    return _picture("Along the training run", note, tag("div", figures, class_="plots"))


def _step_row(point: Point) -> Markup:
    return tag(
        "tr",
        tag("th", str(point.step), scope="row", class_="number"),
        cell(number(point.value)),
        cell(interval(point)),
        cell(signed(point.change.value) if point.change else NONE),
        tag("td", point.status),
    )


def lengths(part: Part) -> Content:
    """How long the answers are whose samples are at hand."""
    found = part.lengths
    if not found:
        return None
    head = ("checkpoint", "a tenth below", "median", "a tenth above", "cut off")
    rows = [
        tag(
            "tr",
            tag("th", one.checkpoint, scope="row"),
            [cell(f"{value:.0f}") for value in (one.tenth, one.median, one.ninetieth)],
            cell(f"{one.cut:.1%}"),
        )
        for one in found
    ]
    return _picture(
        "Lengths of answers",
        f"In {found[0].unit}: the middle four fifths of the answers, and their median.",
        plot("Lengths", charts.lengths(found), narrow=True),
        more(_TABLE, table("Lengths", head, tag("tbody", rows), (1, 2, 3, 4))),
    )
