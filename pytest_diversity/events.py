"""What happens in a run and is told at its end, whichever process it happened in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias, TypeVar

from pytest_diversity.verdict import Verdict

__all__ = [
    "BaselineRecorded",
    "BaselineUsed",
    "Broken",
    "Damaged",
    "Drawn",
    "Event",
    "Judged",
    "from_json",
    "of",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class Drawn:
    """The samples of a checkpoint in a domain are at hand.

    Attributes:
        checkpoint: Its name.
        domain: The domain's name.
        drawn: How many samples had to be drawn.
        stored: How many were there already.
        replayed: Whether they are from a file that somebody recorded.
        prompts: How many prompts they answer.
        count: How many of each prompt were asked for.
        most: How many of each prompt the domain would take.
        config: The configuration file, as `file` of `Judged`; empty without one.
    """

    checkpoint: str
    domain: str
    drawn: int
    stored: int
    replayed: bool
    prompts: int
    count: int
    most: int
    config: str = ""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Rows of the store are not what was written: they count as missing.

    Attributes:
        samples: How many samples were met.
        values: How many facts, embeddings and outcomes were met.
        lost: How many samples are in it, and no key leads to them; each process counts all of them.
    """

    samples: int
    values: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A budget was judged.

    Attributes:
        verdict: What became of it.
        config: The configuration file; empty without one.
        fails: Whether the test that asked fails of it.
        test: The node id of that test.
        file: Where the budget stands, or else the test; below the root of the run relative to it.
        line: The line there, from 1.
    """

    verdict: Verdict
    config: str = ""
    fails: bool = False
    test: str = ""
    file: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Broken:
    """The test of a gate failed of something else than a verdict.

    Attributes:
        test: Its node id.
        message: What happened, in a line.
        file: Where the budget stands, or else the test; below the root of the run relative to it.
        line: The line there, from 1.
    """

    test: str
    message: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class BaselineUsed:
    """A test speaks of what was recorded: it is not to be pruned.

    Attributes:
        file: The baseline's.
        checkpoint: Of which something was recorded.
        metric: The canonical name of what was recorded.
    """

    file: str
    checkpoint: str
    metric: str


@dataclass(frozen=True, slots=True)
class BaselineRecorded:
    """Values are to be written when the run ends.

    Attributes:
        file: Where to.
        checkpoint: Of which.
        profile: What, as the file holds it.
    """

    file: str
    checkpoint: str
    profile: Mapping[str, Any]


Event: TypeAlias = Drawn | Damaged | Judged | Broken | BaselineUsed | BaselineRecorded
Kind = TypeVar("Kind")
_KINDS: Mapping[str, type[Event]] = {
    kind.__name__: kind for kind in (Drawn, Damaged, Judged, Broken, BaselineUsed, BaselineRecorded)
}


def to_json(event: Event) -> dict[str, Any]:
    """Plain values, as xdist carries them from a worker."""
    return {"event": type(event).__name__, **asdict(event)}


def from_json(plain: Mapping[str, Any]) -> Event:
    """The counterpart of `to_json`."""
    fields = {key: value for key, value in plain.items() if key != "event"}
    if plain["event"] == Judged.__name__:
        return Judged(**{**fields, "verdict": Verdict.from_dict(fields["verdict"])})
    return _KINDS[plain["event"]](**fields)


def of(kind: type[Kind], events: Iterable[Event]) -> list[Kind]:
    """The events of one kind, in their order."""
    return [event for event in events if isinstance(event, kind)]
