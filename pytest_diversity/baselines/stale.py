"""What of recorded baselines is in use and what is stale, as far as it is known without samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_diversity.baselines.file import RECORD, digest
from pytest_diversity.baselines.record import (
    Baselines,
    other_versions,
    set_otherwise,
    settings,
)
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.domains.instruments import instruments
from pytest_diversity.errors import DiversityError
from pytest_diversity.findings import DoubtError
from pytest_diversity.prompts import Prompt

__all__ = ["faults", "unused"]


def faults(
    baselines: Baselines,
    name: str,
    domain: Domain,
    checkpoint: Checkpoint | None,
    prompts: Mapping[str, Prompt],
    *,
    recorded: bool,
) -> Iterator[DiversityError]:
    """Why what was recorded of the checkpoint `name` cannot be compared with.

    Args:
        baselines: Those of the configuration.
        name: Of whom it was recorded.
        domain: With the run's settings.
        checkpoint: What is compared with it.
        prompts: Those of the domain; none where samples bring their own.
        recorded: Whether the checkpoint is a recording, which may have another number of samples
            than the domain says.

    Yields:
        A `BaselineError` where a comparison would fail, a `DoubtError` where it would say so.

    Raises:
        BaselineError: The file is broken.
    """
    known = baselines.profiles(domain.name).get(name)
    if known is None:
        yield baselines.missing(name, domain.name)
        return
    count = domain.samples_per_prompt
    found = settings(domain, checkpoint, (count, count))
    if recorded:
        found["samples"] = known.settings.get("samples")
    now = replace(
        known,
        settings=found,
        prompts=digest(prompts) if prompts else known.prompts,
    )
    for reason in set_otherwise(known, now):
        yield baselines.incomparable(name, domain.name, reason)
    for note in other_versions(known, instruments(domain)):
        yield DoubtError(note, fix=f"where values moved with it, record it anew: {RECORD}")


def unused(
    baselines: Baselines, domain: str, used: Mapping[str, set[str]]
) -> Iterator[tuple[str, str]]:
    """What is recorded in a domain beside what is compared with: checkpoint and metric.

    Args:
        baselines: Those of the configuration.
        domain: Its name.
        used: The metrics that are compared with, by whose they are.

    Raises:
        BaselineError: The file is broken.
    """
    for name, known in baselines.profiles(domain).items():
        for metric in sorted(known.metrics.keys() - used.get(name, set())):
            yield name, metric
