"""Baselines in a run: what is compared with them, what is recorded, what may be pruned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote

from pytest_diversity.baselines import file
from pytest_diversity.baselines.file import RECORD, BaselineError, Profile, Values
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.bar import judged, rests_on_judge
from pytest_diversity.domains.instruments import instruments
from pytest_diversity.domains.surprise import SURPRISES, model_of
from pytest_diversity.estimate import Comparison, Estimate
from pytest_diversity.events import BaselineRecorded, BaselineUsed, Event
from pytest_diversity.features import Features
from pytest_diversity.files import check_makeable, one_at_a_time
from pytest_diversity.judges import equivalence
from pytest_diversity.metrics import Metric
from pytest_diversity.statistics.mean import Mean

__all__ = [
    "Baselines",
    "Provenance",
    "folder",
    "other_versions",
    "profile",
    "prune",
    "record",
    "set_otherwise",
    "settings",
]

# Left out of the settings, so that older baselines can be compared with.
_ALWAYS_SO = {"thinking": "strip", "style": "answer"}
_THRESHOLD = "same_meaning"  # once a setting; what it says is part of the equivalence now
_UNSAID = {"extraction": "1"}  # of baselines that are older than the name

Mode = Literal["", "new", "all"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What only a session knows of a run; each is asked for only where it matters."""

    weights: Callable[[], str]
    origin: Callable[[], Mapping[str, str]]
    embedder: Callable[[], str]
    sandbox: Callable[[], str]


def folder(config: Path | None, root: Path) -> Path:
    """Where the baselines of a configuration are: next to it, with the tests."""
    home = config.parent if config else root
    tests = home if home.name == "tests" else home / "tests"
    return tests / "__diversity__"


class Baselines:
    """The recorded profiles of one configuration."""

    def __init__(self, folder: Path, mode: Mode = "") -> None:
        """Read nothing yet.

        Args:
            folder: Where the files are.
            mode: Record nothing, what is missing (`new`), or all that runs (`all`).
        """
        self._folder = folder
        self._mode = mode
        self._read: dict[str, Mapping[str, Profile]] = {}

    def check(self) -> None:
        """Find out before anything is drawn that nothing could be recorded.

        Raises:
            BaselineError: The folder cannot be written to, or is none.
        """
        if self._mode:
            fix = "record in a checkout that can be written to"
            check_makeable(self._folder, BaselineError, "the baselines", fix=fix)

    def path(self, domain: str) -> Path:
        """The file of a domain."""
        return self._folder / f"{quote(domain, safe=' ()')}.json"

    def records(self, domain: str, checkpoint: str, metric: Metric) -> bool:
        """Whether this run records a metric of a checkpoint."""
        if self._mode != "new":
            return self._mode == "all"
        known = self.profiles(domain).get(checkpoint)
        return known is None or str(metric) not in known.metrics

    def bar(self, name: str, domain: str, metric: Metric) -> str | None:
        """Judge, version and threshold that the values of a checkpoint were recorded with."""
        known = self.profiles(domain).get(name)
        values = known.metrics.get(str(metric)) if known else None
        return values.judge if values else None

    def compare(
        self, name: str, features: Features, measured: Estimate, now: Profile
    ) -> Comparison:
        """What was recorded of the checkpoint `name` beside what was measured now.

        Raises:
            BaselineError: There is none, or it is of other settings, prompts or judges.
        """
        domain, metric = features.domain.name, str(measured.metric)
        known = self.profiles(domain).get(name)
        if known is None or metric not in known.metrics:
            what = name if known is None else f"{metric} of {name}"
            raise self.missing(what, domain)
        for reason in (*set_otherwise(known, now), *_judged_otherwise(known, now, metric)):
            raise self.incomparable(name, domain, reason)
        notes = [*other_versions(known, now.versions)]
        before, new = _estimate(measured, known.metrics[metric]), now.metrics[metric]
        after = replace(measured, per_prompt=new.values, quality=new.quality or {})  # in its digits
        if measured.quality and not before.quality:
            notes.append(
                f"the baseline of {name} does not say how many answers were valid: to tell quality "
                f"from narrowing, record it anew: {RECORD}"
            )
        return Comparison(f"baseline {name}", before, after, tuple(notes))

    def domains(self) -> list[str]:
        """Those with a file, whatever is in it."""
        return [unquote(path.stem) for path in sorted(self._folder.glob("*.json"))]

    def missing(self, what: str, domain: str) -> BaselineError:
        """The error where nothing is recorded of a checkpoint, or one of its metrics is not."""
        return BaselineError(f"no baseline of {what} in {self.shown(domain)}", fix=f"{RECORD}-new")

    def incomparable(self, name: str, domain: str, reason: str) -> BaselineError:
        """The error where what is recorded of a checkpoint is of something else."""
        return BaselineError(
            f"the baseline of {name} in {self.shown(domain)} cannot be compared with: {reason}",
            fix=f"run as it was recorded, or record it anew: {RECORD}",
        )

    def profiles(self, domain: str) -> Mapping[str, Profile]:
        """What is recorded in a domain, by checkpoint."""
        if domain not in self._read:
            self._read[domain] = file.read(self.path(domain))
        return self._read[domain]

    def shown(self, domain: str) -> str:
        """The file of a domain, for a sentence."""
        return "/".join(self.path(domain).parts[-3:])


