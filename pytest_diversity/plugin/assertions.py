"""The assertions a user writes, as functions and as methods of the `diversity` fixture.

Each compares one family of one domain with a budget, for the checkpoint under test or for samples
passed in, and returns the verdict. It raises `BudgetFailure` when the budget is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast

from pytest_diversity.config.budget import BOUNDS, CHANGES, Budget, Change, Level
from pytest_diversity.config.options import Options
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.estimate import Estimate, Samples
from pytest_diversity.families import FAMILIES
from pytest_diversity.features import Features
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.plugin import current
from pytest_diversity.plugin.discovery import find_config
from pytest_diversity.plugin.runs import enforce, session_of
from pytest_diversity.samples import SampleSet
from pytest_diversity.session import Session
from pytest_diversity.verdict import Verdict

if TYPE_CHECKING:  # rarely asked for
    from pytest_diversity.profiles import DomainProfile

__all__ = [
    "Bounds",
    "Diversity",
    "assert_effective_diversity",
    "assert_lexical_diversity",
    "assert_no_diversity_regression",
    "assert_quality",
    "assert_semantic_diversity",
    "assert_syntactic_diversity",
]


class Bounds(TypedDict, total=False):
    """The keyword arguments of every assertion.

    Without any bound given, the domain's budget in `diversity.toml` holds.

    Attributes:
        min: Lowest value allowed.
        max: Highest value allowed.
        max_drop: Largest loss of diversity against `reference`: `0.02`, or `"5%"` of its value.
        max_rise: Largest gain, likewise.
        max_quality_loss: Largest part of a loss of effective diversity that fewer valid answers may
            have, likewise.
        max_narrowing: Largest part that less diversity among valid answers may have.
        worst_group_min: Lowest value allowed for the lowest group of prompts.
        reference: A checkpoint's name, or samples.
        metric: A metric's name; the default of the domain's kind for the family if left out.
        length_control: `windows` and `rarefy` judge changes at equal token counts, `off` does not.
        level: `error` fails the test, `warn` says so in the summary, `off` only measures.
        quality: Which judge says what an answer is, such as `adequate`; the domain's if left out.
        label: What samples that are passed in are called in reports.
    """

    min: float
    max: float
    max_drop: float | str
    max_rise: float | str
    max_quality_loss: float | str
    max_narrowing: float | str
    worst_group_min: float
    reference: str | Samples
    metric: str
    length_control: Literal["windows", "rarefy", "off"]
    level: Level
    quality: str | Mapping[str, Any]
    label: str


_NO_BUDGET = ("quality", "label")  # what is said beside a budget


class Diversity:
    """A checkpoint under test: what the `diversity` fixture gives.

    Attributes:
        checkpoint: Its name, None where there is none and samples must be passed in.
    """

    def __init__(self, session: Session, checkpoint: str | None) -> None:
        """Work on `checkpoint` in `session`."""
        self._session = session
        self.checkpoint = checkpoint

    def samples(self, domain: str, *, checkpoint: str | None = None) -> SampleSet:
        """The samples in `domain` of the checkpoint, or of another one, such as its reference.

        They are from the store where they are.
        """
        return self._session.workspace.samples(checkpoint or self._name(), domain)

    def measure(self, metric: str, *, domain: str) -> Estimate:
        """Estimate `metric` for the checkpoint in `domain`, without judging it."""
        return self._session.workspace.estimate(self._name(), domain, metric)

    def profile(self, domain: str, *, checkpoint: str | None = None) -> DomainProfile:
        """Every family of the checkpoint, or of another one, in `domain`: one value that prints."""
        return self._session.workspace.profile(checkpoint or self._name(), domain)

    def assert_lexical_diversity(
        self, samples: Samples | None = None, *, domain: str, **bounds: Unpack[Bounds]
    ) -> Verdict:
        """Gate the words; see `Bounds`."""
        __tracebackhide__ = True
        return self._assert("lexical", samples, domain, bounds)

    def assert_syntactic_diversity(
        self, samples: Samples | None = None, *, domain: str, **bounds: Unpack[Bounds]
    ) -> Verdict:
        """Gate the structure; see `Bounds`."""
        __tracebackhide__ = True
        return self._assert("syntactic", samples, domain, bounds)

    def assert_semantic_diversity(
        self, samples: Samples | None = None, *, domain: str, **bounds: Unpack[Bounds]
    ) -> Verdict:
        """Gate the meanings; see `Bounds`."""
        __tracebackhide__ = True
        return self._assert("semantic", samples, domain, bounds)

    def assert_effective_diversity(
        self, samples: Samples | None = None, *, domain: str, **bounds: Unpack[Bounds]
    ) -> Verdict:
        """Gate the meanings among samples that pass the quality threshold; see `Bounds`."""
        __tracebackhide__ = True
        return self._assert("effective", samples, domain, bounds)

    def assert_quality(
        self, samples: Samples | None = None, *, domain: str, **bounds: Unpack[Bounds]
    ) -> Verdict:
        """Gate the share of samples that pass the quality threshold; see `Bounds`."""
        __tracebackhide__ = True
        return self._assert("quality", samples, domain, bounds)

    def assert_no_diversity_regression(
        self,
        samples: Samples | None = None,
        *,
        domain: str,
        family: str,
        **bounds: Unpack[Bounds],
    ) -> Verdict:
        """Gate the change of `family` against `reference`.

        Without a bound on a change, any drop that the prompts can tell from noise fails.
        """
        __tracebackhide__ = True
        if family not in FAMILIES:
            raise ConfigError(f"unknown family {family!r}", fix=did_you_mean(family, FAMILIES))
        given: Bounds = bounds if set(CHANGES) & set(bounds) else {**bounds, "max_drop": 0.0}
        return self._assert(family, samples, domain, given)

    assert_no_regression = assert_no_diversity_regression

    def _assert(self, family: str, samples: Samples | None, domain: str, bounds: Bounds) -> Verdict:
        __tracebackhide__ = True
        verdict = self._judge(family, samples, domain, bounds)
        return enforce(verdict, strict=self._session.options.strict)

    def _judge(self, family: str, samples: Samples | None, domain: str, bounds: Bounds) -> Verdict:
        judge, quality, label = self._session.judge, bounds.get("quality"), bounds.get("label", "")
        if label and samples is None:
            raise ConfigError(
                f"label {label!r} would rename a checkpoint", fix="leave it out, or pass samples"
            )
        bounds = cast("Bounds", {key: one for key, one in bounds.items() if key not in _NO_BUDGET})
        budget, given = self._budget(family, domain, bounds)
        gate = Gate(self._name() if samples is None else "", domain, family, budget, label)
        if samples is None and given is None and quality is None:
            return judge.judge(gate)
        features = self._features(samples, domain)
        if quality is not None:
            features = features.judged_by(Quality.parse(quality))
        reference = judge.against(gate, given) if given else judge.reference(gate)
        return judge.judge_on(gate, features, reference)

    def _features(self, samples: Samples | None, domain: str) -> Features:
        workspace = self._session.workspace
        if samples is None:
            return workspace.features(self._name(), domain)
        return workspace.features_of(SampleSet.of(samples), workspace.domain(domain))

    def _budget(self, family: str, domain: str, bounds: Bounds) -> tuple[Budget, Features | None]:
        """The budget, and the features of the reference where samples were given for it."""
        values: dict[str, Any] = dict(bounds)
        known = Bounds.__annotations__
        for key in values:
            if key not in known:
                raise ConfigError(f"unknown argument {key!r}", fix=did_you_mean(key, known))
        values = {key: value for key, value in values.items() if value is not None}
        if not set(BOUNDS) & set(values):
            return self._from_file(family, domain, values), None
        for key in set(CHANGES) & set(values):
            values[key] = Change.parse(values[key])
        reference = values.get("reference", self._session.config.reference)
        budget = Budget(
            **{**values, "reference": reference if isinstance(reference, str) else None}
        )
        if not budget.compares or isinstance(reference, str):
            return budget, None
        if reference is None:
            named = ", ".join(budget.changes)
            raise ConfigError(f"{named}: a change needs a reference", fix='add reference="NAME"')
        return replace(budget, reference="reference"), self._features(reference, domain)

    def _from_file(self, family: str, domain: str, values: Mapping[str, Any]) -> Budget:
        budget = self._session.workspace.domain(domain).budgets.get(family)
        if budget is None:
            raise ConfigError(
                f"no bound for {domain} {family}",
                fix=f"give {', '.join(BOUNDS)}, or a budget in diversity.toml",
            )
        return replace(budget, **values)

    def _name(self) -> str:
        if self.checkpoint is None:
            raise ConfigError(
                "there is no checkpoint under test here",
                fix="let the test take the diversity fixture, or pass samples",
            )
        return self.checkpoint


def _current() -> Diversity:
    """The running test's diversity; without a fixture, one that needs samples passed in."""
    found = current.test.get()
    if found is not None:
        return Diversity(*found)
    config = current.run.get()
    if config is None:
        return Diversity(Session(Config(), Options(), Path()), None)
    return Diversity(session_of(config, find_config(config, current.path.get())), None)


