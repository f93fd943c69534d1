"""Samples of a checkpoint in a domain: from the store where they are, drawn where they are not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Protocol

from pytest_diversity.config import Checkpoint, Domain, Generation
from pytest_diversity.domains.prompt import Prompt
from pytest_diversity.errors import DataError
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.sampling import Engine, Identity, Progress, Request
from pytest_diversity.store import Drawn, Store

__all__ = ["Drawing", "Plan", "choose_prompts", "draw", "missing", "replayed"]

_FLUSH = 64  # samples kept in memory before they are written


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted: K samples for each prompt, drawn in one way from one model."""

    identity: Identity
    generation: Generation
    prompts: Mapping[str, Prompt]
    count: int

    def key(self, prompt: Prompt) -> tuple[str, str]:
        """The key of a prompt's samples, and the same readable."""
        settings = {**asdict(self.identity), **self.generation.settings(), "prompt": prompt.prompt}
        detail = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(detail.encode()).hexdigest(), detail


@dataclass(frozen=True, slots=True)
class Drawing:
    """Samples, and how many of them had to be drawn for it."""

    samples: SampleSet
    drawn: int
    stored: int


class StartProgress(Protocol):
    """Begins to show the drawing of a number of samples."""

    def __call__(self, total: int) -> AbstractContextManager[Progress]:
        """The progress of `total` samples, while they are drawn."""


def draw(
    plan: Plan,
    store: Store,
    engine: Callable[[Progress], Engine],
    start: StartProgress,
    place: str,
) -> Drawing:
    """All samples of `plan`; the engine is asked for only if some are missing.

    One process at a time draws at a `place`, such as a device. What another one drew in the
    meantime is read, not drawn again.

    Raises:
        DiversityError: The store, the checkpoint or the sampling failed; what was drawn is kept.
    """
    wanted = missing(plan, store)
    drawn = 0
    if wanted:
        with store.lock(place):
            wanted = missing(plan, store)
            drawn = sum(len(request.numbers) for request in wanted)
            if wanted:
                with start(drawn) as progress:
                    _keep(plan, store, engine(progress).sample(wanted, progress))
    samples = _stored(plan, store)
    return Drawing(samples, drawn, sum(map(len, samples.values())) - drawn)


def choose_prompts(prompts: Mapping[str, Prompt], limit: int | None) -> dict[str, Prompt]:
    """At most `limit` prompts, taken from the groups in turn so that all are represented."""
    groups: dict[str | None, list[Prompt]] = {}
    for prompt in prompts.values():
        groups.setdefault(prompt.group, []).append(prompt)
    turns = (prompt for turn in zip_longest(*groups.values()) for prompt in turn if prompt)
    chosen = {prompt.id for prompt in list(turns)[:limit]}
    return {name: prompt for name, prompt in prompts.items() if name in chosen}


def replayed(checkpoint: Checkpoint, domain: Domain, samples: SampleSet, count: int) -> Drawing:
    """The samples of a `replay:` checkpoint, at most `count` of each prompt.

    Raises:
        DataError: It has none for the domain.
    """
    chosen = samples.for_domain(domain.name).first(count)
    if not len(chosen):
        raise DataError(
            f"checkpoint {checkpoint.name!r} ({checkpoint.source}) has no samples for domain "
            f"{domain.name!r}",
            fix="add some to the file, or name another one",
        )
    return Drawing(chosen, 0, sum(map(len, chosen.values())))


def missing(plan: Plan, store: Store) -> list[Request]:
    """What of `plan` is not in the store."""
    requests = []
    for prompt in plan.prompts.values():
        have = store.samples(plan.key(prompt)[0])
        numbers = tuple(number for number in range(plan.count) if number not in have)
        if numbers:
            requests.append(Request(prompt.id, prompt.prompt, numbers, plan.generation))
    return requests


def _keep(plan: Plan, store: Store, samples: Iterable[Sample]) -> None:
    """Write samples as they arrive, and whatever has arrived when something breaks off."""
    waiting: list[Sample] = []
    try:
        for sample in samples:
            waiting.append(sample)
            if len(waiting) >= _FLUSH:
                _write(plan, store, waiting)
                waiting = []
    finally:
        _write(plan, store, waiting)


def _write(plan: Plan, store: Store, samples: Iterable[Sample]) -> None:
    by_prompt: dict[str, list[Drawn]] = {}
    for sample in samples:
        drawn = Drawn(
            sample.index, sample.text, sample.finish_reason, sample.tokens, sample.logprob
        )
        by_prompt.setdefault(sample.prompt, []).append(drawn)
    for name, group in by_prompt.items():
        store.add(*plan.key(plan.prompts[name]), group)


def _stored(plan: Plan, store: Store) -> SampleSet:
    return SampleSet(
        Sample(name, one.number, one.text, None, *one[2:])
        for name, prompt in plan.prompts.items()
        for one in store.samples(plan.key(prompt)[0]).values()
        if one.number < plan.count
    )
