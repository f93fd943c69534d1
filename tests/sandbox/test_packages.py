"""What can be imported outside can be imported inside, and nothing else can be read for it."""

# ruff: noqa: E501 - a package a line

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_diversity.sandbox import Limits, Program, Sandbox
from pytest_diversity.sandbox.languages import language
from pytest_diversity.sandbox.packages import Packages, packages_on
from pytest_diversity.sandbox.tiers import find_tier, prove

from .test_hostile import TIERS

IMPORTS = "def f(name):\n    import importlib\n    return importlib.import_module(name).VALUE\n"
READS = "def f(path):\n    return open(path).read()\n"
LISTS = "def f(path):\n    import os\n    return os.listdir(path)\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as they stand on a `sys.path`, each with a module, a package and a secret."""
    root = tmp_path_factory.mktemp("world")
    for folder in ("site-packages", "target", "source", "home", "home/project", "home/project/src"):
        place = root / folder
        name = place.name.replace("-", "_")
        (place / f"{name}_package").mkdir(parents=True)
        (place / f"{name}_package" / "__init__.py").write_text("from .part import VALUE\n")
        (place / f"{name}_package" / "part.py").write_text("VALUE = 'package'\n")
        (place / f"{name}_module.py").write_text("VALUE = 'module'\n")
        (place / "secret").write_text("secret")
    (root / "target" / "thing-1.0.dist-info").mkdir()
    linked = root / "elsewhere" / "linked"
    linked.mkdir(parents=True)
    (linked / "__init__.py").write_text("VALUE = 'linked'\n")
    (root / "target" / "linked").symlink_to(linked)
    return root


@pytest.fixture(scope="module")
def found(world: Path) -> Packages:
    entries = (
        "site-packages",
        "target",
        "source",
        "home",
        "home/project",
        "home/project/src",
        "no",
    )
    private = (world / "home/project", world / "home")
    return packages_on([*sys.path, *(str(world / entry) for entry in entries)], private)


@pytest.fixture(scope="module", params=TIERS)
def sandbox(request: pytest.FixtureRequest, found: Packages) -> Iterator[Sandbox]:
    if reason := prove(TIERS[request.param]).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    sandbox = Sandbox(limits=Limits(cpu=1.0), workers=1, tier=TIERS[request.param])
    python = language("python")
    readable = tuple(dict.fromkeys((*python.readable, *found.readable)))
    sandbox.language = replace(python, readable=readable, packages=found)
    with sandbox:
        yield sandbox


def _value(sandbox: Sandbox, source: str, given: str) -> tuple[str, str | None]:
    (execution,) = sandbox.run([Program(source, "f", ([given],))])
    outcome = execution.outcomes[0]
    return outcome.kind, outcome.value


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "site_packages_package": "package",
        "site_packages_module": "module",
        "target_package": "package",
        "target_module": "module",
        "source_package": "package",
        "source_package.part": "package",
        "source_module": "module",
        "src_package": "package",
        "src_module": "module",
        "linked": "linked",
    }.items(),
)
def test_what_is_on_the_path_is_imported(sandbox: Sandbox, name: str, value: str) -> None:
    """Where files can be opened at all, whatever kind of folder it is in."""
    if sandbox.tier.barrier == "no-open":
        assert _value(sandbox, IMPORTS, name)[0] == "exception"
        assert "no more than common modules and the packages that they name" in str(sandbox)
    else:
        assert _value(sandbox, IMPORTS, name) == ("ok", json.dumps(value))


@pytest.mark.parametrize("name", ["home_module", "home_package", "project_module"])
def test_what_is_private_is_not(sandbox: Sandbox, name: str) -> None:
    """A path that holds the current folder or a home lends nothing."""
    assert _value(sandbox, IMPORTS, name) == ("exception", "ModuleNotFoundError")


@pytest.mark.parametrize("folder", ["source", "home", "home/project", "home/project/src"])
def test_nothing_beside_it_is_read(sandbox: Sandbox, world: Path, folder: str) -> None:
    """A source tree lends its packages, not its keys, nor a list of them."""
    assert _value(sandbox, READS, str(world / folder / "secret"))[0] == "exception"
    kind, value = _value(sandbox, LISTS, str(world / folder))
    assert kind == "exception" or "secret" not in str(value)


def test_what_is_refused_is_said(found: Packages, world: Path) -> None:
    """In the header, by its path."""
    refused = (str(world / "home"), str(world / "home/project"))
    assert found.refused == refused
    sandbox = Sandbox()
    sandbox.language = replace(sandbox.language, packages=found)
    if sandbox.tier.barrier != "no-open":
        assert f"cannot import what is in {', '.join(refused)}" in str(sandbox)


def test_installing_a_package_is_another_key(tmp_path: Path) -> None:
    """What failed for want of it runs again; a baseline stays what it is."""
    site = tmp_path / "site-packages"
    site.mkdir()
    sandbox = Sandbox()
    keys, fingerprints = set(), set()
    for installed in ("one-1.0.dist-info", "one-1.1.dist-info", "other.egg-info"):
        (site / installed).mkdir()
        sandbox.language = replace(sandbox.language, packages=packages_on([str(site)], ()))
        keys.add(sandbox.key)
        fingerprints.add(sandbox.fingerprint)
    assert len(keys) == 3
    assert len(fingerprints) == 1


