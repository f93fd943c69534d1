"""A language model as a judge: `llm:CHECKPOINT`, asked by a rubric of the suite's.

About one answer, how good it is; or about two, whether they mean the same, in both orders.

As in RLAIF (2309.00267). It is asked as any checkpoint is sampled: greedily, once for each answer,
by whatever engine or server it is on, with its retries and limits, and what it said is stored. Each
answer is scored by itself, so there is no order of answers to be biased by; that longer answers get
higher scores is measured, and said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_diversity.config.quality import Alike, Quality
from pytest_diversity.errors import ConfigError, JudgeError, first_line
from pytest_diversity.judges.protocol import Judge, Texts
from pytest_diversity.judges.tools import Tools

__all__ = ["find", "parse", "parse_same"]

_VERSION = "1"
_CALLS = 1000  # as many as a judge is asked in a run, unless a domain says otherwise
_LOW, _HIGH = 0.0, 10.0
_SCORE_FORM = """

End with one line of this form, N from 0 (worst) to 10 (best), and nothing after it:
Score: N"""
_SAME_FORM = """

End with one line, and nothing after it, that is one of these two:
Same: yes
Same: no"""
_SCORE = re.compile(r"^[ \t]*score:[ \t]*(\d{1,2}(?:\.\d+)?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"\s*(\d{1,2}(?:\.\d+)?)\s*")
_SAME = re.compile(r"^[ \t]*same:[ \t]*(yes|no)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_YES_OR_NO = re.compile(r"\s*(yes|no)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Task:
    """What a model is asked.

    Attributes:
        places: Where its rubric may say what is judged goes, in the order of the texts.
        needed: Those that it must have.
        form: How the reply is to end.
        read: What a reply says; None where it is not of that form.
        high: The highest score.
        by_length: Whether it may favour long texts.
    """

    places: tuple[str, ...]
    needed: tuple[str, ...]
    form: str
    read: Callable[[str], float | None]
    high: float
    by_length: bool


def find(quality: Quality, tools: Tools) -> Judge:
    """The judge; the checkpoint is asked when there is something to score.

    Raises:
        ConfigError: There is no such checkpoint, or the rubric is none.
    """
    task = _TO_COMPARE if isinstance(quality, Alike) else _TO_SCORE
    name, rubric = quality.judge.partition(":")[2], _rubric(quality, task, tools.root)
    if tools.ask is None:
        raise ConfigError(
            f"the judge {quality.judge!r} is a checkpoint of a diversity.toml, and there is none",
            fix="name one in [checkpoints], and measure in a test of that suite",
        )
    asked = tools.ask(name)
    most = _CALLS if quality.max_calls is None else quality.max_calls
    digest = hashlib.sha256(f"{asked.identity}|{rubric}".encode()).hexdigest()[:12]

    def score(pairs: Sequence[Texts]) -> list[float | None]:
        calls = asked.count + len(pairs)
        if calls > most:
            raise JudgeError(
                f"{quality.judge!r} would be asked {calls} times, more than max_calls = {most}",
                fix="raise max_calls, or judge fewer samples",
            )
        questions = [
            _filled(rubric, dict(zip(task.places, pair, strict=True))) + task.form for pair in pairs
        ]
        return [task.read(reply) for reply in asked(questions, most)]

    return Judge(
        quality.judge,
        f"{_VERSION} ({digest})",
        score,
        high=task.high,
        threshold=task.high / 2,
        by_length=task.by_length,
    )


def parse(reply: str) -> float | None:
    """The score in a reply: its one line `Score: N`, or a number that is all of it; else None.

    What is out of range, said twice or followed by anything is no score.
    """
    said = _said(reply, _NUMBER, _SCORE)
    score = None if said is None else float(said)
    return score if score is not None and _LOW <= score <= _HIGH else None


def parse_same(reply: str) -> float | None:
    """1 for yes, 0 for no: its one line `Same: yes`, or a word that is all of it; else None."""
    said = _said(reply, _YES_OR_NO, _SAME)
    return None if said is None else float(said.lower() == "yes")


def _said(reply: str, alone: re.Pattern[str], line: re.Pattern[str]) -> str | None:
    """What is all of a reply, or its one line of the form and the last; else None."""
    whole = alone.fullmatch(reply)
    if whole is not None:
        return whole[1]
    lines: list[str] = line.findall(reply)
    if len(lines) != 1 or not line.match(reply.rstrip().splitlines()[-1]):
        return None
    return lines[0]


_TO_SCORE = _Task(
    ("{prompt}", "{answer}"), ("{prompt}", "{answer}"), _SCORE_FORM, parse, _HIGH, by_length=True
)
_TO_COMPARE = _Task(
    ("{prompt}", "{one}", "{other}"),
    ("{one}", "{other}"),
    _SAME_FORM,
    parse_same,
    1.0,
    by_length=False,
)


def _filled(rubric: str, places: Mapping[str, str]) -> str:
    """The question; placeholders in prompt and answers are theirs, and stay."""
    return re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], rubric)


def _rubric(quality: Quality, task: _Task, root: Path) -> str:
    """The text, or that of the file.

    Raises:
        ConfigError: There is none, or it does not say where what is judged goes.
    """
    said = quality.rubric
    if said is None:
        raise ConfigError(
            f"the judge {quality.judge!r} needs a rubric",
            fix=f'add rubric = "rubric.txt", a text with {" and ".join(task.needed)}',
        )
    if "{" not in said:
        try:
            said = (root / said).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the rubric {said!r} cannot be read: {first_line(error)}",
                fix="name a file of text, or write the rubric itself",
            ) from None
    for place in task.needed:
        if place not in said:
            raise ConfigError(f"the rubric has no {place}", fix=f"write {place} where it is to go")
    return said
