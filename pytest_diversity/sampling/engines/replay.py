"""Checkpoints whose samples are recorded in a file, `replay:FILE`: nothing is loaded or kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import Location, locate
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import DataError
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling.draw import Drawing
from pytest_diversity.sampling.protocol import Setup

__all__ = ["Replay", "find"]


@dataclass(frozen=True, slots=True)
class Replay:
    """A file of samples, read.

    Attributes:
        location: The file.
        samples: Those of all its domains.
    """

    location: Location
    samples: SampleSet

    @property
    def digest(self) -> str:
        """Of the file, in brief; it is not remembered, which would make a store."""
        return fingerprint(self.location, {})[:16]

    def draw(self, checkpoint: Checkpoint, domain: Domain) -> Drawing:
        """The samples of a domain, at most K of each prompt.

        Raises:
            DataError: There are none.
        """
        chosen = self.samples.for_domain(domain.name).first(domain.samples_per_prompt)
        chosen = SampleSet(replace(one, domain=domain.name) for one in chosen.samples)
        if not len(chosen):
            raise DataError(
                f"checkpoint {checkpoint.name!r} ({checkpoint.source}) has no samples for domain "
                f"{domain.name!r}",
                fix="add some to the file, or name another one",
            )
        return Drawing(chosen, 0, sum(map(len, chosen.values())), replayed=True)


def find(checkpoint: Checkpoint, setup: Setup) -> Replay:
    """Read the file that a checkpoint names.

    Raises:
        CheckpointError: It is not there.
        DataError: It cannot be read.
    """
    location = locate(checkpoint.source, setup.root)
    return Replay(location, SampleSet.from_jsonl(location.path))
