"""Functions of a suite: registered, late and a second time by the same code, or named by a path.

A suite's hooks are called when something is looked for that is not ours. Whoever knows the suite,
as the pytest plugin does, sets `suite`; a context variable, for a run inside a run has its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from inspect import unwrap
from pathlib import Path
from typing import Any, TypeVar

from pytest_diversity.errors import ConfigError, unexpected

__all__ = ["CALLABLE", "digest_of", "named", "registered", "same_source", "suite"]

CALLABLE = "callable:"  # MODULE:FUNCTION, as a configuration names a function

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


def named(what: str, name: str, root: Path) -> Callable[..., Any]:
    """The function that a configuration names: `callable:MODULE:FUNCTION`.

    Args:
        what: It is named as, such as `judge`.
        name: As it is written.
        root: Where modules are looked for, too, after all other places.

    Raises:
        ConfigError: There is none, or its module fails.
    """
    fix = f"write {CALLABLE}MODULE:FUNCTION"
    module, _, attribute = name.removeprefix(CALLABLE).partition(":")
    try:
        with _importable(root):
            function = getattr(import_module(module), attribute)
    except Exception as error:  # a module of the user's may raise anything
        said = f"the {what} {name!r} cannot be found: {unexpected(error)}"
        raise ConfigError(said, fix=fix) from error
    if not callable(function):
        raise ConfigError(f"the {what} is {name!r}, which is no function", fix=fix)
    found: Callable[..., Any] = function
    return found


def digest_of(function: Callable[..., Any]) -> str:
    """A digest of its source, which an edited function does not share; `unknown` of what has none.

    What it calls is not seen.
    """
    import hashlib  # noqa: PLC0415 - rarely asked
    import inspect  # noqa: PLC0415 - likewise

    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return "unknown"
    return hashlib.sha256(source.encode()).hexdigest()[:12]


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    place = str(root.resolve())
    sys.path.append(place)
    try:
        yield
    finally:
        sys.path.remove(place)
