"""Every metric as a pure function over the K samples of one prompt.

`parse` turns a canonical name into a metric. Each public name is loaded when it is first used, from
where the stub beside this file imports it: a metric is a file, and a line there.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pytest_diversity.metrics._homes import HOMES

__all__ = sorted(HOMES)  # noqa: PLE0605 - the stub lists them


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