STACKED = """
import json
from pytest_diversity.sandbox import Program, Sandbox
source = "def f(name, call):\\n    return eval(call, {'it': __import__(name)})\\n"
inputs = (
    ["numpy", "int(it.ones(3).sum())"],
    ["target_module", "it.VALUE"],
    ["source_package", "it.VALUE"],
)
with Sandbox(workers=1) as sandbox:
    (done,) = sandbox.run([Program(source, "f", inputs)])
print(json.dumps([outcome.to_json() for outcome in done.outcomes]))
"""


@pytest.mark.parametrize("way", ["a .pth file", "PYTHONPATH"])
def test_a_venv_stacked_on_another(world: Path, tmp_path: Path, way: str) -> None:
    """It has the packages of the other, inside as outside."""
    venv.create(tmp_path / "venv", symlinks=True)
    root = Path(__file__).parents[2]
    lower = [path for path in sys.path if path.endswith("site-packages")]
    lower += [str(world / "target"), str(world / "source"), str(root)]
    environment = {"PATH": "/usr/bin:/bin"}
    if way == "PYTHONPATH":
        environment["PYTHONPATH"] = ":".join(lower)
    else:
        (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
        (site / "stacked.pth").write_text("\n".join(lower))
    python = tmp_path / "venv" / "bin" / "python"
    done = subprocess.run(  # noqa: S603 - ours
        [python, "-c", STACKED], env=environment, cwd=tmp_path, check=True, capture_output=True
    )
    values = [value for _, value, _ in json.loads(done.stdout)]
    assert values == ["3", '"module"', '"package"']


# a package of this name -> what it does when it is imported, and what then comes of a program
AHEAD = {
    "slow": ("import time\nwhile time.process_time() < 1.5: pass\nVALUE = 1\n", "ok"),
    "large": ("import mmap\nKEPT = mmap.mmap(-1, 700 << 20)\nVALUE = 1\n", "ok"),
    "threaded": ("import _thread, time\n_thread.start_new_thread(time.sleep, (9,))\nVALUE = 1\n", "ok"),
    "leaving": ("import os\nos._exit(3)\n", "no-result"),
    "exiting": ("raise SystemExit(3)\n", "exit"),
    "failing": ("raise ImportError('no')\n", "exception"),
    "reading": ("try:\n    VALUE = open('/etc/passwd').read()\nexcept OSError:\n    VALUE = 'closed'\n", "ok"),
}  # fmt: skip


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose programs may use half a second and 512 MiB, and import these packages."""
    site = tmp_path_factory.mktemp("ahead") / "site-packages"
    site.mkdir()
    for name, (source, _) in AHEAD.items():
        (site / f"{name}.py").write_text(source)
    found = packages_on([*sys.path, str(site)], ())
    sandbox = Sandbox(limits=Limits(cpu=0.5), workers=1)
    readable = (*sandbox.language.readable, str(site))
    sandbox.language = replace(sandbox.language, readable=readable, packages=found)
    with sandbox:
        yield sandbox


@pytest.mark.skipif(find_tier().barrier == "bubblewrap", reason="which has no /proc to measure by")
@pytest.mark.parametrize("name", AHEAD)
def test_an_import_is_not_at_the_cost_of_a_program(importing: Sandbox, name: str) -> None:
    """Neither its time nor its memory, and where it cannot be done ahead it is the program's."""
    source = f"import {name}\ndef f(a):\n    return {name}.VALUE\n"
    (execution,) = importing.run([Program(source, "f", ([1],))])
    assert execution.outcomes[0].kind == AHEAD[name][1]
    assert not execution.nondeterministic


@pytest.mark.skipif(find_tier().barrier == "no-open", reason="which closes no files ahead")
def test_an_import_ahead_opens_no_files_of_the_users(importing: Sandbox) -> None:
    """A program chooses what is imported: it must not reach through that what it cannot itself."""
    source = "import reading\ndef f(a):\n    return reading.VALUE\n"
    (execution,) = importing.run([Program(source, "f", ([1],))])
    assert execution.outcomes[0].value == '"closed"'


def test_the_memory_of_a_program_is_bounded_all_the_same(importing: Sandbox) -> None:
    """What its imports took is no room for it."""
    source = "import large\ndef f(a):\n    return len(bytearray(600 << 20))\n"
    (execution,) = importing.run([Program(source, "f", ([1],))])
    assert execution.outcomes[0].kind == "memory"


@pytest.mark.parametrize(
    ("source", "names"),
    {
        "import slow": ("slow",),
        "import slow as s, large.part": ("large", "slow"),
        "from slow.part import x": ("slow",),
        "def f():\n    import slow; return slow": ("slow",),
        "import json, nothing_of_that_name": (),
        "from . import slow": (),
        "important = 1": (),
    }.items(),
)
def test_what_a_program_imports(importing: Sandbox, source: str, names: tuple[str, ...]) -> None:
    """Of what is installed and not the interpreter's own, by the look of its lines."""
    assert importing.language.packages.imported_by(source) == names