def other_versions(known: Profile, now: Mapping[str, str]) -> Iterator[str]:
    """The libraries that it was recorded with and that are others now."""
    for package, old in {**_UNSAID, **known.versions}.items():
        if now.get(package, old) != old and package != "pytest-diversity":
            yield f"the baseline was recorded with {package} {old}, this is {now[package]}"


def set_otherwise(known: Profile, now: Profile) -> Iterator[str]:
    """What of the settings and the prompts is another."""
    for key in sorted({*known.settings, *now.settings} - {_THRESHOLD}):
        old, new = known.settings.get(key), now.settings.get(key)
        if old != new:
            yield f"{key} was {old!r}, now {new!r}"
    if known.prompts != now.prompts:
        yield "the prompts have changed"


def _judged_otherwise(known: Profile, now: Profile, metric: str) -> Iterator[str]:
    """What of the instruments of a metric is another."""
    old_values, new_values = known.metrics[metric], now.metrics[metric]
    if old_values.embedder != new_values.embedder:
        yield "the embedder has changed"
    yield from _judge_differs(old_values, new_values)
    was = old_values.equivalence or _before_it_was_chosen(known)
    if new_values.equivalence not in {old_values.equivalence, was}:
        yield f"the equivalence was {was!r}, now {new_values.equivalence!r}"
    if old_values.surprise != new_values.surprise:
        yield f"surprise was by {old_values.surprise!r}, now by {new_values.surprise!r}"
    if old_values.sandbox != new_values.sandbox:
        yield f"the sandbox was {old_values.sandbox!r}, now {new_values.sandbox!r}"


def _judge_differs(old: Values, new: Values) -> Iterable[str]:
    if old.judge != new.judge:
        was = old.judge or "well_formed 1"  # as it was before judges had names
        yield f"the judge of quality was {was!r}, now {new.judge!r}"


def _before_it_was_chosen(known: Profile) -> str | None:
    """The equivalence of a profile that was recorded when there was one, with a threshold."""
    near = known.settings.get(_THRESHOLD)
    return None if near is None else str(equivalence.find("embedding", near))


def _estimate(measured: Estimate, recorded: Values) -> Estimate:
    """An estimate of recorded values, as far as a comparison needs one."""
    values = recorded.values
    return Estimate(
        metric=measured.metric,
        domain=measured.domain,
        value=Mean.of(list(values.values())).value if values else None,
        low=None,
        high=None,
        per_prompt=values,
        defined=measured.defined,
        samples_per_prompt=measured.samples_per_prompt,
        reason=None if values else "the baseline has no prompt where it is defined",
        quality=recorded.quality or {},
    )


def profile(
    checkpoint: Checkpoint | None, features: Features, measured: Estimate, provenance: Provenance
) -> Profile:
    """What this run would record of one metric of a checkpoint."""
    reads = _reads(features, measured.metric)
    embeds = reads & features.kind.embedded
    runs = features.execute is not None and reads & features.kind.executed
    values = Values(
        file.rounded(measured.per_prompt),
        quality=file.rounded(measured.quality) or None,
        embedder=provenance.embedder() if embeds else None,
        sandbox=provenance.sandbox() if runs else None,
        judge=judged(features).bar if rests_on_judge(features, measured.metric) else None,
        equivalence=_equivalence(features, reads),
        surprise=model_of(features) if SURPRISES in reads - features.given.keys() else None,
    )
    return Profile(
        settings=settings(features.domain, checkpoint, measured.samples_per_prompt),
        prompts=file.digest(features.prompts),
        weights=provenance.weights(),
        versions={**instruments(features.domain), **provenance.origin()},
        metrics={str(measured.metric): values},
    )


