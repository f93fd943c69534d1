"""A language model as a judge: `llm:CHECKPOINT`, asked by a rubric of the suite's.

As in RLAIF (2309.00267). It is asked as any checkpoint is sampled: greedily, once for each answer,
by whatever engine or server it is on, with its retries and limits, and what it said is stored. Each
answer is scored by itself, so there is no order of answers to be biased by; that longer answers get
higher scores is measured, and said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import ConfigError, JudgeError, first_line
from pytest_diversity.judges.protocol import Judge, Pair
from pytest_diversity.judges.tools import Tools

__all__ = ["find", "parse"]

_VERSION = "1"
_CALLS = 1000  # as many as a judge is asked in a run, unless a domain says otherwise
_LOW, _HIGH = 0.0, 10.0
_PLACES = ("{prompt}", "{answer}")
_FORM = """

End with one line of this form, N from 0 (worst) to 10 (best), and nothing after it:
Score: N"""
_SCORE = re.compile(r"^[ \t]*score:[ \t]*(\d{1,2}(?:\.\d+)?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"\s*(\d{1,2}(?:\.\d+)?)\s*")


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge; the checkpoint is asked when there is something to score.

    Raises:
        ConfigError: There is no such checkpoint, or the rubric is none.
    """
    name, rubric = quality.judge.partition(":")[2], _rubric(quality, tools.root)
    if tools.ask is None:
        raise ConfigError(
            f"the judge {quality.judge!r} is a checkpoint of a diversity.toml, and there is none",
            fix="name one in [checkpoints], and measure in a test of that suite",
        )
    asked = tools.ask(name)
    most = _CALLS if quality.max_calls is None else quality.max_calls
    digest = hashlib.sha256(f"{asked.identity}|{rubric}".encode()).hexdigest()[:12]

    def score(pairs: Sequence[Pair]) -> list[float | None]:
        calls = asked.count + len(pairs)
        if calls > most:
            raise JudgeError(
                f"{quality.judge!r} would be asked {calls} times, more than max_calls = {most}",
                fix="raise max_calls, or judge fewer samples",
            )
        return [parse(reply) for reply in asked([_filled(rubric, *pair) for pair in pairs])]

    return Judge(
        quality.judge, f"{_VERSION} ({digest})", score, high=_HIGH, threshold=5.0, by_length=True
    )


def parse(reply: str) -> float | None:
    """The score in a reply: its one line `Score: N`, or a number that is all of it; else None.

    What is out of range, said twice or followed by anything is no score.
    """
    alone = _NUMBER.fullmatch(reply)
    lines = _SCORE.findall(reply)
    if alone is None and (len(lines) != 1 or not _SCORE.match(reply.rstrip().splitlines()[-1])):
        return None
    score = float(alone[1] if alone else lines[0])
    return score if _LOW <= score <= _HIGH else None


def _filled(rubric: str, prompt: str, answer: str) -> str:
    """The question; placeholders in prompt and answer are theirs, and stay."""
    places = dict(zip(_PLACES, (prompt, answer), strict=True))
    return re.sub("|".join(map(re.escape, _PLACES)), lambda found: places[found[0]], rubric) + _FORM


def _rubric(quality: Quality, root: Path) -> str:
    """The text, or that of the file.

    Raises:
        ConfigError: There is none, or it does not say where prompt and answer go.
    """
    said = quality.rubric
    if said is None:
        raise ConfigError(
            f"the judge {quality.judge!r} needs a rubric",
            fix='add rubric = "rubric.txt", a text with {prompt} and {answer}',
        )
    if "{" not in said:
        try:
            said = (root / said).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the rubric {said!r} cannot be read: {first_line(error)}",
                fix="name a file of text, or write the rubric itself",
            ) from None
    for place in _PLACES:
        if place not in said:
            raise ConfigError(f"the rubric has no {place}", fix=f"write {place} where it is to go")
    return said
