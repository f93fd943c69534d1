"""Of training runs the later steps alone are under test, where `--diversity-since` says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config
from pytest_diversity.errors import ConfigError, some

__all__ = ["beside", "since"]


def since(config: Config, options: Options) -> Config:
    """A configuration whose earlier steps are not under test, and are there to be compared with.

    Raises:
        ConfigError: No step is left of any run.
    """
    if options.since is None:
        return config
    steps = [config.checkpoints[name] for name in config.selected if _is_step(config, name)]
    earlier = tuple(one.name for one in steps if (one.step or 0) < options.since)
    if earlier and len(earlier) == len(steps):
        last = max(steps, key=lambda one: one.step or 0)
        raise ConfigError(
            f"no checkpoint under test is of step {options.since} or later "
            f"(--diversity-since, {options.source('since')}): the last one is {last.name}",
            fix=f"choose {last.step} or less",
        )
    kept = tuple(name for name in config.selected if name not in earlier)
    return replace(config, selected=kept, earlier=earlier)


def beside(config: Config, options: Options) -> Iterator[str]:
    """What of training runs is not under test, or at no step of them: a line for each reason."""
    for name in config.selected:
        one = _of(config, name)
        if one.run and one.step is None:
            yield f"{name} has no number at its end: it is tested, and is no step of {one.run}"
    if options.since is not None:
        yield from _left_out(config, options)


def _left_out(config: Config, options: Options) -> Iterator[str]:
    said = f"--diversity-since {options.since}"
    if not config.earlier:
        steps = any(_is_step(config, name) for name in config.selected)
        why = "no step is before it" if steps else "no checkpoint under test is a step of a run"
        yield f"{said} left nothing out: {why}"
        return
    every = len(config.selected) + len(config.earlier)
    runs: dict[str, list[str]] = {}
    for name in config.earlier:
        runs.setdefault(_of(config, name).run, []).append(name)
    names = some(_span(names) for names in runs.values())
    yield f"{said} left out {len(config.earlier)} of {every} checkpoints, of earlier steps: {names}"
    ended = runs.keys() - {_of(config, name).run for name in config.selected}
    if ended:
        yield f"{said}: nothing is tested of {some(ended)}, whose steps are all before it"


def _span(names: Sequence[str]) -> str:
    """Names in the order of their steps, by the first and the last."""
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _is_step(config: Config, name: str) -> bool:
    return _of(config, name).step is not None


def _of(config: Config, name: str) -> Checkpoint:
    return config.checkpoints[name]
