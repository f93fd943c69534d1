"""A judge of quality: (prompt, text) -> score, and from which score on a text is an answer.

One protocol for all of them, ours and those that a suite registers. A judge scores many pairs at
once, since most of them are models; what it gave once is remembered under its name and version.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left, bisect_right
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass
from itertools import islice
from statistics import StatisticsError, correlation
from typing import Any, Literal, TypeAlias

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import ConfigError, DiversityError, JudgeError, unexpected
from pytest_diversity.progress import Count, counting, uncounted

__all__ = ["Assessed", "Judge", "Pair", "Score", "Texts", "assess", "each", "remembered"]

_ENOUGH = 20  # texts from which a correlation with length is worth a word
_BIASED = 0.3

Pair: TypeAlias = tuple[str, str]  # a prompt and a text
Texts: TypeAlias = tuple[str, ...]  # such a pair, or a prompt and two answers to be told apart
Score: TypeAlias = Callable[[Sequence[Any]], Iterable[float | None]]


@dataclass(frozen=True, slots=True)
class Judge:
    """What judges answers.

    Attributes:
        name: Its name in configurations, baselines and reports.
        version: Part of what its scores are remembered by: another one gives other scores.
        score: A score of each of many (prompt, text), in order; None where it has none to give.
        better: The direction of better answers: `up` or `down`.
        low: The lowest score there is.
        high: The highest.
        threshold: From which score on a text is an answer, unless a domain says otherwise; None
            where a domain must say it.
        note: What must be said beside values that rest on it.
        by_length: Whether it may favour long answers, so that this is measured and said.
        kept: Whether its scores are remembered: what costs less than a look-up need not be.
    """

    name: str
    version: str
    score: Score
    better: Literal["up", "down"] = "up"
    low: float = 0.0
    high: float = 1.0
    threshold: float | None = None
    note: str = ""
    kept: bool = True
    by_length: bool = False

    def __post_init__(self) -> None:
        """Refuse a name, direction, range or threshold that is none.

        Raises:
            ConfigError: In one sentence.
        """
        if self.better not in ("up", "down") or not self.low < self.high:
            raise ConfigError(
                f"the judge {self.name!r} has the range {self.low} to {self.high}, "
                f"better {self.better!r}",
                fix='give low < high, and better="up" or "down"',
            )
        if self.threshold is not None:
            self.check(self.threshold)

    def check(self, threshold: float) -> None:
        """Make sure that a score can be a threshold.

        Raises:
            ConfigError: It is outside the range.
        """
        if not self.low <= threshold <= self.high:
            raise ConfigError(
                f"threshold {threshold:g} is outside the range of the judge {self.name!r}, "
                f"{self.low:g} to {self.high:g}",
                fix="change the threshold",
            )

    @property
    def key(self) -> str:
        """Under which its scores are remembered."""
        return f"{self.name} {self.version}"

    def passes(self, score: float | None, threshold: float) -> bool:
        """Whether a score is that of an answer; none is not."""
        if score is None:
            return False
        return score >= threshold if self.better == "up" else score <= threshold


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a judge made of (prompt, text) pairs.

    Attributes:
        judge: Which one.
        threshold: From which score on a text is an answer.
        scores: One for each pair, in order; None where the judge had none to give.
        length: That the scores go with length, where they do.
    """

    judge: Judge
    threshold: float
    scores: tuple[float | None, ...]
    length: str | None = None

    @property
    def valid(self) -> list[bool]:
        """Whether each text is an answer; one without a score is not."""
        return [self.judge.passes(score, self.threshold) for score in self.scores]

    @property
    def bar(self) -> str:
        """Judge, version and threshold: what validity depends on."""
        relation = ">=" if self.judge.better == "up" else "<="
        return f"{self.judge.key} {relation} {self.threshold!r}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside values that rest on it."""
        lacking = sum(score is None for score in self.scores)
        said = [self.judge.note] if self.judge.note else []
        if lacking:
            of = f"{lacking} of {len(self.scores)} samples"
            said.append(f"{self.judge.name} gave {of} no score: they count as invalid")
        return (*said, *([self.length] if self.length else []))


def each(function: Callable[[str, str], Any]) -> Score:
    """A function of one prompt and one text, as one of many pairs."""
    return lambda pairs: (function(prompt, text) for prompt, text in pairs)


def length_note(judge: Judge, pairs: Sequence[Texts], scores: Sequence[float | None]) -> str | None:
    """That scores rise or fall with the length of the text, where they do."""
    both = zip(pairs, scores, strict=True)
    known = [(len(texts[-1]), score) for texts, score in both if score is not None]
    if len(known) < _ENOUGH:
        return None
    rho = _correlation(*(_ranks(side) for side in zip(*known, strict=True)))
    if abs(rho) < _BIASED:
        return None
    size = f"Spearman {rho:+.2f} over {len(known)} samples"
    return f"the scores of {judge.name} go with length: {size}"


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each, equal ones sharing theirs."""
    order = sorted(values)
    return [(bisect_left(order, one) + bisect_right(order, one) - 1) / 2 for one in values]


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's; 0 where a side does not vary."""
    try:
        return correlation(one, other)
    except StatisticsError:
        return 0.0


