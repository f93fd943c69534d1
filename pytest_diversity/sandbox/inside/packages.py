"""Where programs and checks find packages, without a look at the folders that these are in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType

__all__ = ["import_ahead", "use"]

MOST = 16 << 30  # bytes of address space that imports may take; a torch with CUDA takes about 10


def use(path: Sequence[str], modules: Mapping[str, Sequence[str]]) -> None:
    """Search the entries of `path`; of those in `modules` only what is named there."""

    def listed(entry: str) -> _Listed:
        if entry not in modules:
            raise ImportError(entry)
        return _Listed(entry, modules[entry])

    if path:
        sys.path[:] = path
        sys.path_hooks.insert(0, listed)
        sys.path_importer_cache.clear()


def import_ahead(modules: Sequence[str], close: Callable[[], None]) -> int:
    """Import what programs will, whose time and memory are then not theirs: the bytes it took.

    A program chooses which of the installed packages these are, so that files are closed before.

    Args:
        modules: Names of installed packages.
        close: Puts up the file barrier, where one holds for this process, too.

    Raises:
        RuntimeError: A program forked from here would not be as if it had imported them itself.
        WallError: The file barrier cannot be put up.
    """
    if not modules:
        return 0
    with ExitStack() as opened:
        statm, tasks = (_opened(f"/proc/self/{name}", opened) for name in ("statm", "task"))
        before = _address_space(statm)
        close()
        for module in modules:
            with suppress(Exception):  # which is the program's to meet
                import_module(module)
        if tasks is not None and len(os.listdir(tasks)) > 1:  # noqa: PTH208 - a descriptor
            raise RuntimeError("an import has started threads, which no child would have")
        took = _address_space(statm) - before
    if took > MOST:
        raise RuntimeError(f"imports took {took} bytes of address space")
    return took


def _opened(path: str, opened: ExitStack) -> int | None:
    """A descriptor that stays open where no file can be opened; None where there is no /proc."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # as in bubblewrap
        return None
    opened.callback(os.close, descriptor)
    return descriptor


def _address_space(statm: int | None) -> int:
    """Bytes of it, of this process; 0 where that is not known."""
    if statm is None:
        return 0
    return int(os.pread(statm, 64, 0).split()[0]) * os.sysconf("SC_PAGE_SIZE")


class _Listed:
    """A finder for a folder that cannot be listed."""

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        self.places = {
            name.split(".")[0]: os.path.join(folder, name)  # noqa: PTH118 - pathlib would cost the fork server its start
            for name in sorted(names, reverse=True)  # a package before a module of its name
        }

    def find_spec(self, name: str, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002 - the protocol's
        place = self.places.get(name)
        if place is None:
            return None
        if os.path.isdir(place):  # noqa: PTH112 - as above
            start = os.path.join(place, "__init__.py")  # noqa: PTH118 - as above
            return spec_from_file_location(name, start, submodule_search_locations=[place])
        return spec_from_file_location(name, place)
