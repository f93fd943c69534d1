"""Where the final answer of a text stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.domains.answers import find, reader
from pytest_diversity.errors import ConfigError
from pytest_diversity.features import UndefinedFeatureError

FORMS: Mapping[str, tuple[str, str | None]] = {
    "a box": (r"So we get $\boxed{42}$.", "42"),
    "a box with braces in it": (r"Thus \boxed{\frac{1}{2}} remains", r"\frac{1}{2}"),
    "a box with escaped braces": (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    "the last of two boxes": (r"First \boxed{1}, no, \boxed{2}.", "2"),
    "a box in a box": (r"\boxed{\boxed{3}}", "3"),
    "a framed box": (r"\fbox{3}", "3"),
    "a box that was cut off": (r"Therefore \boxed{3", None),
    "a box before one that was cut off": (r"Therefore \boxed{3}, so \boxed{", "3"),
    "a box after another answer": (r"The answer is 5. No: \boxed{6}", "6"),
    "a tag": ("<think>5?</think> <answer> 5 </answer>", "5"),
    "GSM8K": ("It is 3 + 4 = 7.\n#### 7", "7"),
    "GSM8K with a thousand": ("She pays a lot.\n#### $1,000", "$1,000"),
    "GSM8K with a verdict": ("They can.\n#### yes", "yes"),
    "a heading is no answer": ("#### Step 1: add\nSo the answer is 5.", "5"),
    "nor is a numbered one": ("#### 1. Compute it\nAnswer: 6", "6"),
    "in words": ("Adding up, the answer is 42.", "42"),
    "in words with a colon": ("So the final answer is: 42 apples. Done!", "42 apples"),
    "in words, therefore": ("So the answer is therefore 12", "12"),
    "in words, to a question": ("The answer to the question is 4.", "4"),
    "a decimal point ends no sentence": ("The answer is 3.5. It fits.", "3.5"),
    "nor does an initial": ("The answer is J. R. R. Tolkien.", "J. R. R. Tolkien"),
    "nor a title": ("The answer is Mr. Smith. He did it.", "Mr. Smith"),
    "a label": ("Think.\nAnswer: B", "B"),
    "a label of one letter": ("Q: 3 + 4?\nA: 7", "7"),
    "a reason is none of it": ("The answer is 42%, because half would be more.", "42%"),
    "a label in capitals": ("ANSWER: 4", "4"),
    "a bold label": ("Sum.\n\n**Final Answer:** 42", "42"),
    "a label above its answer": ("Final Answer:\n\n42", "42"),
    "a label above mathematics": ("The answer is\n\\[\n\\frac12\n\\]", r"\frac12"),
    "an equation": ("answer = 4", "4"),
    "an option": ("The correct option is C", "C"),
    "the last that is said": ("The answer is not known yet. So the answer is 4", "4"),
    "the text itself": ("42", "42"),
    "a short text itself": ("  The Pacific Ocean\n", "The Pacific Ocean"),
    "another script": ("\u7b54\u3048\u306f42\u3067\u3059\u3002",) * 2,
    "the next question is another's": ("The answer is 5.\n\nQuestion: what?\nAnswer: 9", "5"),
    "the question is said again": ("Question: what?\nAnswer: 9", "9"),
    "reasoning without an answer": ("Let me think.\nShe has 3 left.", None),
    "a long line": ("I think that it may be one of several things here", None),
    "a line that introduces": ("Here it is:", None),
    "a label without an answer": ("Answer:", None),
    "nothing": (" \n", None),
}


@pytest.mark.parametrize("case", FORMS)
def test_forms_of_answers(case: str) -> None:
    """The last in a form of its own, else the last in words, else all of a short text."""
    text, said = FORMS[case]
    found = find(text)
    assert (found.said.strip(" *") if found else None) == said
    if found:
        assert found.said in text[found.start : found.end]


HOSTILE = {
    "digits": "9" * 10**6,
    "open boxes": r"\boxed{" * 10**5,
    "boxes in boxes": r"\boxed{" * 10**5 + "}" * 10**5,
    "labels": "the answer to " * 10**5,
    "answers": "answer is " * 10**5,
    "lines without an answer": "answer:\n\n" * 10**5,
    "hashes": "#### 1 " * 10**5,
    "tags": "<answer>" * 10**5,
    "initials": "answer: " + "A. " * 10**5,
    "questions": "\nQ:" * 10**5,
    "spaces": ("answer" + " " * 1000) * 1000,
    "backslashes": "\\" * 10**6,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_texts(case: str) -> None:
    """A million characters end, and give an answer of their own text or none."""
    found = find(HOSTILE[case])
    assert found is None or found.said in HOSTILE[case][found.start : found.end]


@given(st.text(alphabet="\\boxed{}#A answer:is42.\n<>/", max_size=60))
def test_any_text(text: str) -> None:
    """What is found stands there."""
    found = find(text)
    assert found is None or found.said in text[found.start : found.end]


def test_a_pattern() -> None:
    """Its last match counts, and of it the first group, where there is one."""
    text = "Result: 1 and Result: 2"
    for pattern, said in ((r"Result: (\d+)", "2"), (r"\d", "2"), (r"(x)|\d", None), ("none", None)):
        found = reader(f"regex:{pattern}")(text)
        assert (found.said if found else None) == said


def test_a_pattern_that_does_not_end() -> None:
    """It is stopped, with a sentence; no text decides how long a run takes."""
    with pytest.raises(UndefinedFeatureError, match="takes more than 1 s for one text"):
        reader("regex:(a|aa)+[bc]$")("a" * 60 + "c ")


MODULE = """
def last(text):
    return int(text[-1]) if text[-1].isdigit() else None

def wrong(text):
    return [text]

def fails(text):
    return text[99]

number = 4
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's, on the path; its name."""
    name = f"reads_{re.sub('[^a-z0-9]', '_', tmp_path.name)}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_function(module: str) -> None:
    """It gives the answer as a text or a number, or None."""
    read = reader(f"callable:{module}:last")
    assert read("so 4") == ("4", 3, 4)
    assert read("so four") is None


@pytest.mark.parametrize(("name", "said"), [("wrong", "returned list"), ("fails", "out of range")])
def test_a_function_that_fails(module: str, name: str, said: str) -> None:
    """Its fault is a sentence, never an answer."""
    with pytest.raises(UndefinedFeatureError, match=said):
        reader(f"callable:{module}:{name}")("text")


WRONG = {
    "no such way": ("last", "extract cannot be 'last'; write auto"),
    "no pattern": ("regex:", "extract cannot be 'regex:'"),
    "a pattern that is none": ("regex:(", "the pattern '[(]', which is none"),
    "no module": ("callable:nowhere_at_all:f", "No module named"),
    "no function": ("callable:MODULE:nothing", "no attribute 'nothing'"),
    "a number": ("callable:MODULE:number", "which is no function"),
    "no name": ("callable:MODULE", "cannot be found"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_settings(case: str, module: str) -> None:
    """They are refused in a sentence before anything is drawn."""
    extract, said = WRONG[case]
    with pytest.raises(ConfigError, match=said) as caught:
        reader(extract.replace("MODULE", module))
    assert "\n" not in str(caught.value)
