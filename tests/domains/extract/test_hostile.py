"""Whatever a model writes: extraction never fails, and its work is bounded."""

# ruff: noqa: E501 - a text a line

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.domains.extract import extract, extract_continuation

T = "```"
PIECES = (
    *("```", "````", "~~~", "```python\n", "\n```\n", "`", "'''", '"""', "<code>", "</code>", "[PYTHON]"),
    *("\n", " ", "    ", "\t", "\r\n", "\x00", "\ud800", "\ufeff", ">>> ", "... ", "&lt;", "\\begin{code}"),
    *("def f(x):\n    return x\n", "def f(x): ...\n", "class Solution:\n    def f(self): return 1\n"),
    *("f = 1", "f", "import f", "@", "x = (", "try:\n", "else:", "prose. ", "<|im_end|>", "<think>", "</think>"),
    *("from __future__ import annotations\n", "function f() { return 1 }\n", "export ", "lambda: ", "#"),
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join)


@given(TEXTS, st.sampled_from([None, "f"]), st.sampled_from(["python", "javascript"]))
def test_any_answer_has_a_program_or_a_reason(
    answer: str, entry_point: str | None, language: str
) -> None:
    """No text makes extraction fail, and what is found as a program is found again in itself."""
    found = extract(answer, entry_point, language)
    if found.missing is None and entry_point is not None:
        assert extract(found.program, entry_point, language).missing is None


@given(TEXTS, TEXTS, st.sampled_from(["python", "javascript"]))
def test_any_continuation_has_a_program_or_a_reason(
    answer: str, before: str, language: str
) -> None:
    """The same for any prompt and what goes on with it."""
    assert isinstance(extract_continuation(answer, before, "f", language).program, str)


SIZE = 100_000
HOSTILE: Mapping[str, str] = {
    "ticks": "`" * SIZE,
    "lines of ticks": f"{T}\n" * (SIZE // 4),
    "openings": f"{T}python\n" * (SIZE // 10),
    "blocks that do not parse": f"{T}\n(\n" * (SIZE // 6),
    "ticks and tildes": "`~" * (SIZE // 2),
    "ticks with spaces": "``` " * (SIZE // 4),
    "tags": "<code>" * (SIZE // 6),
    "halves of tags": "<a " * (SIZE // 3),
    "definitions without end": "def f(\n" * (SIZE // 7),
    "definitions on one line": "def f(" * (SIZE // 6),
    "strings without end": "x = '''\n" * (SIZE // 8),
    "functions": "def f(x):\n    return x\n\n" * (SIZE // 24),
    "functions and prose": "def f(x):\n    return x\n\nIt's so.\n" * (SIZE // 32),
    "a tree of brackets": "f = " + "(" * SIZE,
    "a chain of signs": "f = " + "-" * SIZE + "1",
    "a chain of names": "f = x" + ".x" * (SIZE // 2),
    "a chain of sums": "f = 1" + "+1" * (SIZE // 2),
    "a tower of blocks": "".join(" " * n + "if x:\n" for n in range(440)),
    "a tower of lambdas": "f = " + "lambda: " * (SIZE // 8) + "1",
    "white space": " " * SIZE,
    "empty lines": "\n" * SIZE,
    "sessions": ">>> f(\n" * (SIZE // 7),
    "emphasis": "**" * (SIZE // 2),
    "thoughts": "<think>\n" * (SIZE // 8),
    "ends of turns": "<|im_end|> " * (SIZE // 11),
    "halves of ends of turns": "<|a " * (SIZE // 4),
    "one long name": "f" * SIZE,
    "names": "a, " * (SIZE // 3),
    "assignments": "f = f\n" * (SIZE // 6),
    "braces": "{" * SIZE,
    "entities": "&lt;" * (SIZE // 4),
}


@pytest.mark.long
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_answers_end(case: str) -> None:
    """A hundred thousand characters of one kind are done with, in either language and style."""
    text = HOSTILE[case]
    for found in (
        extract(text, "f"),
        extract(text),
        extract(text, "f", "javascript"),
        extract_continuation(text, "def f(x):\n", "f"),
    ):
        assert isinstance(found.program, str)
