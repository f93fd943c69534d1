"""Before training by reinforcement: do rewards and answers differ enough to learn from?

Methods that compare the samples of a prompt with each other (GRPO, 2402.03300, and its kin) learn
nothing from a group whose rewards are all equal: its advantages are 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_diversity.config.checks import read
from pytest_diversity.config.keys import KEYS
from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Features, UndefinedFeatureError
from pytest_diversity.session import Session
from pytest_diversity.statistics.mean import Mean
from pytest_diversity.text import columns, number, plural

__all__ = ["Group", "Signal", "check_count", "preflight", "signal"]

_PROMPTS = 16
_HEAD = ("checkpoint", "domain", "reward", "n x K", "mean", "all alike", "answers", "verdict")
_ENOUGH = 0.5  # of the groups: below it, more than half of every batch is wasted
_LEGEND = (
    "all alike: groups whose rewards are all equal, from which nothing is learnt, with a 95 % "
    "interval; answers: how many of a prompt's K differ in meaning, on average"
)


@dataclass(frozen=True, slots=True)
class Group:
    """The samples of one prompt.

    Attributes:
        rewards: Of each that has one.
        distinct: How many different answers there are; None where meanings are undefined.
    """

    rewards: tuple[float, ...]
    distinct: int | None


@dataclass(frozen=True, slots=True)
class Signal:
    """What a learner would see of a domain.

    Attributes:
        reward: What stands for the reward: `correct`, `valid`, or the scores of a judge.
        mean: Mean reward over prompts.
        groups: How many groups have rewards.
        alike: How many of these have rewards that are all equal.
        best: How many of these have the highest reward that was seen, all of them.
        worst: Likewise the lowest.
        answers: Mean number of different answers of a prompt; None where it is not known.
    """

    reward: str
    mean: float
    groups: int
    alike: int
    best: int
    worst: int
    answers: float | None

    @property
    def interval(self) -> tuple[float, float]:
        """The share of groups whose rewards are all equal: its 95 % interval (Wilson)."""
        from scipy.stats import binomtest  # noqa: PLC0415 - slow to load

        found = binomtest(self.alike, self.groups).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    @property
    def verdict(self) -> str:
        """Whether there is enough to learn from, by the estimate."""
        return "enough" if self.alike <= _ENOUGH * self.groups else "too little"


def check_count(_: Session, count: str) -> None:
    """Refuse a number of samples that is none.

    Raises:
        ConfigError: It is.
    """
    read(KEYS["preflight"], count)


def preflight(session: Session, count: str) -> Iterator[str]:
    """A line for each checkpoint under test and each domain that is written of.

    Args:
        session: Whose checkpoints would be trained.
        count: Samples of each prompt, as on the command line.

    Raises:
        ConfigError: There is no domain.
    """
    config = session.config
    names = config.written or tuple(name for name, one in config.domains.items() if one.budgets)
    if not names:
        raise ConfigError("there is no domain to look at", fix="add one to diversity.toml")
    rows, notes = [], []
    for checkpoint in config.selected:
        for name in names:
            features = _features(session, checkpoint, name, int(count))
            try:
                found = signal(features)
            except UndefinedFeatureError as error:
                notes.append(f"{checkpoint} {name}: no reward to look at: {error}")
                continue
            rows.append(_row(checkpoint, features, found, int(count)))
            notes += _advice(f"{checkpoint} {name}", found)
    yield from columns([_HEAD, *rows]) if rows else ()
    yield from [*([_LEGEND] if rows else []), *notes]


def _features(session: Session, checkpoint: str, name: str, count: int) -> Features:
    """Of a few prompts, spread over their groups, so many samples each."""
    config = session.config
    domain = config.domain(name)
    few = min(_PROMPTS, domain.max_prompts or _PROMPTS)
    looked = replace(domain, max_prompts=few, samples_per_prompt=count)
    fewer = replace(config, domains={**config.domains, name: looked})
    return session.workspace.with_config(fewer).features(checkpoint, name, count)


def signal(features: Features) -> Signal:
    """What a learner would see of samples.

    Raises:
        UndefinedFeatureError: Nothing of theirs can stand for a reward.
    """
    name, groups = _groups(features)
    means = [sum(group.rewards) / len(group.rewards) for group in groups]
    every = [reward for group in groups for reward in group.rewards]
    highest, lowest = max(every), min(every)
    alike = [group for group in groups if len(set(group.rewards)) == 1]
    distinct = [group.distinct for group in groups if group.distinct is not None]
    return Signal(
        reward=name,
        mean=Mean.of(means).value,
        groups=len(groups),
        alike=len(alike),
        best=sum(group.rewards[0] == highest for group in alike),
        worst=sum(group.rewards[0] == lowest for group in alike),
        answers=Mean.of(distinct).value if distinct else None,
    )


def _groups(features: Features) -> tuple[str, list[Group]]:
    name, rewards = _rewards(features)
    labels = _labels(features)
    groups = [
        Group(tuple(known), len(set(labels[prompt])) if labels else None)
        for prompt, group in rewards.items()
        if (known := [float(one) for one in group if one is not None])
    ]
    if not groups:
        raise UndefinedFeatureError("no sample has a reward")
    return name, groups


def _rewards(features: Features) -> tuple[str, dict[str, list[float | None]]]:
    """Right or wrong where that is known, else the scores of the domain's judge, else validity."""
    if features.domain.quality is None:
        for name in ("correct", "valid"):
            if name in features:
                try:
                    return name, dict(features[name])
                except UndefinedFeatureError:
                    if name == "valid":
                        raise
    from pytest_diversity.domains.bar import bar_of, by_prompt  # noqa: PLC0415 - asks a judge

    quality = bar_of(features)
    return quality.judge, dict(by_prompt(features, features.assessed(quality).scores))


def _labels(features: Features) -> dict[str, list[int]] | None:
    try:
        return dict(features["labels"]) if "labels" in features else None
    except UndefinedFeatureError:
        return None


def _row(checkpoint: str, features: Features, found: Signal, count: int) -> Sequence[str]:
    low, high = found.interval
    return (
        checkpoint,
        features.domain.name,
        found.reward,
        f"{len(features.samples)} x {count}",
        number(found.mean),
        f"{number(found.alike / found.groups)} [{number(low)}, {number(high)}]",
        "-" if found.answers is None else number(found.answers),
        found.verdict,
    )


def _advice(where: str, found: Signal) -> Iterator[str]:
    """What to change where there is little to learn from."""
    if found.worst > found.best and found.verdict != "enough":
        yield f"{where}: {plural(found.worst, 'group')} without any success: take easier prompts"
    elif found.verdict != "enough":
        yield f"{where}: {plural(found.best, 'group')} without any failure: take harder prompts"
    if found.answers is not None and found.answers < 2:
        yield (
            f"{where}: most prompts get one answer only: raise the temperature, or train from a "
            "model whose answers still differ"
        )
