"""Where the public names of the metrics are: in the stub beside this file, and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

__all__ = ["HOMES"]


def _read(stub: Path) -> dict[str, tuple[str, str]]:
    imports = ast.parse(stub.read_text(encoding="utf-8")).body
    return {
        alias.asname or alias.name: (str(one.module), alias.name)
        for one in imports
        if isinstance(one, ast.ImportFrom)
        for alias in one.names
    }


# Of each public name the module that has it, and its name there.
HOMES: Mapping[str, tuple[str, str]] = _read(Path(__file__).with_name("__init__.pyi"))
