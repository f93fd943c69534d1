"""`callable:MODULE:FUNCTION` as a judge, and as a checker of answers that can be verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from pytest_diversity import measure
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.judges import registry
from pytest_diversity.judges.protocol import Judge, assess
from pytest_diversity.judges.tools import Tools

MODULE = '''
def right(prompt, text):
    """A checker: whether the answer is 42."""
    return "42" in text

def length(prompt, text):
    return len(text)
length.better, length.high, length.threshold, length.version = "down", 100, 3, "7"

def backwards(prompt, text):
    return 0.5
backwards.low, backwards.high = 1, 0

number = 3
'''


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Judge]:
    """A judge of a module that lies beside the configuration."""
    (tmp_path / "own_checkers.py").write_text(MODULE)
    (tmp_path / "broken_checkers.py").write_text("1 / 0")
    for name in ("own_checkers", "broken_checkers"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    tools = Tools(lambda texts: np.zeros((len(texts), 2)), str, "cpu", tmp_path, dict)
    return lambda name: registry.find(Quality(name), tools)


def test_a_checker_says_true_or_false(find: Callable[[str], Judge]) -> None:
    """Its module is found beside the configuration, and it is known by its source."""
    judge = find("callable:own_checkers:right")
    found = assess(judge, [("?", "42"), ("?", "43")], Quality(judge.name))
    assert found.valid == [True, False]
    assert len(judge.version) == 12


def test_attributes_say_what_a_score_means(find: Callable[[str], Judge]) -> None:
    """Direction, range, threshold and version."""
    judge = find("callable:own_checkers:length")
    assert (judge.better, judge.high, judge.threshold, judge.version) == ("down", 100, 3, "7")
    assert assess(judge, [("?", "abc"), ("?", "abcd")], Quality(judge.name)).valid == [True, False]


FAULTS: Mapping[str, tuple[str, str]] = {
    "no module": ("callable:no_such_module:f", "cannot be found"),
    "no function of that name": ("callable:own_checkers:wrong", "cannot be found"),
    "no function": ("callable:own_checkers:number", "is no function"),
    "no name of a function": ("callable:own_checkers", "cannot be found"),
    "nothing": ("callable:", "cannot be found"),
    "a module that fails": ("callable:broken_checkers:f", "ZeroDivisionError"),
    "a range that is none": (
        "callable:own_checkers:backwards",
        "has the range 1 to 0",
    ),
    "an unknown judge": ("adequat", "did you mean 'adequate'"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_no_judge_is_one_sentence(find: Callable[[str], Judge], case: str) -> None:
    """Before anything is judged."""
    name, message = FAULTS[case]
    with pytest.raises(ConfigError, match=message):
        find(name)


def test_a_key_of_another_judge_is_refused(find: Callable[[str], Judge]) -> None:
    """What would be ignored is said."""
    del find
    tools = Tools(lambda texts: np.zeros((len(texts), 2)), str, "cpu", Path(), dict)
    with pytest.raises(ConfigError, match="'well_formed' takes no scorer"):
        registry.find(Quality("well_formed", scorer="none"), tools)


def test_measure_takes_one(find: Callable[[str], Judge], tmp_path: Path) -> None:
    """Without pytest, as in a domain."""
    del find
    domain = Domain("sums", root=tmp_path)
    found = measure(
        ["42", "41", "x"], "validity", domain=domain, quality="callable:own_checkers:right"
    )
    assert found.value == pytest.approx(1 / 3)
    assert found.bar is not None
    assert found.bar.startswith("callable:own_checkers:right ")
