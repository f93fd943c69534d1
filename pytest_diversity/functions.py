"""Telling a function that is defined a second time from another one."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import unwrap
from typing import Any

__all__ = ["same_source"]

_PARTS = ("__module__", "__qualname__", "__defaults__", "__kwdefaults__")


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
