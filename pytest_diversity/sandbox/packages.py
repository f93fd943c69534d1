"""Which packages programs may import: those that the tests' own interpreter finds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.machinery import all_suffixes
from pathlib import Path

from .failures import SandboxUnavailable

__all__ = ["NONE", "Packages", "packages", "packages_on"]

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<one>\w+)|import[ \t]+(?P<all>[\w., \t]+))", re.MULTILINE
)
_SITES = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Packages:
    """What programs find where.

    Attributes:
        path: Their `sys.path`.
        readable: The files and folders that they may read for it.
        modules: Of the entries that are no folders of packages alone, such as a source tree, the
            files and folders that may be imported; programs can read, and list, no others there.
        refused: The entries of the interpreter's own path that programs have nothing of.
        digest: Of the names and versions of what is installed.
        installed: The names of what is, as they are imported.
    """

    path: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    modules: Mapping[str, tuple[str, ...]] | None = None
    refused: tuple[str, ...] = ()
    digest: str = ""
    installed: frozenset[str] = frozenset()

    def imported_by(self, source: str) -> tuple[str, ...]:
        """Those of the installed packages that a program imports, by the look of its lines."""
        named = {
            name.split(".")[0].split()[0]
            for line in _IMPORT.finditer(source)
            for name in (line["all"] or line["one"]).split(",")
            if name.strip()
        }
        return tuple(sorted(named & self.installed))


NONE = Packages()


@cache
def packages() -> Packages:
    """What an interpreter started like this one finds, less what is the user's own.

    Raises:
        SandboxUnavailable: It cannot be started.
    """
    # -P: not the folder of a script, nor the current one
    command = (sys.executable, "-P", "-c", "import json, sys; print(json.dumps(sys.path))")
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
        path = json.loads(said.stdout.splitlines()[-1])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError) as error:
        raise SandboxUnavailable(
            f"the packages of {sys.executable} are not known: {error}",
            fix="look at its PYTHON* variables and .pth files",
        ) from error
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - which fails where no home is known
    return packages_on(path, private=(Path.cwd(), home))


def packages_on(path: Iterable[str], private: Iterable[Path]) -> Packages:
    """What may be had of the entries of a `sys.path`.

    A folder that holds installed packages may be read. Of any other, each package and module may;
    of one with something private in it, nothing.

    Args:
        path: The entries.
        private: Folders that may not become readable by being below an entry.
    """
    own = _own()
    hidden = [folder.resolve() for folder in private]
    kept: list[str] = []
    readable = list(own)
    modules: dict[str, tuple[str, ...]] = {}
    refused: list[str] = []
    for entry in dict.fromkeys(map(os.path.abspath, path)):
        place = Path(entry)
        if not any(place.is_relative_to(folder) for folder in own):
            if not place.exists():
                continue
            if _holds(place, hidden):
                refused.append(entry)
                continue
            if place.is_file() or _is_site(place):
                readable.append(entry)
            else:
                modules[entry] = tuple(one.name for one in _modules(place, hidden))
                readable += [str(place / name) for name in modules[entry]]
        kept.append(entry)
    sites = [Path(entry) for entry in kept if entry not in modules]
    readable += [str(one.resolve()) for site in sites for one in _linked(site, hidden)]
    installed = {
        one.name.split(".")[0]
        for site in sites
        if site.is_dir() and _is_site(site)
        for one in _modules(site, hidden)
    }
    return Packages(
        tuple(kept),
        tuple(dict.fromkeys(readable)),
        modules,
        tuple(refused),
        _digest(sites),
        frozenset(installed - sys.stdlib_module_names),
    )


@cache
def _own() -> tuple[str, ...]:
    """The interpreter's own folders."""
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (*sorted(folders), str(Path(sys.base_prefix, "lib")))  # libpython is there


def _holds(folder: Path, private: Iterable[Path]) -> bool:
    return any(one.is_relative_to(folder.resolve()) for one in private)


def _is_site(folder: Path) -> bool:
    return folder.name in _SITES or any(folder.glob("*.dist-info"))


def _modules(folder: Path, private: Iterable[Path]) -> Iterator[Path]:
    """The packages and modules of a folder."""
    for one in sorted(folder.iterdir()):
        code = (one / "__init__.py").is_file() or (
            one.is_file() and one.name.endswith(tuple(all_suffixes()))
        )
        if code and not _holds(one, private):
            yield one


def _linked(site: Path, private: Iterable[Path]) -> Iterator[Path]:
    """The packages of a folder that really are somewhere else."""
    if site.is_dir():
        yield from (one for one in _modules(site, private) if one.is_symlink())


def _digest(sites: Iterable[Path]) -> str:
    installed = {
        one.name
        for site in sites
        for pattern in ("*.dist-info", "*.egg-info")
        for one in site.glob(pattern)
    }
    return sha256("\n".join(sorted(installed)).encode("utf-8", "backslashreplace")).hexdigest()[:16]
