"""A run that is over, as every report of it is told: one frozen value, made in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_diversity.events import Broken, Damaged, Drawn, Judged
from pytest_diversity.features import Features
from pytest_diversity.verdict import Verdict

__all__ = ["TROUBLES", "RunReport", "Subject", "by_trouble", "once_each", "trouble"]

# The worst first.
TROUBLES = ("failed", "warned", "unclear", "passed")


@dataclass(frozen=True, slots=True)
class Subject:
    """A checkpoint in a domain, as it was sampled: under test, or as a reference.

    Attributes:
        config: The configuration file, relative to the root; empty without one.
        checkpoint: Its name.
        domain: The domain's name.
        source: Where its weights are, as it was written; with its adapter, if it has one.
        prompts: How many prompts it has answered.
        samples: How often it has answered each, on average; rounded up.
        settings: How its answers were drawn and read, as plain JSON values.
        fingerprints: What its values depend on, by name: `weights`, `prompts`, `engine`, `device`,
            `dtype`, `embedder`, and versions of libraries; less what cannot be known without
            loading a model.
        features: Gives its samples and what is known of them; None where they cannot be read.
    """

    config: str
    checkpoint: str
    domain: str
    source: str
    prompts: int
    samples: int
    settings: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    features: Callable[[], Features | None] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RunReport:
    """What every writer of a report takes.

    Attributes:
        judged: Every gate once, its last verdict, the worst first; see `by_trouble`.
        broken: Tests of gates that failed of something else than a verdict.
        drawings: Where samples came from, as often as they were asked for.
        damages: What of the store was not as it was written.
        said: What else the run has left to say, a line each.
        subjects: What was sampled, of each checkpoint and domain.
        root: What paths of files are relative to.
        exit_status: Of the whole run, tests of other plugins included; 0 where all went well.
        time: When the run ended, in UTC.
        version: Of this package.
    """

    judged: tuple[Judged, ...]
    broken: tuple[Broken, ...]
    drawings: tuple[Drawn, ...]
    damages: tuple[Damaged, ...]
    said: tuple[str, ...]
    subjects: tuple[Subject, ...]
    root: Path
    exit_status: int
    time: datetime
    version: str

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts, the worst first."""
        return tuple(one.verdict for one in self.judged)

    @property
    def passed(self) -> bool:
        """Whether no gate has failed its test, be it by its verdict or by an error."""
        return not self.broken and not any(one.fails for one in self.judged)

    def subject(self, judged: Judged, checkpoint: str | None = None) -> Subject | None:
        """What a verdict speaks of, or `checkpoint`, its reference; None for samples at hand."""
        wanted = judged.config, checkpoint or judged.verdict.checkpoint, judged.verdict.domain
        found = (one for one in self.subjects if (one.config, one.checkpoint, one.domain) == wanted)
        return next(found, None)


def trouble(judged: Judged) -> str:
    """How much a verdict asks for attention: `failed`, `warned`, `unclear` or `passed`."""
    if judged.fails or judged.verdict.status in {"fail", "undefined"}:
        return "warned" if judged.verdict.warned else "failed"
    return "unclear" if judged.verdict.status == "unclear" else "passed"


def by_trouble(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """The worst first; as they came among those that are as bad."""
    return tuple(sorted(judged, key=_rank))


def once_each(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """One verdict on each gate, where the first one stood, whatever order the tests ran in.

    A gate that several tests judge is one gate, and the worst of their verdicts is told; of a
    flaky test that is run again, the last. Of samples at hand, which have no name or one that a
    test gives as often as it likes, only verdicts that say all the same are one.
    """
    gates: dict[object, dict[str, Judged]] = {}
    for one in judged:
        verdict = one.verdict
        gate = (verdict.domain, verdict.family, verdict.metric, verdict.budget, verdict.level)
        own = verdict.checkpoint or (one.test, verdict.headline, verdict.details)
        gates.setdefault((one.config, own, gate), {})[one.test] = one
    return tuple(
        min(tests.values(), key=lambda one: (_rank(one), one.test)) for tests in gates.values()
    )


def _rank(judged: Judged) -> int:
    return TROUBLES.index(trouble(judged))
