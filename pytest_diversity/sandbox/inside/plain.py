"""Plain data: which types cross by their contents, and how those are read and filled."""

from __future__ import annotations

import builtins
import datetime as dt
import math
import operator
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["BASES", "CONTAINERS", "NAMED", "PARTS", "base_of"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

_Contents = tuple[Callable[[Any], list[Any]], Callable[[Any, list[Any]], None]]


def _pairs(kind: Any) -> _Contents:
    """How a kind of dictionary is read and filled: keys and values in turn."""

    def contents(value: Any) -> list[Any]:
        return [part for pair in kind.items(value) for part in pair]

    def refill(value: Any, flat: list[Any]) -> None:
        kind.clear(value)
        for key, item in zip(flat[::2], flat[1::2], strict=True):
            kind.__setitem__(value, key, item)

    return contents, refill


def _refill_list(value: Any, items: list[Any]) -> None:
    list.__setitem__(value, slice(None), items)


def _refill_set(value: Any, items: list[Any]) -> None:
    set.clear(value)
    set.update(value, items)


def _refill_deque(value: Any, items: list[Any]) -> None:
    deque.clear(value)
    deque.extend(value, items)


def _refill_flat(value: Any, items: list[Any]) -> None:
    value[:] = type(value)(items) if type(value) is bytearray else array(value.typecode, items)


def _nothing(_: Any) -> tuple[Any, ...]:
    return ()


# What is made empty and filled afterwards: of which arguments it is made, what is in it, how
# it is filled. The types that others derive from come last.
CONTAINERS: dict[type, Any] = {
    defaultdict: (lambda value: (value.default_factory,), *_pairs(dict)),
    OrderedDict: (_nothing, *_pairs(OrderedDict)),
    Counter: (_nothing, *_pairs(dict)),
    list: (_nothing, lambda value: [*list.__iter__(value)], _refill_list),
    dict: (_nothing, *_pairs(dict)),
    set: (_nothing, lambda value: [*set.__iter__(value)], _refill_set),
    deque: (lambda value: ((), value.maxlen), lambda v: [*deque.__iter__(v)], _refill_deque),
    bytearray: (_nothing, list, _refill_flat),
    array: (lambda value: (value.typecode,), list, _refill_flat),
}
# What is made at once, of its parts.
PARTS: dict[type, Callable[[Any], Iterable[Any]]] = {
    tuple: tuple.__iter__,
    frozenset: frozenset.__iter__,
    bytes: lambda value: [bytes.decode(value, "latin-1"), "latin-1"],
    complex: lambda value: [value.real, value.imag],
    range: lambda value: [value.start, value.stop, value.step],
    slice: lambda value: [value.start, value.stop, value.step],
    Decimal: lambda value: [str(value)],
    Fraction: lambda value: [value.numerator, value.denominator],
    dt.timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    dt.timezone: lambda value: value.__getinitargs__(),
    dt.date: lambda value: [value.year, value.month, value.day],
    dt.time: lambda value: [*_clock(value)],
    dt.datetime: lambda value: [value.year, value.month, value.day, *_clock(value)],
}


def _clock(value: Any) -> Iterable[Any]:
    zone = value.tzinfo
    if zone is not None and type(zone) is not dt.timezone:
        zone = dt.timezone(value.utcoffset() or dt.timedelta(), value.tzname() or "")
    return value.hour, value.minute, value.second, value.microsecond, zone


def _named() -> dict[str, Any]:
    """What both sides have under one name, and what no harm comes of calling anywhere."""
    unsafe = """
        breakpoint compile copyright credits delattr dir eval exec exit getattr globals help id
        input license locals open print quit setattr super vars __build_class__ __import__
    """.split()  # noqa: SIM905 - read as text
    modules = {"builtins": builtins, "math": math, "operator": operator}
    return {
        f"{module}.{name}": value
        for module, names in modules.items()
        for name, value in vars(names).items()
        if name not in unsafe
        and not (module == "operator" and isinstance(value, type))
        and not name.startswith("_")
        and not (isinstance(value, type) and issubclass(value, BaseException))
        and (callable(value) or value in (..., NotImplemented))
    }


NAMED = _named()
BASES = (*CONTAINERS, str, int, float, *reversed(PARTS))  # the more special ones come first


def base_of(kind: type) -> type | None:
    """The type of plain data that a class derives from, if it does."""
    return next((base for base in BASES if base in kind.__mro__), None)