def _equivalence(features: Features, reads: set[str]) -> str | None:
    """What tells meanings apart; a metric that is given distances looks at no classes."""
    read = "distances" if "distances" in reads else "labels"
    ways = features.kind.equivalences(features)
    return ways.get(read) if read in reads else None


def _reads(features: Features, metric: Metric) -> set[str]:
    return {name for name in metric.definition.reads if name in features}


def settings(
    domain: Domain, checkpoint: Checkpoint | None, samples: tuple[int, int]
) -> dict[str, Any]:
    """What values depend on beside model and prompts; K is `samples`."""
    fewest, most = samples
    generation = replace(domain.generation, **(checkpoint.generation if checkpoint else {}))
    return {
        **{key: value for key, value in generation.settings().items() if value is not None},
        **_of_domain(domain),
        **_template(checkpoint),
        "kind": domain.kind,
        "samples": most if fewest == most else [fewest, most],
    }


def _of_domain(domain: Domain) -> dict[str, Any]:
    """What values depend on of the domain, but for what was so before one could choose."""
    values = {name: getattr(domain, name) for name in (*kind_of(domain).settings, "thinking")}
    return {name: value for name, value in values.items() if value != _ALWAYS_SO.get(name)}


def _template(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """How its prompts are written, where its own template is not what writes them."""
    names = ("template", "chat_template_kwargs", "today")
    said = {name: getattr(checkpoint, name, None) for name in names}
    return {name: value for name, value in said.items() if value}


def record(events: Iterable[Event]) -> list[str]:
    """Write what a run's events ask to record; everything else in the files stays.

    Returns:
        A line for each file.

    Raises:
        BaselineError: A file is broken or cannot be written.
    """
    files: dict[Path, list[BaselineRecorded]] = {}
    for event in events:
        if isinstance(event, BaselineRecorded):
            files.setdefault(Path(event.file), []).append(event)
    for path, group in files.items():
        _merge(path, group)
    return [
        f"baseline recorded: {'/'.join(path.parts[-3:])} "
        f"({', '.join(dict.fromkeys(one.checkpoint for one in group))})"
        for path, group in files.items()
    ]


def _merge(path: Path, recorded: Iterable[BaselineRecorded]) -> None:
    """Two runs may record in one file: what the other one has just written stays."""
    file.make_folder(path)
    with one_at_a_time(path.parent):
        profiles = file.read(path)
        for one in recorded:
            new = Profile.from_dict(one.profile)
            profiles[one.checkpoint] = file.merge(profiles.get(one.checkpoint), new)
        file.write(path, profiles)


def prune(homes: Iterable[Path], events: Iterable[Event]) -> list[str]:
    """Remove what no test of a whole run has used.

    Args:
        homes: The folders of the baselines of all configurations of the run.
        events: Everything that happened in it.

    Returns:
        A line for each file that lost something.
    """
    used: dict[Path, dict[str, set[str]]] = {}
    for event in events:
        if isinstance(event, BaselineUsed):
            of_file = used.setdefault(Path(event.file), {})
            of_file.setdefault(event.checkpoint, set()).add(event.metric)
    lines = []
    for path in sorted(path for home in homes for path in home.glob("*.json")):
        with one_at_a_time(path.parent):
            profiles = file.read(path)
            kept = _kept(profiles, used.get(path, {}))
            if kept != profiles:
                file.write(path, kept)
        if kept != profiles:
            lines.append(f"baseline pruned: {'/'.join(path.parts[-3:])}")
    return lines


def _kept(profiles: Mapping[str, Profile], used: Mapping[str, set[str]]) -> dict[str, Profile]:
    kept = {}
    for name, found in profiles.items():
        metrics = {m: values for m, values in found.metrics.items() if m in used.get(name, ())}
        if metrics:
            kept[name] = replace(found, metrics=metrics)
    return kept
