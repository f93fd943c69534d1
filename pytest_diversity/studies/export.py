"""The samples of the checkpoints under test as files, which `replay:` and others read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from pytest_diversity.errors import ConfigError, DataError
from pytest_diversity.files import check_writable
from pytest_diversity.samples import SampleSet, parquet_library
from pytest_diversity.session import Session

__all__ = ["check_export", "export"]

_EACH = "{checkpoint}"
_FORMS: Mapping[str, tuple[Callable[[Path], SampleSet], Callable[[SampleSet, Path], None]]] = {
    ".jsonl": (SampleSet.from_jsonl, SampleSet.to_jsonl),
    ".parquet": (SampleSet.from_parquet, SampleSet.to_parquet),
}


def check_export(session: Session, path: str) -> None:
    """Find out before anything is drawn whether the files can be written.

    Raises:
        ConfigError: They cannot, something else is there, or several checkpoints share one.
        MissingExtraError: Parquet is wanted, and not installed.
    """
    form = Path(path).suffix
    if form not in _FORMS:
        raise ConfigError(
            f"--diversity-export={path} is neither JSON Lines nor Parquet",
            fix=f"end its name in {' or '.join(_FORMS)}",
        )
    if form == ".parquet":
        parquet_library()
    if len(session.config.selected) > 1 and _EACH not in path:
        raise ConfigError(
            f"the samples of {len(session.config.selected)} checkpoints would be in one file",
            fix=f"write {_EACH} in its name, or choose one with --diversity-checkpoint",
        )
    for place in _places(session, path).values():
        check_writable(place, ConfigError, fix="name another file")
        if place.exists():
            _demand_samples(place)


def _demand_samples(place: Path) -> None:
    try:
        _FORMS[place.suffix][0](place)
    except DataError:
        raise ConfigError(
            f"{place} is there and holds something else than samples", fix="name another file"
        ) from None


def export(session: Session, path: str) -> Iterator[str]:
    """Write the samples of each checkpoint in all domains; those that a budget needs are drawn.

    Raises:
        ConfigError: A checkpoint has none.
    """
    workspace = session.workspace
    for name, place in _places(session, path).items():
        samples = SampleSet(
            sample
            for domain, settings in session.config.domains.items()
            if settings.budgets or workspace.stored(name, domain)
            for sample in workspace.samples(name, domain).samples
        )
        if not len(samples):
            raise ConfigError(
                f"there are no samples of {name} to export",
                fix="run the tests first, or give a domain a budget in diversity.toml",
            )
        _FORMS[place.suffix][1](samples, place)
        yield f"{sum(map(len, samples.values()))} samples of {name} written to {place}"


def _places(session: Session, path: str) -> dict[str, Path]:
    names: Sequence[str] = session.config.selected
    return {name: Path(path.replace(_EACH, quote(name, safe=" ()"))) for name in names}
