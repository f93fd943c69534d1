"""Answers that go on with the prompt's own code, as base models write them."""

# ruff: noqa: E501 - an answer a line

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.extract import extract_continuation
from pytest_diversity.prompts import Prompt
from pytest_diversity.samples import SampleSet

from .test_answers import T, fenced, value

BEFORE = (
    "from typing import List\n\n\ndef total(xs: List[int]) -> int:\n"
    '    """Adds up.\n    >>> total([2, 3])\n    5\n    """\n'
)
BODY = "    result = 0\n    for x in xs:\n        result += x\n    return result\n"
WHOLE = f"def total(xs: List[int]) -> int:\n{BODY}"

ANSWERS: Mapping[str, str] = {
    "the body": BODY,
    "the body alone, on one line": "    return sum(xs)",
    "another function after it": f"{BODY}\n\ndef other(xs):\n    return total(xs\n",
    "examples after it": f"{BODY}\n\nprint(total([1]))\nassert total([1]) == 2\n",
    "a guard after it": f"{BODY}\nif __name__ == '__main__':\n    total()\n",
    "a comment after it": f"{BODY}\n# The next one.\ntotal()\n",
    "prose after it": f"{BODY}\nThis function adds up.",
    "the same function again, worse": f"{BODY}\n\ndef total(xs):\n    return 0\n",
    "a class after it": f"{BODY}\n\nclass Other:\n    def total(self): ...\n",
    "a helper after it that it needs": "    return plus(xs)\n\n\ndef plus(xs):\n    return sum(xs)\n\n\nplus()\n",
    "a function within": "    def plus(a, b):\n        return a + b\n\n    return plus(*xs)\n\n\ntotal()\n",
    "a string at the margin": '    text = """\nnothing\n"""\n    return sum(xs) + len(text) - 9\n',
    "a comment at the margin": "    result = sum(xs)\n# so far\n    return result\n",
    "the first line without indentation": BODY.lstrip(),
    "the first line one short": BODY[1:],
    "the first line with more": f"  {BODY}",
    "no indentation": "result = 0\nfor x in xs:\n    result += x\nreturn result\n",
    "no indentation, and more": "result = sum(xs)\nreturn result\n\nprint(total([1]))\n",
    "no indentation, and another function": "return sum(xs)\n\ndef other(xs):\n    return 1 +\n",
    "empty lines first": f"\n\n{BODY}",
    "the function again": WHOLE,
    "the function again with its import": f"from typing import List\n\n{WHOLE}",
    "the function again in a fence": f"Sure:\n{fenced(WHOLE)}It adds up.",
    "the body in a fence": fenced(BODY),
    "the body in a fence, without indentation": fenced("return sum(xs)\n"),
    "a fence that closes": f"{BODY}{T}\n\nDone.",
    "an end of text": f"{BODY}<|endoftext|>def total(xs): return 0",
    "Windows lines": BODY.replace("\n", "\r\n"),
    "a thought": f"<think>{WHOLE}</think>\n{fenced(WHOLE)}",
}  # fmt: skip


@pytest.mark.parametrize(
    "before", [BEFORE, f"Complete this:\n{T}python\n{BEFORE}", BEFORE.rstrip()]
)
@pytest.mark.parametrize("case", ANSWERS)
def test_a_continuation(case: str, before: str) -> None:
    """The prompt's code and the answer's are one program, up to the next top-level statement."""
    found = extract_continuation(ANSWERS[case], before, "total")
    assert found.missing is None
    assert value(found.program, "total", [2, 3]) == 5


def test_a_signature_alone_may_be_gone_on_with() -> None:
    """Also in the midst of a line."""
    assert (
        value(
            extract_continuation("    return sum(xs)", "def total(xs):\n", "total").program,
            "total",
            [2, 3],
        )
        == 5
    )
    assert (
        value(
            extract_continuation(
                " sum(xs)\n\ntotal()", "def total(xs):\n    return", "total"
            ).program,
            "total",
            [2, 3],
        )
        == 5
    )


@pytest.mark.parametrize(
    ("answer", "missing"),
    {
        "": "no answer",
        "    return (xs +": "broken code",
        "I cannot do that.": "broken code",
        "    pass\n": "broken code",
    }.items(),
)
def test_no_continuation(answer: str, missing: str) -> None:
    """The prompt's own signature is no program of the model's."""
    assert extract_continuation(answer, BEFORE, "total").missing == missing


def test_a_continuation_in_javascript() -> None:
    """HumanEval-X's layout: the body and the bracket that closes it."""
    found = extract_continuation(
        "  return a + b;\n}\n\nconsole.log(add(1))\n",
        "const add = (a, b) => {\n",
        "add",
        "javascript",
    )
    assert found == ("const add = (a, b) => {\n  return a + b;\n}\n", None)


def test_a_domain_of_continuations() -> None:
    """`style` says it of a domain; the prompt is where the file has it."""
    samples = SampleSet.of({"t": ["    return sum(xs)\n", "I cannot."]})
    domain = Domain("base", kind="code", style="continuation")
    prompts = {"t": Prompt(BEFORE, "t", entry_point="total")}
    assert features_of(samples, domain, prompts=prompts)["valid"] == {"t": [True, False]}
