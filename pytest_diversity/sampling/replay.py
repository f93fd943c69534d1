"""Checkpoints whose samples are recorded in a file, `replay:FILE`: nothing is loaded or kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_diversity.checkpoints.sources import Location, locate
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import CheckpointError, DataError
from pytest_diversity.prompts import Prompt
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling.drawing import Drawing

__all__ = ["Replay", "Replays"]


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
        from pytest_diversity.checkpoints.fingerprint import fingerprint  # noqa: PLC0415 - for baselines alone

        return fingerprint(self.location, {})[:16]

    def draw(self, checkpoint: Checkpoint, domain: Domain) -> Drawing:
        """The samples of a domain, at most K of each prompt.

        Raises:
            DataError: There are none.
        """
        chosen = self.samples.for_domain(domain.name).first(domain.samples_per_prompt)
        if not len(chosen):
            raise DataError(
                f"checkpoint {checkpoint.name!r} ({checkpoint.source}) has no samples for domain "
                f"{domain.name!r}",
                fix="add some to the file, or name another one",
            )
        return Drawing(chosen, 0, sum(map(len, chosen.values())), replayed=True)


class Replays:
    """The recorded checkpoints of a run, asked as a `Sampler` is; each file is read once."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet.

        Args:
            root: What relative paths of files are relative to.
        """
        self._root = root
        self._read: dict[str, Replay] = {}

    def check(self, checkpoint: Checkpoint) -> None:
        """Read the file of a checkpoint.

        Raises:
            CheckpointError: It is not there, or the checkpoint has an adapter, too.
            DataError: It cannot be read.
        """
        self._find(checkpoint)
        if checkpoint.adapter:
            raise CheckpointError(
                f"checkpoint {checkpoint.name!r} is recorded: an adapter changes nothing in it",
                fix="leave the adapter out, or name its model in place of the recording",
            )

    def draw(self, checkpoint: Checkpoint, domain: Domain, _: Mapping[str, Prompt]) -> Drawing:
        """The samples of a checkpoint in a domain.

        Raises:
            DiversityError: There are none.
        """
        return self._find(checkpoint).draw(checkpoint, domain)

    def weights(self, checkpoint: Checkpoint) -> str:
        """A digest of the file."""
        return self._find(checkpoint).digest

    def origin(self, _: Checkpoint) -> Mapping[str, str]:
        """What drew the samples, which the file does not say."""
        return {}

    def at_hand(self, checkpoint: Checkpoint, _: Domain, __: Mapping[str, Prompt]) -> bool:
        """Whether the file can be read, for then all samples are there."""
        return bool(self._find(checkpoint))

    def _find(self, checkpoint: Checkpoint) -> Replay:
        source = checkpoint.source
        if source not in self._read:
            location = locate(source, self._root)
            self._read[source] = Replay(location, SampleSet.from_jsonl(location.path))
        return self._read[source]
