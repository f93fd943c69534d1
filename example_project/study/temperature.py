"""Which temperature of the base changes a family as much as a fine-tune does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from example_project.study import words
from example_project.study.changes import Change, Changes
from example_project.study.project import REFERENCE, adapters, domains
from pytest_diversity.families import FAMILIES
from pytest_diversity.statistics.paired import FEWEST

_PREFIX = "temperature-"
_DRAWS = 2000
Floats: TypeAlias = NDArray[np.float64]


def temperatures(changes: Changes) -> str:
    """What each temperature of the base changes, at equal length."""
    rows = [
        [domain, f"{at:g}", *(_counted(one) for one in by_family.values())]
        for domain in changes.config.written
        for at, by_family in _curve(changes, domain).items()
        if at != changes.config.domain(domain).generation.temperature
    ]
    return words.table(("domain", "temperature", *FAMILIES), rows)


def _counted(one: Change) -> str:
    return f"{words.change(one.mean)} ({len(one.per_prompt)})"


def equivalents(changes: Changes) -> str:
    """For each adapter the temperature of the base that moves a family as far."""
    rows = []
    for name in adapters(changes.config):
        for domain in domains(changes.config, name):
            curve = _curve(changes, domain)
            own = changes.config.domain(domain).generation.temperature
            cells = [
                _equivalent(
                    {at: by_family[family].per_prompt for at, by_family in curve.items()},
                    changes.change(name, domain, family).per_prompt,
                    own,
                )
                for family in FAMILIES
            ]
            rows.append([name, domain, f"{own:g}", *cells])
    return words.table(("adapter", "domain", "drawn at", *FAMILIES), rows)


def _curve(changes: Changes, domain: str) -> Mapping[float, Mapping[str, Change]]:
    """By temperature and family the change of the base, which is none at the domain's own."""
    drawn = {
        float(name.removeprefix(_PREFIX)): name
        for name in changes.config.checkpoints
        if name.startswith(_PREFIX) and domain in domains(changes.config, name)
    }
    drawn[changes.config.domain(domain).generation.temperature] = REFERENCE
    return {
        at: {family: changes.change(drawn[at], domain, family) for family in FAMILIES}
        for at in sorted(drawn)
    }


def _equivalent(
    curve: Mapping[float, Mapping[str, float]], tuned: Mapping[str, float], own: float
) -> str:
    """From changes by prompt; on the prompts that are defined at each temperature that has some."""
    able = {at: one for at, one in curve.items() if len(one.keys() & tuned.keys()) >= FEWEST}
    both = [prompt for prompt in tuned if all(prompt in one for one in able.values())]
    if len(able) < 2 or len(both) < FEWEST:
        return "-"
    changed = np.array([[one[prompt] for prompt in both] for one in able.values()])
    return f"{equivalent([*able], changed, [tuned[p] for p in both], own)} ({len(both)})"


def equivalent(at: Sequence[float], changed: Floats, wanted: Sequence[float], own: float) -> str:
    """The temperature at which the base has changed as much, with its 95 % interval.

    The interval is over prompts, drawn anew 2,000 times with all that belongs to each. What lies
    beyond the temperatures that were drawn is said to.

    Args:
        at: T temperatures, rising.
        changed: Shape (T, P): the change of each prompt at each.
        wanted: The change of each of the P prompts by the fine-tune.
        own: The temperature without any change.
    """
    rng, prompts = np.random.default_rng(0), len(wanted)
    goal, points = np.array(wanted), np.array(at)
    drawn = rng.integers(prompts, size=(_DRAWS, prompts))
    found = [_crossing(points, changed[:, i].mean(axis=1), goal[i].mean(), own) for i in drawn]
    low, high = np.quantile(found, [0.025, 0.975], method="nearest")
    value = _crossing(points, changed.mean(axis=1), goal.mean(), own)
    return f"{_said(value, at)} [{_said(low, at)}, {_said(high, at)}]"


def _crossing(at: Floats, curve: Floats, goal: float, own: float) -> float:
    """Where the curve through the points is at `goal`: the place nearest to `own`.

    Infinite beyond the end that comes nearest, if it never is.
    """
    over = curve - goal
    places = list(_zeros(at, over))
    if places:
        return float(min(places, key=lambda place: abs(place - own)))
    return -np.inf if abs(over[0]) < abs(over[-1]) else np.inf


def _zeros(at: Floats, over: Floats) -> Iterator[float]:
    for i in range(len(at) - 1):
        a, b = over[i], over[i + 1]
        if a == 0:
            yield float(at[i])
        elif a * b < 0:
            yield float(at[i] + (at[i + 1] - at[i]) * a / (a - b))
    if over[-1] == 0:
        yield float(at[-1])


def _said(value: Any, at: Sequence[float]) -> str:
    if value == -np.inf:
        return f"< {at[0]:g}"
    return f"> {at[-1]:g}" if value == np.inf else f"{value:.2f}"
