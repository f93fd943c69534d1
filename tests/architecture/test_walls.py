"""The walls of the house: which room may import which, held by what the code says.

`docs/architecture.md` is the map. A wall that is in the way is a reason to look at the map again,
not to knock it down: most often the thing that is wanted belongs into the room on the left.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pytest_diversity

from .imports import imports, modules, room

PACKAGE = Path(pytest_diversity.__file__).parent

# From left to right along the line. A room imports what stands beside its name, and that stands
# above it.
ALLOWED: Mapping[str, str] = {
    "text": "",
    "errors": "text",
    "progress": "",
    "frames": "errors",
    "findings": "errors",
    "families": "",
    "functions": "errors",
    "verdict": "frames text",
    "events": "verdict",
    "files": "errors",
    "strict_json": "errors files",
    "samples": "errors files frames strict_json",
    "formats": "errors samples strict_json",
    "prompts": "errors formats strict_json",
    "thinking": "samples",
    "statistics": "",
    "metrics": "errors families functions",
    "config": "errors families files findings",
    "checkpoints": "config errors findings",
    "store": "errors",
    "cluster": "errors",
    "sandbox": "cluster errors",
    "sampling": "checkpoints cluster config errors files findings formats functions prompts "
    "samples store text thinking",
    "judges": "checkpoints config errors functions progress sampling store",
    "features": "checkpoints cluster config errors judges metrics progress prompts samples "
    "sandbox statistics",
    "domains": "cluster config errors families features functions judges metrics prompts samples "
    "sandbox thinking",
    "estimate": "cluster config domains features frames metrics samples statistics",
    "profiles": "config domains errors estimate families features frames metrics samples text",
    "baselines": "config domains errors estimate events features files findings judges metrics "
    "prompts statistics",
    "resources": "checkpoints cluster config domains features judges progress sampling sandbox "
    "store",
    "workspace": "baselines cluster config domains errors estimate events features judges "
    "metrics profiles progress prompts resources samples sampling",
    "gate": "baselines config domains errors estimate events features metrics samples statistics "
    "text verdict workspace",
    "validation": "checkpoints config domains errors features findings gate metrics sampling "
    "text workspace",
    "report": "baselines domains errors estimate events families features files metrics progress "
    "statistics text verdict workspace",
    "session": "config events findings gate progress report resources validation workspace",
    "training": "config domains errors events gate report samples sampling session verdict "
    "workspace",
    "studies": "baselines checkpoints config domains errors estimate features files findings "
    "gate metrics samples sampling sandbox session statistics store text validation",
    "plugin": "baselines config errors estimate events families features findings functions gate "
    "profiles report samples session store studies text verdict",
    "": "config domains errors estimate features judges metrics plugin profiles samples sampling "
    "verdict",
}

# Libraries that a room may use beside the standard library; rooms that are not named may use any
# but pytest, which only the plugin knows.
LIBRARIES: Mapping[str, str] = {
    "errors": "",
    "families": "",
    "functions": "",
    "text": "",
    "verdict": "",
    "events": "",
    "files": "filelock",
    "prompts": "",
    "thinking": "",
    "statistics": "numpy scipy",
    "metrics": "numpy rapidfuzz scipy",
    "config": "",
    "sandbox": "",
    "gate": "",
    "baselines": "",
}


_PLUGINS = {"pytest", "_pytest"}


def crossings(package: Path) -> list[str]:
    """Imports of one room by another that the table does not allow."""
    known = modules(package)
    return [
        f"{name} imports {target}"
        for name, path in known.items()
        for target in sorted(imports(name, path, known)[0])
        if room(target) not in {room(name), *ALLOWED[room(name)].split()}
    ]


def strangers(package: Path) -> list[str]:
    """Libraries that a room uses and should not know."""
    known = modules(package)
    found = []
    for name, path in known.items():
        used = imports(name, path, known)[1] - sys.stdlib_module_names
        own = room(name)
        known_to_all = set(LIBRARIES[own].split()) if own in LIBRARIES else used - _PLUGINS
        found += [f"{name} imports {one}" for one in sorted(used - known_to_all) if own != "plugin"]
    return found


def circle(package: Path) -> list[str]:
    """Modules that import each other in a circle; none if there is none."""
    known = modules(package)
    graph = {name: imports(name, path, known)[0] for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_rooms_import_only_what_they_may() -> None:
    """Every import, late ones and those for types included, is in the table."""
    assert crossings(PACKAGE) == []


def test_the_table_allows_nothing_that_no_room_needs() -> None:
    """An entry that is not used any more is a door that nobody watches."""
    known = modules(PACKAGE)
    used = {name: set[str]() for name in ALLOWED}
    for name, path in known.items():
        used[room(name)] |= {room(target) for target in imports(name, path, known)[0]}
    unused = {name: set(ALLOWED[name].split()) - rooms for name, rooms in used.items()}
    assert {name: doors for name, doors in unused.items() if doors} == {}


def test_rooms_stand_in_one_line() -> None:
    """What a room may import stands above it: no circle among rooms is possible."""
    line = list(ALLOWED)
    assert [
        (name, other)
        for name, others in ALLOWED.items()
        for other in others.split()
        if line.index(other) >= line.index(name)
    ] == []


def test_modules_import_each_other_in_no_circle() -> None:
    """Also within a room, late imports and those for types included."""
    assert circle(PACKAGE) == []


def test_rooms_use_only_the_libraries_that_they_may() -> None:
    """The core knows neither pytest nor torch; pytest is the plugin's alone."""
    assert strangers(PACKAGE) == []


def test_the_map_is_the_table() -> None:
    """`docs/architecture.md` says of each room what it may import, in the same order."""
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    shown = {row[0].strip("|` /"): row[2].strip(" |") for row in rows}
    assert shown == {name: allowed or "-" for name, allowed in ALLOWED.items() if name}


PLANTED: Mapping[str, tuple[str, str]] = {
    "at the head": ("metrics/hdd.py", "\nfrom pytest_diversity.store import sqlite\n"),
    "within a function": (
        "metrics/hdd.py",
        "\n\ndef late() -> None:\n    import pytest_diversity.store.sqlite\n",
    ),
    "for types alone": (
        "statistics/mean.py",
        "\nif TYPE_CHECKING:\n    from pytest_diversity.session import Session\n",
    ),
    "as text": ("config/keys.py", '\nTABLE = {"x": "pytest_diversity.sampling.draw:draw"}\n'),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, to build a wall's hole into."""
    return Path(shutil.copytree(PACKAGE, tmp_path / PACKAGE.name))


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_is_found(copy: Path, case: str) -> None:
    """The test of the walls can fail: however a room is entered."""
    file, text = PLANTED[case]
    with (copy / file).open("a") as opened:
        opened.write(text)
    assert len(crossings(copy)) == len(crossings(PACKAGE)) + 1


def test_a_planted_circle_is_found(copy: Path) -> None:
    """Two modules of one room that import each other for types alone are one."""
    with (copy / "statistics" / "mean.py").open("a") as opened:
        opened.write("\nif TYPE_CHECKING:\n    from pytest_diversity.statistics import power\n")
    names = ("mean", "paired", "power")
    assert set(circle(copy)) == {f"pytest_diversity.statistics.{name}" for name in names}


def test_a_planted_library_is_found(copy: Path) -> None:
    """The core does not even know of torch where it is imported late."""
    with (copy / "metrics" / "hdd.py").open("a") as opened:
        opened.write("\n\ndef late() -> None:\n    import torch\n")
    assert strangers(copy) == ["pytest_diversity.metrics.hdd imports torch"]
