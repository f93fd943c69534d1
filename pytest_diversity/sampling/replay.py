"""Checkpoints whose samples are recorded, `replay:PATH`: nothing is loaded or kept.

What other tools write is read, too (`formats/`). A recording is judged by the settings of the
domain: those choose prompts and K, what is recorded beside that is left out and counted, and what
is missing is missed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_diversity.checkpoints.sources import Location, locate
from pytest_diversity.config.recorded import Recorded
from pytest_diversity.config.values import Checkpoint, Domain
from pytest_diversity.errors import CheckpointError, DataError
from pytest_diversity.findings import Looking
from pytest_diversity.formats.containers import files
from pytest_diversity.formats.reading import Recording, read_samples
from pytest_diversity.prompts import Prompt, choose_prompts, load_prompts
from pytest_diversity.samples import SampleSet
from pytest_diversity.sampling.drawing import Drawing
from pytest_diversity.text import plural

if TYPE_CHECKING:  # of what is drawn
    from pytest_diversity.sampling.protocol import Request

__all__ = ["Replay", "Replays"]

_HELD = 25_000  # samples: about 20 MB
_FIX = "record them, or say partial = true in the domain"


@dataclass(frozen=True, slots=True)
class Replay:
    """A file or a folder of samples, read.

    Attributes:
        recording: Those of all domains.
    """

    recording: Recording

    def draw(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Drawing:
        """What of a domain is recorded, at most K of each prompt, and what is not.

        Args:
            checkpoint: That the file stands for.
            domain: By whose settings it is judged.
            prompts: Those that the domain chooses, by id; none where it has no file of them.

        Raises:
            DataError: Nothing of the domain is recorded.
        """
        recorded = _called(self.recording, prompts).for_domain(domain.name)
        own = not prompts or _is_of_other_prompts(recorded, domain)
        wanted = _own_prompts(recorded, domain.max_prompts) if own else prompts
        kept = recorded.among(wanted)
        if not len(kept):
            raise _nothing(checkpoint, domain, recorded)
        first = kept.first(domain.samples_per_prompt)
        chosen = SampleSet(
            one if one.domain == domain.name else replace(one, domain=domain.name)
            for one in first.samples
        )
        lacks = _lacks(checkpoint.source, domain, chosen, len(wanted))
        notes = [*self.recording.notes, *_left_out(checkpoint.source, domain, recorded, kept)]
        if own and prompts:
            notes.append(f"{checkpoint.source} has none of {domain.prompts}: its own prompts count")
        if lacks and domain.partial:
            notes.append(f"partial: {lacks}")
        return Drawing(
            samples=chosen,
            drawn=0,
            stored=sum(map(len, chosen.values())),
            replayed=True,
            notes=tuple(notes),
            lacks=f"{lacks}; {_FIX}" if lacks and not domain.partial else None,
        )


def _called(recording: Recording, prompts: Mapping[str, Prompt]) -> SampleSet:
    """The samples under the ids of the domain's prompts, where they name their prompt otherwise.

    By the id that the file gives it, if no other of its prompts has that; or by its text.
    """
    taken = Counter(recording.ids.values())
    texts = {_text(prompt): name for name, prompt in prompts.items()}
    names = {}
    for prompt in recording.samples:
        own = recording.ids.get(prompt, "")
        found = own if own in prompts and taken[own] == 1 else texts.get(prompt.strip())
        if found is not None and prompt not in prompts and found not in recording.samples:
            names[prompt] = found
    if not names:
        return recording.samples
    return SampleSet(
        replace(one, prompt=names.get(one.prompt, one.prompt)) for one in recording.samples.samples
    )


def _text(prompt: Prompt) -> str:
    """What a recording has for a name of a prompt that it gives none."""
    if not prompt.messages:
        return prompt.prompt.strip()
    from pytest_diversity.formats.messages import asked  # noqa: PLC0415 - for conversations

    return asked(prompt.messages).strip()


def _nothing(checkpoint: Checkpoint, domain: Domain, recorded: SampleSet) -> DataError:
    """What is wrong where nothing that is recorded counts."""
    where = f"checkpoint {checkpoint.name!r} ({checkpoint.source})"
    if not len(recorded):
        return DataError(
            f"{where} has no samples for domain {domain.name!r}",
            fix="add some to the file, or name another one",
        )
    return DataError(
        f"{where} has samples of prompts such as {next(iter(recorded))[:40]!r}, none of which "
        f"domain {domain.name!r} chooses from {domain.prompts}",
        fix="name the recording's own prompt file with prompts = ...",
    )


def _is_of_other_prompts(recorded: SampleSet, domain: Domain) -> bool:
    """Whether nobody chose the domain's prompts, and the recording has none of them."""
    if "prompts" in domain.chosen or domain.prompts is None:
        return False
    return not set(recorded) & set(load_prompts(domain.prompts, domain.root))


def _own_prompts(recorded: SampleSet, limit: int | None) -> Mapping[str, Prompt]:
    """At most `limit` prompts of a recording, the same ones in whatever order they stand there."""
    return choose_prompts({name: Prompt(name, name) for name in sorted(recorded)}, limit)


