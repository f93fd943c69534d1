"""The wheel has what a user needs, and nothing else."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import Parser
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PACKAGE = "pytest_diversity"

# What is not code, and why it travels; `*` stands for a file's name alone.
DATA: Mapping[str, str] = {
    "py.typed": "type checkers read our annotations",
    "metrics/__init__.pyi": "they see the metrics, which are loaded late",
    "domains/prompts/*.jsonl": "the prompts of the domains that come with us",
    "judges/adequate.safetensors": "the weights of a logistic model that we fitted",
    "report/schema.json": "of the JSON report",
    "report/html/page.*": "the HTML report",
    "report/html/plots.js": "what draws in it",
    "report/html/LICENSES.md": "the licences of what draws",
    "sandbox/inside/node.js": "runs programs in JavaScript",
    "studies/templates/*": "what --diversity-init writes",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Every file of the wheel of this checkout, by its path."""
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")))
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(wheel: Mapping[str, bytes]) -> Message:
    """What an index shows of it."""
    (text,) = (text for name, text in wheel.items() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(text.decode())


def _kind(name: str) -> str | None:
    """The row of `DATA` that a file of the package fits."""
    folder, _, file = name.rpartition("/")
    return next(
        (
            row
            for row in DATA
            if row.rpartition("/")[0] == folder and fnmatchcase(file, row.rpartition("/")[2])
        ),
        None,
    )


def test_all_of_the_package_is_in_it(wheel: Mapping[str, bytes]) -> None:
    """Every module, and every file that is read beside the modules."""
    caches = {"__pycache__"}
    there = {
        str(path.relative_to(ROOT))
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and not caches & set(path.parts)
    }
    assert {name for name in wheel if name.startswith(f"{PACKAGE}/")} == there


def test_what_is_no_module_has_a_reason(wheel: Mapping[str, bytes]) -> None:
    """Samples, models, notes and keys that lie about in a folder do not travel unseen."""
    data = [name for name in wheel if name.startswith(f"{PACKAGE}/") and name[-3:] != ".py"]
    kinds = {name: _kind(name.removeprefix(f"{PACKAGE}/")) for name in data}
    assert [name for name, kind in kinds.items() if kind is None] == []
    assert set(kinds.values()) == set(DATA)


def test_nothing_lies_beside_the_package(wheel: Mapping[str, bytes]) -> None:
    """No tests, examples or benchmarks: another project's may have the same names."""
    tops = {name.partition("/")[0] for name in wheel}
    assert len(tops - {PACKAGE}) == 1
    (about,) = (top for top in tops if top != PACKAGE)
    files = {name.removeprefix(f"{about}/") for name in wheel if name.startswith(f"{about}/")}
    assert files == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_it_is_small(wheel: Mapping[str, bytes]) -> None:
    """2.6 MB unpacked, of which what draws in the HTML report is a third."""
    assert sum(map(len, wheel.values())) < 4_000_000


def test_its_licences_travel(wheel: Mapping[str, bytes], metadata: Message) -> None:
    """Ours, and those of what is bundled, each library with its text."""
    assert metadata["License-Expression"] == "MIT"
    (ours,) = (text for name, text in wheel.items() if name.endswith("licenses/LICENSE"))
    assert ours == (ROOT / "LICENSE").read_bytes()
    bundled = wheel[f"{PACKAGE}/report/html/LICENSES.md"].decode()
    sections = bundled.split("\n## ")[1:]
    assert len(sections) > 20
    assert [part.splitlines()[0] for part in sections if "opyright" not in part] == []


def test_its_metadata_says_what_it_is(metadata: Message) -> None:
    """A plugin of pytest, typed, for Python 3.11 and later; no requirement is an address."""
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"Framework :: Pytest", "Typing :: Typed"} <= set(metadata.get_all("Classifier", ()))
    assert [line for line in metadata.get_all("Requires-Dist", ()) if "@" in line] == []


def test_its_version_heads_the_changelog(metadata: Message) -> None:
    """What is installed is what the newest section is about."""
    heads = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert heads[0] == metadata["Version"]
