"""The table of verdicts: in a terminal of any width the verdict is there, and no line is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.events import Judged
from pytest_diversity.report.table import cells, fitted, lines
from pytest_diversity.report.terminal import summarise
from pytest_diversity.text import width
from pytest_diversity.verdict import Difference

LONG = "a-checkpoint-with-a-name-that-nobody-can-remember"


class Screen:
    """A terminal of which the lines are kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_sep(self, sep: str, title: str) -> None:
        self.lines.append(f"{sep} {title} {sep}")

    def write_line(self, line: str, **_: bool) -> None:
        self.lines.append(line)


def shown(room: int | None, *judged: Judged, said: Sequence[str] = ()) -> list[str]:
    """The lines of the summary in a terminal so wide."""
    screen = Screen()
    summarise(screen, judged, said, room)
    return screen.lines[1:]


@given(
    st.integers(40, 200),
    st.sampled_from(["dpo", LONG, "模型" * 12]),
    st.sampled_from(["warn", "error"]),
)
def test_no_line_is_wider_than_the_terminal(
    judged: Callable[..., Judged], room: int, name: str, level: str
) -> None:
    """Names of any length and script; family and verdict are whole at every width."""
    said = {"checkpoint": name, "domain": name, "worst": name, "family": "effective"}
    one = judged(status="undefined", level=level, **said)
    found = shown(room, one, said=[f"{name} " * 20])
    assert max(map(width, found)) <= room
    assert "effective" in found[1]
    assert ("undefined (warn)" if level == "warn" else "undefined") in found[1]


def test_a_wide_terminal_shows_everything(judged: Callable[..., Judged]) -> None:
    """The change against the reference with its interval, whether the gate passes or not."""
    head, row = lines(cells([judged().verdict]))
    assert head.split("  ")[0] == "checkpoint"
    for title in ("value", "95% interval", "vs base", "worst prompt", "budget", "verdict", "n x K"):
        assert title in head
    for cell in ("[0.300, 0.500]", "-0.100", "[-0.200, +0.0500]", "p0 -0.300", "pass", "2 x 4"):
        assert cell in row


@pytest.mark.parametrize(("room", "gone"), [(140, ""), (110, "worst"), (100, "n x K")])
def test_what_goes_first(judged: Callable[..., Judged], room: int, gone: str) -> None:
    """What is least missed; the change and its interval are there at 80 columns."""
    whole = cells([judged().verdict])
    head = lines(fitted(whole, room))[0]
    assert (gone in head) == (gone == "")
    assert [
        column[0] for name, column in fitted(whole, 80).items() if name in {"change", "verdict"}
    ] == ["vs base", "verdict"]
    assert "spread" in fitted(whole, 80)


def test_references_are_named_where_they_differ(judged: Callable[..., Judged]) -> None:
    """In the head where it is one, in the rows where there are more; no column without any."""
    other = Difference("baseline dpo", 0.5, 0.1, None, None, {}, "", None)
    rows = [judged().verdict, judged(change=other).verdict, judged(change=None).verdict]
    assert cells(rows)["change"] == ["change", "-0.100 vs base", "+0.100 vs baseline dpo", "-"]
    assert cells(rows)["spread"][2:] == ["-", "-"]
    assert "change" not in cells(rows[2:])


PARTS = {
    "quality": {"loss": 0.3, "low": 0.2, "high": 0.4, "p": 0.001},
    "narrowing": {"loss": -0.1, "low": None, "high": None, "p": None},
}
GUARDED: Mapping[str, tuple[Mapping[str, float], str, str]] = {
    "the whole change": ({"max_drop": 0.1, "max_narrowing": 0.1}, "-0.100", "-"),
    "one part": ({"max_narrowing": 0.1}, "narrowing +0.100", "-"),
    "both: the one that is further beyond": (
        {"max_narrowing": 0.1, "max_quality_loss": 0.1},
        "quality -0.300",
        "[-0.400, -0.200]",
    ),
}


@pytest.mark.parametrize("case", GUARDED)
def test_the_change_is_what_the_budget_guards(judged: Callable[..., Judged], case: str) -> None:
    """A loss is a fall; the interval is of the same part."""
    limits, change, spread = GUARDED[case]
    whole = Difference("base", 0.5, -0.1, None, None, {}, "", None)
    table = cells([judged(limits=limits, split=PARTS, change=whole).verdict])
    assert (table["change"][1], table["spread"][1]) == (change, spread)


def test_samples_at_hand_have_the_name_that_they_were_given(judged: Callable[..., Judged]) -> None:
    """Or none."""
    rows = [judged(checkpoint="", label=label).verdict for label in ("mine", "")]
    assert cells(rows)["checkpoint"] == ["checkpoint", "mine", "-"]