def _lacks(source: str, domain: Domain, chosen: SampleSet, prompts: int) -> str | None:
    """How much of what a domain wants is not recorded; a K that nobody chose wants nothing."""
    count = domain.samples_per_prompt if "samples_per_prompt" in domain.chosen else 0
    missing = sum(max(0, count - len(group)) for group in chosen.values())
    parts = []
    if len(chosen) < prompts:
        parts.append(f"{prompts - len(chosen)} of {prompts} prompts")
    if missing:
        of = "the others" if parts else "its prompts"
        parts.append(f"{missing} of {count * len(chosen)} samples of {of}")
    return f"{source} lacks {' and '.join(parts)}" if parts else None


def _left_out(source: str, domain: Domain, recorded: SampleSet, kept: SampleSet) -> Iterator[str]:
    """What is recorded and does not count."""
    if len(kept) < len(recorded):
        yield (
            f"{source}: {len(recorded) - len(kept)} of {len(recorded)} recorded prompts are none "
            "that the domain chooses, and left out"
        )
    most = max(map(len, kept.values()))
    if most > domain.samples_per_prompt:
        yield (
            f"{source}: {domain.samples_per_prompt} of {most} recorded samples a prompt count "
            "(samples_per_prompt)"
        )


def _digest(location: Location, told: Recorded | None) -> str:
    """Of what is read, and how; it is not remembered, which would make a store."""
    from pytest_diversity.checkpoints.fingerprint import fingerprint  # noqa: PLC0415 - for baselines alone

    found = [fingerprint(replace(location, path=file), {}) for file in files(location.path)]
    if told is not None:
        found.append(f"{sorted(told.map.items())} {sorted(told.only.items())}")
    if len(found) > 1:
        return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
    return found[0][:16]


class Replays:
    """The recorded checkpoints of a run, asked as a `Sampler` is.

    Each file is read once, unless all are large: then two are held, those that were asked for last,
    as a checkpoint and its reference are.
    """

    def __init__(self, root: Path) -> None:
        """Read nothing yet.

        Args:
            root: What relative paths of files are relative to.
        """
        self._root = root
        self._read: dict[str, Replay] = {}  # by what a checkpoint says of its recording

    def check(self, checkpoint: Checkpoint, looking: Looking = nullcontext) -> None:
        """Read the file of a checkpoint.

        Args:
            checkpoint: That the file stands for.
            looking: What becomes of an error.

        Raises:
            CheckpointError: It is not there, or the checkpoint has an adapter, too.
            DataError: It cannot be read.
        """
        with looking():
            self._find(checkpoint)
        with looking():
            if checkpoint.adapter:
                raise CheckpointError(
                    f"checkpoint {checkpoint.name!r} is recorded: an adapter changes nothing in it",
                    fix="leave the adapter out, or name its model in place of the recording",
                )

    def lacking(self, _: Checkpoint, __: Domain, ___: Mapping[str, Prompt]) -> list[Request]:
        """Nothing that could be drawn."""
        return []

    def ready(self, checkpoint: Checkpoint) -> str:
        """What is recorded.

        Raises:
            DiversityError: Nothing that can be read.
        """
        samples = self._find(checkpoint).recording.samples
        count = sum(map(len, samples.values()))
        return f"recorded, {plural(count, 'sample')} of {plural(len(samples), 'prompt')}"

    def draw(
        self, checkpoint: Checkpoint, domain: Domain, prompts: Mapping[str, Prompt]
    ) -> Drawing:
        """The samples of a checkpoint in a domain.

        Raises:
            DiversityError: There are none.
        """
        return self._find(checkpoint).draw(checkpoint, domain, prompts)

    def weights(self, checkpoint: Checkpoint) -> str:
        """A digest of the file."""
        return _digest(locate(checkpoint.source, self._root), checkpoint.replay)

    def origin(self, _: Checkpoint) -> Mapping[str, str]:
        """What drew the samples, which the file does not say."""
        return {}

    def at_hand(self, checkpoint: Checkpoint, _: Domain, __: Mapping[str, Prompt]) -> bool:
        """Whether the file can be read, for then all samples are there."""
        return bool(self._find(checkpoint))

    def _find(self, checkpoint: Checkpoint) -> Replay:
        key = f"{checkpoint.source} {checkpoint.replay}"
        found = self._read.pop(key, None) or self._open(checkpoint)
        while len(self._read) > 1 and self._size() > _HELD:
            del self._read[next(iter(self._read))]
        self._read[key] = found  # the last one
        return found

    def _open(self, checkpoint: Checkpoint) -> Replay:
        told, location = checkpoint.replay, locate(checkpoint.source, self._root)
        chosen, only = (told.map, told.only) if told is not None else ({}, {})
        return Replay(read_samples(location.path, chosen, only))

    def _size(self) -> int:
        return sum(one.recording.samples.size for one in self._read.values())