def assert_lexical_diversity(
    samples: Samples | None = None, /, *, domain: str, **bounds: Unpack[Bounds]
) -> Verdict:
    """Gate the words of the checkpoint under test, or of `samples`.

    Args:
        samples: What is gated in place of the checkpoint under test: texts by prompt, the texts of
            one prompt, or a SampleSet.
        domain: Its name: one of the file, or `code`, `creative_writing` or `prose`.
        bounds: What is asked, as `Bounds` says; without any, the domain's budget in the file.

    Returns:
        The verdict: `pass`, or what else does not fail a test, as `unclear` where it may.

    Raises:
        BudgetFailure: The budget is not kept, or the value undefined; the message has the evidence.
        ConfigError: A bound, the domain or the reference cannot be, or there is nothing to gate.
        DataError: `samples` is not of a readable form.
    """
    __tracebackhide__ = True
    return _current().assert_lexical_diversity(samples, domain=domain, **bounds)


def assert_syntactic_diversity(
    samples: Samples | None = None, /, *, domain: str, **bounds: Unpack[Bounds]
) -> Verdict:
    """Gate the structure of the checkpoint's answers, or of `samples`.

    Arguments, result and errors are those of `assert_lexical_diversity`.
    """
    __tracebackhide__ = True
    return _current().assert_syntactic_diversity(samples, domain=domain, **bounds)


