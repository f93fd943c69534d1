"""Samples of a checkpoint in a domain: from the store where they are, drawn where they are not."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from pytest_diversity.errors import StoreError
from pytest_diversity.samples import Sample, SampleSet
from pytest_diversity.sampling.drawing import Drawing
from pytest_diversity.sampling.failing import in_a_sentence
from pytest_diversity.sampling.plan import Plan
from pytest_diversity.sampling.protocol import Engine, Progress, Request
from pytest_diversity.sampling.verbalized import sample
from pytest_diversity.store.sqlite import Drawn, Store
from pytest_diversity.thinking import whole

__all__ = ["Shown", "draw", "missing"]


class Shown(Progress, Protocol):
    """A progress that a person sees."""

    def begin(self) -> None:
        """The model is loaded: its speed is measured from here."""

    def keep(self) -> None:
        """Count a sample that is in the store, where no end of the run can take it away."""


class StartProgress(Protocol):
    """Begins to show the drawing of a number of samples."""

    def __call__(self, total: int) -> AbstractContextManager[Shown]:
        """The progress of `total` samples, while they are drawn."""


def draw(
    plan: Plan,
    store: Store,
    engine: Callable[[Progress], Engine],
    start: StartProgress,
    turn: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Drawing:
    """All samples of `plan`; the engine is asked for only if some are missing.

    One process at a time draws a plan. What another one drew in the meantime is read, not drawn
    again.

    Args:
        plan: What is wanted.
        store: Where it is kept.
        engine: Loads the model.
        start: Begins to show progress.
        turn: Waits for the place where the model runs, and gives it up.

    Raises:
        DiversityError: The store, the checkpoint or the sampling failed; what was drawn is kept.
    """
    found = _found(plan, store)
    wanted = _lacking(plan, found)
    drawn = 0
    if wanted:
        _demand_writable(store, wanted)
        with store.lock(plan.lock[:16], f"draws samples for {plan.domain or 'the same prompts'}"):
            wanted = _lacking(plan, _found(plan, store))
            drawn = sum(len(request.numbers) for request in wanted)
            if wanted:
                with turn(), start(drawn) as progress:
                    with in_a_sentence("loading the checkpoint"):
                        loaded = engine(progress)
                    progress.begin()
                    _keep(plan, store, _sampled(sample(loaded, wanted, progress)), progress)
        found = _found(plan, store)
    samples = _stored(plan, found)
    return Drawing(samples, drawn, sum(map(len, samples.values())) - drawn)


def missing(plan: Plan, store: Store) -> list[Request]:
    """What of `plan` is not in the store, where no sample is read: a damaged one is there."""
    return _lacking(
        plan, {name: store.numbers(plan.key(prompt)[0]) for name, prompt in plan.prompts.items()}
    )


def _found(plan: Plan, store: Store) -> dict[str, dict[int, Drawn]]:
    """The samples of each prompt that the store has, by number."""
    return {name: store.samples(plan.key(prompt)[0]) for name, prompt in plan.prompts.items()}


def _lacking(plan: Plan, found: Mapping[str, Container[int]]) -> list[Request]:
    requests = []
    for name, prompt in plan.prompts.items():
        numbers = tuple(number for number in range(plan.count) if number not in found[name])
        if numbers:
            requests.append(
                Request(
                    prompt=prompt.id,
                    text=prompt.prompt,
                    numbers=numbers,
                    generation=plan.generation,
                    messages=prompt.messages,
                    prefill=prompt.prefill,
                    chat=plan.chat,
                )
            )
    return requests


def _demand_writable(store: Store, wanted: Sequence[Request]) -> None:
    if not store.writable:
        count = sum(len(request.numbers) for request in wanted)
        raise StoreError(
            f"{count} samples are not in the store {store.path}, which can only be read",
            fix="make it writable, or name another one with --diversity-store",
        )


def _sampled(samples: Iterable[Sample]) -> Iterator[Sample]:
    """`samples`, whose drawing may fail; what becomes of them is none of the engine's faults."""
    with in_a_sentence("sampling"):
        yield from samples


def _keep(plan: Plan, store: Store, samples: Iterable[Sample], progress: Shown) -> None:
    """Write each sample as it arrives: what a server was paid for survives any end of the run."""
    keys = {name: plan.key(prompt) for name, prompt in plan.prompts.items()}
    written: dict[str, set[int]] = {}
    for one in samples:
        text = whole(one.text, one.thought)
        drawn = Drawn(one.index, text, one.finish_reason, one.tokens, one.logprob)
        store.add(*keys[one.prompt], [drawn])
        written.setdefault(keys[one.prompt][0], set()).add(one.index)
        progress.keep()
    if any(numbers - store.samples(key).keys() for key, numbers in written.items()):
        raise StoreError(  # a damaged file may hide them, and a gate would judge the rest
            f"the store {store.path} is damaged: samples that were written are not found in it",
            fix="save what can be read of it: pytest --diversity-recover",
        )


def _stored(plan: Plan, found: Mapping[str, Mapping[int, Drawn]]) -> SampleSet:
    return SampleSet(
        Sample(name, one.number, one.text, plan.domain, *one[2:])
        for name, samples in found.items()
        for one in samples.values()
        if one.number < plan.count
    )
