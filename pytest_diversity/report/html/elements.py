"""What the sections of the page are made of: plots with what they show, tables, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pytest_diversity.report.html.markup import Content, Markup, data, tag
from pytest_diversity.text import number

__all__ = ["NONE", "Ends", "cell", "interval", "more", "plot", "signed", "table"]

NONE = "\N{EN DASH}"  # where there is no number
_MINUS = "\N{MINUS SIGN}"


class Ends(Protocol):
    """What has an interval."""

    @property
    def low(self) -> float | None:
        """Its lower end."""

    @property
    def high(self) -> float | None:
        """Its upper end."""


def plot(title: str, spec: Mapping[str, Any], *, narrow: bool = False) -> Markup:
    """A plot, which the page's script draws where it stands."""
    return tag(
        "figure",
        tag("figcaption", title),
        tag("div", class_="plot", aria_label=title),
        data("plot", spec),
        class_="narrow" if narrow else None,
    )


def more(summary: str, *content: Content) -> Markup:
    """What is folded until it is asked for; on paper it is open."""
    return tag("details", tag("summary", summary), *content, class_="more")


def table(
    caption: str, head: Sequence[str], bodies: Content, numbers: Sequence[int] = ()
) -> Markup:
    """A table that scrolls where the page is too narrow; columns in `numbers` are aligned right."""
    cells = [
        tag("th", name, scope="col", class_="number" if i in numbers else None)
        for i, name in enumerate(head)
    ]
    whole = tag("table", tag("caption", caption), tag("thead", tag("tr", cells)), bodies)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def cell(text: str) -> Markup:
    """A number in a table."""
    return tag("td", text, class_="number")


def signed(value: float | None) -> str:
    """A change, with its sign."""
    if value is None:
        return NONE
    sign = _MINUS if value < 0 else "+"
    return f"{sign}{number(abs(value))}" if value else number(0.0)


def interval(found: Ends | None, *, change: bool = False) -> str:
    """`[low, high]`, of a change with signs."""
    if found is None or found.low is None or found.high is None:
        return NONE
    written = signed if change else number
    return f"[{written(found.low)}, {written(found.high)}]"