def assert_semantic_diversity(
    samples: Samples | None = None, /, *, domain: str, **bounds: Unpack[Bounds]
) -> Verdict:
    """Gate the meanings of the checkpoint's answers, or of `samples`.

    Arguments, result and errors are those of `assert_lexical_diversity`.
    """
    __tracebackhide__ = True
    return _current().assert_semantic_diversity(samples, domain=domain, **bounds)


def assert_effective_diversity(
    samples: Samples | None = None, /, *, domain: str, **bounds: Unpack[Bounds]
) -> Verdict:
    """Gate the meanings among the answers that pass the quality threshold.

    Arguments, result and errors are those of `assert_lexical_diversity`.
    """
    __tracebackhide__ = True
    return _current().assert_effective_diversity(samples, domain=domain, **bounds)


def assert_quality(
    samples: Samples | None = None, /, *, domain: str, **bounds: Unpack[Bounds]
) -> Verdict:
    """Gate the share of answers that pass the quality threshold.

    Arguments, result and errors are those of `assert_lexical_diversity`.
    """
    __tracebackhide__ = True
    return _current().assert_quality(samples, domain=domain, **bounds)


def assert_no_diversity_regression(
    samples: Samples | None = None, /, *, domain: str, family: str, **bounds: Unpack[Bounds]
) -> Verdict:
    """Gate the change of a family against `reference`.

    Without a bound on a change, any drop that the prompts can tell from noise fails. The other
    arguments, result and errors are those of `assert_lexical_diversity`.

    Args:
        samples: As there.
        domain: As there.
        family: `lexical`, `syntactic`, `semantic`, `effective` or `quality`.
        bounds: As there.
    """
    __tracebackhide__ = True
    now = _current()
    return now.assert_no_diversity_regression(samples, domain=domain, family=family, **bounds)
