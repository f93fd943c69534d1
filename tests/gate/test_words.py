"""What a verdict says: of its bounds, of how samples ended, of gates that can hardly fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch

import pytest

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.features.endings import Endings

from .estimates import BASE, LEVEL, WORSE, compared, estimated, judge


def ended(cut: int, limit: int | None = 256, known: int = 100) -> Estimate:
    """An estimate of a hundred samples, so many of which were cut."""
    return replace(estimated(LEVEL), endings=Endings(known, cut, limit))


ENDED: Mapping[str, tuple[Estimate, Estimate | None, str | None]] = {
    "few are cut": (ended(20), None, None),
    "many are cut": (
        ended(24),
        None,
        "24 % of the answers (dpo) were cut by max_tokens = 256: what is cut looks alike",
    ),
    "many of the reference are cut": (
        ended(0, limit=None),
        ended(95),
        "0 % of the answers (dpo) and 95 % (base) were cut by max_tokens = 256: what is cut*",
    ),
    "at two limits": (
        ended(24),
        ended(95, limit=64),
        "24 % of the answers (dpo) and 95 % (base) were cut by max_tokens: what is cut*",
    ),
    "nobody knows of the reference": (
        ended(50),
        ended(0, known=0),
        "50 % of the answers (dpo) were cut by max_tokens = 256: *",
    ),
}


@pytest.mark.parametrize("case", ENDED)
def test_how_samples_ended_is_said(case: str) -> None:
    """The share that was cut is named for each side where it is known."""
    after, before, note = ENDED[case]
    reference = Comparison("base", before, after) if before else None
    notes = judge(after, Budget(min=0.3), reference=reference).notes
    found = [one for one in notes if "cut by" in one]
    assert len(found) == (note is not None)
    assert note is None or fnmatch(found[0], note)


def test_the_share_that_was_cut_is_among_the_details() -> None:
    """Whenever some were cut, for either side."""
    after, before = ended(1), ended(40)
    verdict = judge(after, Budget(min=0.3), reference=Comparison("base", before, after))
    assert "cut by max_tokens: 1% (base 40%)" in verdict.details
    assert not any("cut by" in line for line in judge(ended(0), Budget(min=0.3)).details)


def test_the_message() -> None:
    """Headline first; below it the bound, the interval, the size and the evidence."""
    verdict = judge(estimated(LEVEL), Budget(min=0.45), evidence=lambda _: ["because"])
    assert verdict.message.splitlines() == [
        "code lexical 0.400 < 0.450 (dpo)",
        "  one-sided 95 % upper bound 0.417, p 0.000377: beyond the budget",
        "  pair_distinct(n=4) 0.400, 95 % interval [0.380, 0.420] over prompts",
        "  8 prompts x 8 samples, mean length 20.0 tokens, which a level does not control",
        "  because",
    ]


NOTES: Mapping[str, tuple[Sequence[float], Sequence[float], str]] = {
    "too few prompts": (BASE[:5], BASE[:5], "only 5 prompts: this gate can hardly fail"),
    "a single prompt": (BASE[:1], BASE[:1], "only 1 prompt: this gate can hardly fail"),
    "a budget below what can be found": (
        BASE,
        [*WORSE[:4], *BASE[4:]],
        "times in 100 by 8 prompts x 8 samples",
    ),
}


@pytest.mark.parametrize("case", NOTES)
def test_a_gate_that_could_hardly_fail_says_so(case: str) -> None:
    """The note comes with the verdict even when it passed."""
    before, after, note = NOTES[case]
    verdict = compared(before, after, Budget(max_drop=Change(0.001, relative=False)))
    assert any(note in line for line in verdict.notes)


def test_a_gate_with_room_has_no_note() -> None:
    """Enough prompts and a budget that they can find need no remark."""
    assert compared(BASE, BASE, Budget(max_drop=Change(0.1, relative=True))).notes == ()