def assess(
    judge: Judge,
    pairs: Sequence[Texts],
    quality: Quality,
    memory: MutableMapping[str, float] | None = None,
    count: Count = uncounted,
) -> Assessed:
    """Score `pairs`, each once, and those that `memory` does not know alone.

    Args:
        judge: What scores them.
        pairs: (prompt, text), or (prompt, one answer, another).
        quality: From which score on a text is an answer; the judge's own threshold if it says none.
        memory: Scores of this judge, by `digest`.
        count: Shows how far a judge is that scores one after the other.

    Raises:
        JudgeError: The judge failed, gave another number of scores, one that is no number or one
            out of its range, or there is no threshold or one out of range. Nothing is remembered.
    """
    threshold = judge.threshold if quality.threshold is None else quality.threshold
    if threshold is None and quality.percentile is None:
        raise JudgeError(
            f"the judge {judge.name!r} has no threshold of its own",
            fix='set quality = { judge = "...", threshold = 0.5 } or "reference:p20"',
        )
    if threshold is not None:
        judge.check(threshold)
    known = memory if memory is not None and judge.kept else {}
    scores = tuple(remembered(judge, pairs, known, count))
    if threshold is None or quality.percentile is not None:
        threshold = _percentile(judge, scores, quality.percentile or 0.0)
    length = length_note(judge, pairs, scores) if judge.by_length else None
    return Assessed(judge, threshold, scores, length)


def _percentile(judge: Judge, scores: Sequence[float | None], percentile: float) -> float:
    """The score that this percentage of the samples falls short of, between two by proportion."""
    order = sorted(one for one in scores if one is not None)
    if not order:
        raise JudgeError(
            f"the judge {judge.name!r} gave the reference no score", fix="give a threshold"
        )
    share = percentile if judge.better == "up" else 100 - percentile
    place = share / 100 * (len(order) - 1)
    low = int(place)
    high = min(low + 1, len(order) - 1)
    return order[low] + (place - low) * (order[high] - order[low])


def unknown(pairs: Sequence[Texts], memory: Mapping[str, float]) -> int:
    """How many different pairs are not in `memory`."""
    return sum(digest not in memory for digest in {_digest(*pair) for pair in pairs})


def remembered(
    judge: Judge,
    pairs: Sequence[Texts],
    memory: MutableMapping[str, float],
    count: Count = uncounted,
) -> list[float | None]:
    """The score of each pair; those that are not in `memory` are asked for once, and kept."""
    digests = [_digest(*pair) for pair in pairs]
    by_digest = dict(zip(digests, pairs, strict=True))
    known: dict[str, float | None] = {}
    for digest in by_digest:
        found = memory.get(digest)
        if found is not None:
            known[digest] = found
    missing = [digest for digest in by_digest if digest not in known]
    if missing:
        scores = _scores(judge, [by_digest[one] for one in missing], count)
        fresh = dict(zip(missing, scores, strict=True))
        memory.update({one: score for one, score in fresh.items() if score is not None})
        known.update(fresh)
    return [known[digest] for digest in digests]


def _scores(judge: Judge, pairs: Sequence[Texts], count: Count) -> list[float | None]:
    """What the judge says of `pairs`, checked."""
    try:
        found = judge.score(pairs)
        if isinstance(found, Iterator):  # others were done at once, and have counted by themselves
            found = counting(found, len(pairs), count)
        given = list(islice(found, len(pairs) + 1))  # some never end
    except DiversityError:
        raise
    except Exception as error:  # a judge of the user's may raise anything
        raise JudgeError(
            f"the judge {judge.name!r} failed: {unexpected(error)}",
            fix="correct it: it must give a score for any text",
        ) from error
    if len(given) != len(pairs):
        raise JudgeError(
            f"the judge {judge.name!r} gave {_count(given, pairs)} scores for {len(pairs)} texts",
            fix="it must give one for each, in order",
        )
    return [_checked(judge, score) for score in given]


def _count(given: Sequence[object], pairs: Sequence[Texts]) -> str:
    return "more" if len(given) > len(pairs) else str(len(given))


def _checked(judge: Judge, score: object) -> float | None:
    if score is None:
        return None
    try:
        value = float(score)  # type: ignore[arg-type] # numbers of numpy and torch are some, too
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if isinstance(score, str | bytes) or not math.isfinite(value):
        raise JudgeError(
            f"the judge {judge.name!r} gave {score!r:.60} as a score, which is no number",
            fix="give None where there is no score",
        )
    if not judge.low <= value <= judge.high:
        raise JudgeError(
            f"the judge {judge.name!r} gave the score {value:g}, outside its range "
            f"{judge.low:g} to {judge.high:g}",
            fix="declare its range with low and high",
        )
    return value


def _digest(*texts: str) -> str:
    """Of all, and of where each ends."""
    joined = "".join(f"{len(text)}|{text}" for text in texts[:-1]) + texts[-1]
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
