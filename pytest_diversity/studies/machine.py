"""What a doctor looks at on any machine: versions, extras, the device, the sandbox, the store."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from pytest_diversity.checkpoints.sources import kind_of
from pytest_diversity.errors import DiversityError, StoreError
from pytest_diversity.files import check_makeable
from pytest_diversity.findings import DoubtError, Findings
from pytest_diversity.session import Session
from pytest_diversity.text import plural

__all__ = ["check_device", "check_extras", "check_sandbox", "check_store", "check_versions"]

_US = "pytest-diversity"
_RECOVER = "save what can be read of it: pytest --diversity-recover"


def check_versions(look: Findings) -> None:
    """Ours and Python's."""
    with look("machine") as note:
        note(f"{_US} {version(_US)}")
        note(f"Python {platform.python_version()}")
        note(f"{platform.system()} {platform.machine()}")


def check_extras(look: Findings) -> None:
    """Which of our extras are installed; a library that is too old is said."""
    complete: list[str] = []
    lacking: list[str] = []
    for extra in metadata(_US).get_all("Provides-Extra") or ():
        wanted = [*_requirements(extra)]
        if not wanted or extra == "all" or extra.startswith("bench"):
            continue  # no one needs them, or they are others together
        (lacking if any(_installed(one) is None for one in wanted) else complete).append(extra)
        for one in wanted:
            with look("extras"):
                _demand_recent(one, extra)
    with look("extras") as note:
        rest = f"; not installed: {', '.join(lacking)}" if lacking else ""
        note(f"{', '.join(complete) or 'none'}{rest}")


def _requirements(extra: str) -> Iterator[Requirement]:
    """What an extra adds, other extras apart, which stand for themselves."""
    for line in requires(_US) or ():
        one = Requirement(line)
        if one.name == _US or one.marker is None:
            continue
        if one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""}):
            yield one


def _installed(one: Requirement) -> str | None:
    try:
        return version(one.name)
    except PackageNotFoundError:
        return None


def _demand_recent(one: Requirement, extra: str) -> None:
    found = _installed(one)
    if found is not None and not one.specifier.contains(found, prereleases=True):
        raise DoubtError(
            f"{one.name} {found} is installed, and {extra} wants {one.specifier}",
            fix=f"pip install --upgrade '{_US}[{extra}]'",
        )


def check_device(session: Session, look: Findings) -> None:
    """What models would run on; broken only where one would be."""
    if look.failed("device") or session.options.engine == "ray":  # whose nodes have devices
        return
    from pytest_diversity.sampling.device import environment  # noqa: PLC0415 - may import torch

    options, models = session.options, session.config.checkpoints.values()
    needed = any(kind_of(one.source, session.workspace.root) == "weights" for one in models)
    with look("device") as note:
        try:
            facts = session.workspace.resources.store.facts
            found = environment(options.device, options.dtype, facts)
        except DiversityError as error:
            if needed:
                raise
            raise DoubtError(f"no model can be sampled: {error.message}", fix=error.fix) from None
        note(f"{found.device}, {found.dtype}")
        note(found.versions)


def check_sandbox(session: Session, look: Findings) -> None:
    """What programs would run in; broken only where some would be."""
    from pytest_diversity.sandbox import find_tier  # noqa: PLC0415 - where it is looked for

    workspace = session.workspace
    for domain in workspace.config.domains.values():
        if domain.budgets:
            with look("sandbox"):
                workspace.demand_sandbox(domain)
    if look.failed("sandbox"):
        return
    with look("sandbox") as note:
        if session.options.unsafe_code:
            raise DoubtError(
                "programs run WITHOUT a sandbox, with all of your rights",
                fix="leave --diversity-unsafe-code and its variable out",
            )
        try:
            note(str(find_tier()))
        except DiversityError as error:
            raise DoubtError(error.message, fix="no domain runs programs here") from None


def check_store(path: Path, look: Findings) -> bool:
    """Whether the store is there and sound, so that the rest can be looked up in it."""
    with look("store") as note:
        note(str(path))
        if not path.exists():
            fix = "name a writable file with --diversity-store"
            check_makeable(path.parent, StoreError, "the store", fix=fix)
            note("made by the first run that draws")
            return False
        note(_contents(path))
    return not look.failed("store")


def _contents(path: Path) -> str:
    """How many samples are in a store that is there, sound and can be written to.

    Raises:
        StoreError: It cannot be opened, is not ours, or is damaged.
        DoubtError: It can only be read.
    """
    from pytest_diversity.store.recovery import is_damaged  # noqa: PLC0415 - where there is one
    from pytest_diversity.store.sqlite import Store  # noqa: PLC0415 - likewise

    store = Store(path)
    try:
        writable = store.writable
        if is_damaged(path):
            raise StoreError(f"the store {path} is damaged", fix=_RECOVER)
        ((count,),) = store.rows("SELECT COUNT(*) FROM sample")
    finally:
        store.close()
    if not writable:
        raise DoubtError(
            f"the store {path} can only be read: its {plural(count, 'sample')} serve, and "
            "nothing can be drawn",
            fix="make it and its folder writable, or name another with --diversity-store",
        )
    return plural(count, "sample")
