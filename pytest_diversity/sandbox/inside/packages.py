"""Where programs and checks find packages, without a look at the folders that these are in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType

__all__ = ["use"]


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
