"""Every judge is asked in one way, and what it says wrongly is one sentence and no score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import ConfigError, DiversityError, JudgeError
from pytest_diversity.judges.protocol import Judge, Pair, assess

PAIRS = [("How long?", "a"), ("How long?", "bbb"), ("How long?", "a")]


def lengths(pairs: Sequence[Pair]) -> list[float]:
    """The length of each text."""
    return [float(len(text)) for _, text in pairs]


def judge(score: Callable[..., Any] = lengths, **changes: Any) -> Judge:
    """One of lengths from 0 to 10."""
    return Judge("lengths", "1", score, **{"high": 10.0, "threshold": 2.0, **changes})


def test_a_text_passes_from_the_threshold_on() -> None:
    """In the judge's direction."""
    assert assess(judge(), PAIRS, Quality("lengths")).valid == [False, True, False]
    assert assess(judge(better="down"), PAIRS, Quality("lengths")).valid == [True, False, True]


def test_a_pair_is_scored_once() -> None:
    """Also where it stands twice, and never again when it is remembered."""
    asked: list[Pair] = []

    def counting(pairs: Sequence[Pair]) -> list[float]:
        asked.extend(pairs)
        return lengths(pairs)

    memory: dict[str, float] = {}
    for _ in range(2):
        assess(judge(counting), PAIRS, Quality("lengths"), memory)
    assert asked == PAIRS[:2]


def test_no_score_is_no_answer() -> None:
    """It is said, counted as invalid, and not remembered."""
    memory: dict[str, float] = {}
    found = assess(judge(lambda pairs: [None] * len(pairs)), PAIRS, Quality("lengths"), memory)
    assert found.valid == [False] * 3
    assert found.notes == ("lengths gave 3 of 3 samples no score: they count as invalid",)
    assert memory == {}


def test_a_percentile_is_of_the_texts_themselves() -> None:
    """Of the reference's, when it is the reference that is assessed."""
    found = assess(judge(), PAIRS, Quality("lengths", percentile=75))
    assert found.threshold == 2.0


FAULTS: Mapping[str, tuple[Callable[..., Any], str]] = {
    "no number": (lambda pairs: [math.nan] * len(pairs), "gave nan as a score"),
    "a text": (lambda pairs: ["0.5"] * len(pairs), "gave '0.5' as a score"),
    "too few": (lambda pairs: lengths(pairs)[:1], "gave 1 scores for 2 texts"),
    "too many": (lambda _: [1, 2, 3], "gave more scores for 2 texts"),
    "out of range": (lambda pairs: [11] * len(pairs), "outside its range 0 to 10"),
    "infinite": (lambda pairs: [math.inf] * len(pairs), "gave inf as a score"),
    "raising": (lambda _: 1 / 0, "failed: ZeroDivisionError"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_score_is_refused(case: str) -> None:
    """In one sentence; nothing is remembered."""
    score, message = FAULTS[case]
    memory: dict[str, float] = {}
    with pytest.raises(JudgeError, match=message):
        assess(judge(score), PAIRS, Quality("lengths"), memory)
    assert memory == {}


@pytest.mark.parametrize(
    ("quality", "changes", "message"),
    [
        (Quality("lengths", 11), {}, "outside the range"),
        (Quality("lengths"), {"threshold": None}, "has no threshold of its own"),
    ],
    ids=["a threshold out of range", "no threshold"],
)
def test_a_threshold_is_checked(quality: Quality, changes: Any, message: str) -> None:
    """Before anything is scored."""
    with pytest.raises(DiversityError, match=message):
        assess(judge(**changes), PAIRS, quality)


@pytest.mark.parametrize(
    "value",
    [3, "", {"judge": ""}, {"judge": "a", "treshold": 1}, {"judge": "a", "threshold": "p20"},
     {"judge": "a", "threshold": True}, {"judge": "a", "threshold": math.nan}],
    ids=str,
)  # fmt: skip
def test_what_names_no_judge_is_refused(value: object) -> None:
    """In one sentence that shows how to write it."""
    with pytest.raises(ConfigError, match="quality"):
        Quality.parse(value)


def test_a_percentile_is_read() -> None:
    """And is no score."""
    found = Quality.parse({"judge": "a", "threshold": "reference:p20"})
    assert (found.threshold, found.percentile) == (None, 20.0)
