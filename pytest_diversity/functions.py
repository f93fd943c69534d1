"""Functions that are registered: by a suite that is asked late, and a second time by the same code.

A suite's hooks are called when something is looked for that is not ours. Whoever knows the suite,
as the pytest plugin does, sets `suite`; a context variable, for a run inside a run has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from inspect import unwrap
from typing import Any, TypeVar

__all__ = ["registered", "same_source", "suite"]

Found = TypeVar("Found")

# Asks the suite of a run to register what it has; whoever is called twice does it once.
suite: ContextVar[Callable[[], None] | None] = ContextVar("diversity_suite", default=None)

_PARTS = ("__module__", "__qualname__", "__defaults__", "__kwdefaults__")


def registered(look: Callable[[], Found | None]) -> Found | None:
    """What `look` finds; if it finds nothing, what it finds when the suite has been asked."""
    found, ask = look(), suite.get()
    if found is None and ask is not None:
        ask()
        found = look()
    return found


def same_source(one: Any, other: Any) -> bool:
    """Whether two values are equal or, of functions, one source that ran twice.

    A hook that is called a second time defines its functions anew, and they are no others.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_source(one[key], other[key]) for key in one)
    if one is other or not callable(one) or not callable(other):
        return bool(one == other)
    try:
        return _source(one) == _source(other)
    except ValueError:  # a closure over what cannot be compared, such as an array
        return False


def _source(function: Any) -> list[Any]:
    plain = unwrap(function)
    cells = [cell.cell_contents for cell in getattr(plain, "__closure__", None) or ()]
    closure = [getattr(content, "__code__", content) for content in cells]
    parts = [getattr(plain, part, None) for part in _PARTS]
    return [getattr(plain, "__code__", plain), *parts, *closure]
