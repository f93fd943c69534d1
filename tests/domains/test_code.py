"""The kind `code`: programs in answers, and when they count as valid."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_diversity import measure
from pytest_diversity.config.values import BUILTIN_DOMAINS, Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.domains.extract import extract_program
from pytest_diversity.estimate import Estimate, estimate
from pytest_diversity.features import Features
from pytest_diversity.judges.defines import defines
from pytest_diversity.metrics import parse
from pytest_diversity.prompts import Prompt
from pytest_diversity.samples import SampleSet
from pytest_diversity.sandbox import Execution, Outcome

F = "def f(xs):\n    return sum(xs)\n"
DOCUMENTED = 'def f(xs):\n    """Adds up.\n\n    ```\n    f([1])\n    ```\n    """\n    return 1\n'
G = "def g(n):\n    return n\n"

# answer -> program, in which the entry point is f
ANSWERS: Mapping[str, tuple[str, str]] = {
    "bare code": (F, F),
    "a fence": (f"```python\n{F}```", F),
    "a fence without a language": (f"```\n{F}```\n", F),
    "tildes": (f"~~~py\n{F}~~~", F),
    "sentences around a fence": (f"Sure! Here it is:\n\n```python\n{F}```\nIt adds up.", F),
    "a fence that is never closed": (f"```python\n{F}", F),
    "a closing fence with spaces": (f"```python\n{F}```   \nDone.", F),
    "a longer fence around a shorter one": (
        f'````markdown\ndef f(xs):\n    """\n```\nf([1])\n```\n    """\n````\n{G}',
        'def f(xs):\n    """\n```\nf([1])\n```\n    """\n',
    ),
    "two blocks, the second defines the entry point": (
        f"```python\n{G * 3}```\nand\n```python\n{F}```",
        F,
    ),
    "two blocks, the first defines the entry point": (
        f"```python\n{F}```\nUse it:\n```python\nprint(f([1, 2, 3]))\nprint('a longer block')\n```",
        F,
    ),
    "two blocks, the first only uses the entry point": (
        f"For example\n```python\nprint(f([1]))\n```\nwhere\n```python\n{F}```",
        F,
    ),
    "blocks without the entry point: the longest": (
        f"```bash\npip install x\n```\n```python\n{G}```",
        G,
    ),
    "an empty block before the program": (f"```\n```\n```python\n{F}```", F),
    "an indented fence": (
        "1. First:\n\n   ```python\n   def f(xs):\n       return sum(xs)\n   ```",
        F,
    ),
    "Windows lines in a fence": (
        "```python\r\ndef f(xs):\r\n    return sum(xs)\r\n```\r\nDone.",
        F,
    ),
    "a sentence before bare code": (f"Here is a function:\n\n{F}", F),
    "a sentence after bare code": (f"{F}\nThis function adds up the numbers.", F),
    "sentences around bare code": (f"Sure, here it is:\n{F}\nIt adds up all numbers.", F),
    "a comment after bare code": (
        f"{F}# This adds up the numbers.",
        f"{F}# This adds up the numbers.",
    ),
    "a call after bare code": (f"{F}print(f([1, 2, 3]))", F),
    "a constant before the function": (f"LIMIT = 3\n{F}", f"LIMIT = 3\n{F}"),
    "inline code alone": ("Use `sum(xs)` for it.", "Use `sum(xs)` for it."),
    "no code at all": ("I cannot help with that.", "I cannot help with that."),
    "nothing": ("", ""),
    "a fence in a docstring of bare code": (DOCUMENTED, DOCUMENTED),
    "a closing fence that is longer": (f"```python\n{F}````\nDone.", F),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_programs_in_answers(case: str) -> None:
    """The program is taken out of chat markup; without any, sentences around it are dropped."""
    answer, program = ANSWERS[case]
    assert extract_program(answer, "f").strip() == program.strip()


@pytest.mark.parametrize("case", [name for name in ANSWERS if ANSWERS[name][1].startswith("def f")])
def test_extracted_programs_are_valid(case: str) -> None:
    """What was extracted parses and defines the entry point."""
    assert defines(extract_program(ANSWERS[case][0], "f"), "f")


VALID: Mapping[str, tuple[str, bool]] = {
    "a function": (F, True),
    "an async function": ("async def f(): ...", True),
    "a class": ("class f: ...", True),
    "a lambda": ("f = lambda xs: sum(xs)", True),
    "an annotated name": ("f: object = sum", True),
    "an import": ("from math import prod as f", True),
    "another function": (G, False),
    "a nested function": ("def g():\n    def f(): ...\n", False),
    "an annotation without a value": ("f: int", False),
    "only a use": ("print(f)", False),
    "a syntax error": ("def f(:", False),
    "a null byte": ("def f(): ...\x00", False),
    "a lone surrogate": ("def f(): return '\ud800'", False),
    "prose": ("I cannot help with that.", False),
    "nothing": ("", False),
    "brackets without end": ("f = " + "(" * 10_000, False),
    "a bad escape, of which Python only warns": ("def f(): return '\\d'", True),
}


@pytest.mark.parametrize("case", VALID)
def test_validity(case: str) -> None:
    """A program is valid if it parses and defines the entry point at its top level."""
    source, valid = VALID[case]
    assert defines(source, "f") is valid


def test_without_an_entry_point_a_program_need_only_parse() -> None:
    """An empty one is no program."""
    assert defines("print(1)", None)
    assert not defines("# nothing", None)


def measured(metric: str, *answers: str) -> Estimate:
    """A metric of answers to a built-in prompt whose entry point is `f`."""
    samples = SampleSet.of({"whole-number-fact": list(answers)})
    return measure(samples, metric, domain="code")


def test_validity_asks_for_the_entry_point_of_the_prompt() -> None:
    """Half of these answers define `f`."""
    assert measured("validity", f"```\n{F}```", G, F, "no").value == 0.5


def test_meaning_is_undefined_without_execution() -> None:
    """Programs are not run, and the sentence says how to change that."""
    for metric in ("pair_semantic", "effective_pairs"):
        found = measured(metric, F, F)
        assert found.value is None
        assert found.defined == 0
        assert found.reason is not None
        assert "running generated programs is off" in found.reason
        assert "--diversity-allow-execution" in found.reason


def test_comments_are_no_diversity() -> None:
    """The same program with other comments is the same, word by word."""
    assert measured("pair_distinct", F, f"# one\n{F}", f"```\n{F}# two\n```").value == 0.5


def test_an_unknown_prompt_has_no_entry_point() -> None:
    """Samples of prompts that the domain does not know are judged by what is known: they parse."""
    domain: Domain = BUILTIN_DOMAINS["code"]
    features = features_of(SampleSet.of({"elsewhere": [F, G, "no!"]}), domain)
    assert estimate(features, parse("validity")).value == pytest.approx(2 / 3)


def judged(*verdicts: tuple[str | None, ...]) -> Features:
    """Features of programs whose checks came to this, a prompt each."""
    prompts = {
        f"p{n}": Prompt(prompt="?", entry_point="f", check="def check(candidate): ...")
        for n in range(len(verdicts))
    }
    outcomes = [
        Outcome(kind or "bad-check", None if kind else "cannot be loaded: SyntaxError")
        for group in verdicts
        for kind in group
    ]
    samples = SampleSet.of(
        {
            name: [f"def f(x): return {n}" for n in range(len(group))]
            for name, group in zip(prompts, verdicts, strict=True)
        }
    )
    return features_of(
        samples,
        BUILTIN_DOMAINS["code"],
        prompts=prompts,
        execute=lambda _: [Execution(verdict=one) for one in outcomes],
    )


def test_a_check_at_fault_leaves_its_prompt_out_and_is_named() -> None:
    """No program fails by it, also none that it could not be tried on, and the gate goes on."""
    found = estimate(judged(("ok", "wrong"), (None, "syntax")), parse("correctness"))
    assert found.per_prompt == {"p0": 0.5}
    assert "the check of prompt 'p1' cannot be loaded: SyntaxError" in " ".join(found.notes)


def test_where_every_check_is_at_fault_correctness_is_undefined() -> None:
    """The reason names the prompt and the check."""
    found = estimate(judged((None, "ok")), parse("correctness"))
    assert found.value is None
    assert found.reason is not None
    assert "the check of prompt 'p0' cannot be loaded: SyntaxError" in found.reason


def test_a_program_is_not_invalid_by_a_check_at_fault() -> None:
    """Nothing is known of it by that check."""
    assert Execution(verdict=Outcome("bad-check", "why")).valid
