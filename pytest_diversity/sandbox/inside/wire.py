"""Values on their way out of a program: an exact form to carry them, a canonical one to compare.

The exact form is written inside the hostile process, and is only ever data outside it: tagged
JSON, `[tag, ...]` for everything that JSON cannot say itself. The canonical form is computed
outside, from the exact one, so that a program cannot reach it.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from json import dumps
from math import isnan
from typing import Any

__all__ = [
    "CANONICAL_FORM",
    "Opaque",
    "TooLargeError",
    "canonical",
    "decode",
    "encode",
    "type_name",
]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

CANONICAL_FORM = 1  # grows with every change of what `canonical` returns

DEPTH = 50  # deeper values are marked, not followed
NODES = 100_000  # of one value; more are "too large", like too many characters
ITEMS = 10_000  # taken from an iterator
EXACT = 1 << 53  # larger integers are strings: JSON readers elsewhere round them
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_ITERATORS = ("map", "filter", "zip", "range", "enumerate", "reversed", "generator", "chain")


class TooLargeError(Exception):
    """A value has more parts than anyone would compare."""


class Opaque:
    """A value that did not cross the wall; equal to nothing but itself."""

    def __init__(self, kind: str) -> None:
        """Remember the `kind` of the value, for messages."""
        self.kind = kind

    def __repr__(self) -> str:
        """Say what it stands for."""
        return f"<{self.kind} of the program>"


class _Encoder:
    def __init__(self, size: int) -> None:
        self.nodes = 0
        self.room = size
        self.inside: set[int] = set()

    def encode(self, value: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if self.nodes > NODES:
            raise TooLargeError
        kind = type(value)
        if issubclass(kind, _SIMPLE):
            return self._simple(value, kind)
        if id(value) in self.inside:
            return ["cycle"]
        if depth >= DEPTH:
            return ["deep"]
        self.inside.add(id(value))
        try:
            return self._compound(value, kind, depth + 1)
        finally:
            self.inside.discard(id(value))

    def _simple(self, value: Any, kind: type) -> Any:
        if issubclass(kind, str):
            return self._fits(str.__str__(value))
        if issubclass(kind, float):
            return ["float", float.__repr__(value)]
        if value is None or kind is bool:
            return value
        number = int.__int__(value)
        return number if -EXACT < number < EXACT else ["int", self._fits(hex(number))]

    def _fits(self, text: str) -> str:
        self.room -= len(text)
        if self.room < 0:
            raise TooLargeError
        return text

    def _compound(self, value: Any, kind: type, depth: int) -> list[Any]:
        for base in (list, tuple, set, frozenset):
            if issubclass(kind, base):
                items: Iterable[Any] = base.__iter__(value)
                return [base.__name__, [self.encode(item, depth) for item in items]]
        if issubclass(kind, dict):
            pairs = dict.items(value)
            return ["dict", [[self.encode(k, depth), self.encode(v, depth)] for k, v in pairs]]
        if _module(kind) == "numpy":
            return [f"numpy.{kind.__name__}", self.encode(value.tolist(), depth)]
        if type_name(kind) in _ITERATORS and _module(kind) in ("builtins", "itertools"):
            return ["iterator", [self.encode(item, depth) for item in islice(value, ITEMS)]]
        return [self._fits(text) for text in _described(value, kind)]


# A class may define a __name__ of its own, which could do anything.
type_name = vars(type)["__name__"].__get__
_module: Callable[[type], object] = vars(type)["__module__"].__get__
_SIMPLE = (str, int, float, type(None))


def _described(value: Any, kind: type) -> list[str]:
    for base in (bytes, bytearray):
        if issubclass(kind, base):
            return [base.__name__, base.hex(value)]
    if kind is complex:
        return ["complex", repr(value.real), repr(value.imag)]
    if kind in (Decimal, Fraction):
        return [kind.__name__, str(value)]
    return ["object", type_name(kind), _ADDRESS.sub("0x", repr(value))]


def encode(value: Any, size: int = 1 << 20) -> Any:
    """The exact form of any value.

    Raises:
        TooLargeError: It has too many parts, or more than `size` characters in them.
    """
    return _Encoder(size).encode(value)


def decode(wire: Any) -> Any:
    """The value that an exact form stands for; an `Opaque` where only a description came."""
    if not isinstance(wire, list):
        return wire
    tag, *rest = wire
    if tag in _SEQUENCES:
        return _SEQUENCES[tag](decode(item) for item in rest[0])
    if tag == "dict":
        return {decode(key): decode(value) for key, value in rest[0]}
    if tag in _SCALARS:
        return _SCALARS[tag](*rest)
    if tag.startswith("numpy."):
        return decode(rest[0])
    return Opaque(rest[0] if tag == "object" else tag)


_SEQUENCES: dict[str, Any] = {
    "list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "iterator": iter,
}  # fmt: skip
_SCALARS: dict[str, Any] = {
    "int": lambda text: int(text, 16),
    "float": float,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda real, imaginary: complex(float(real), float(imaginary)),
    "Decimal": Decimal,
    "Fraction": Fraction,
}


def canonical(wire: Any) -> str:
    """One text for all values that count as equal: it can be compared, hashed and stored.

    Types are kept apart (1, 1.0, True and "1" differ, and a list from a tuple); floats have 12
    digits, one nan and no negative zero; sets and dictionaries have no order.

    Raises:
        ValueError: No encoder wrote this: it is deeper than one goes. Other exceptions too may
            come of what a program wrote itself.
    """
    return dumps(_canonical(wire, DEPTH + 2), separators=(",", ":"))


def _canonical(wire: Any, depth: int) -> Any:
    if not isinstance(wire, list):
        return wire
    if not depth:  # sorting what is inside each level again would take for ever
        raise ValueError("deeper than any encoder writes")
    tag, *rest = wire
    form: Callable[..., list[Any]] = _FORMS.get(tag, _unchanged)
    return form(depth - 1, tag, *rest)


def _unchanged(depth: int, tag: str, *rest: Any) -> list[Any]:
    return [tag, *(_canonical(part, depth) for part in rest)]


def _ordered(depth: int, tag: str, items: list[Any]) -> list[Any]:
    return [tag, [_canonical(item, depth) for item in items]]


def _unordered(depth: int, _: str, items: list[Any]) -> list[Any]:
    return ["set", sorted((_canonical(item, depth) for item in items), key=dumps)]


def _mapping(depth: int, tag: str, pairs: list[Any]) -> list[Any]:
    forms = ([_canonical(key, depth), _canonical(value, depth)] for key, value in pairs)
    return [tag, sorted(forms, key=dumps)]


def _numbers(_: int, tag: str, *texts: str) -> list[str]:
    return [tag, *map(_rounded, texts)]


def _rounded(text: str) -> str:
    number = float(text)
    return "nan" if isnan(number) else f"{number + 0.0:.12g}"  # adding zero folds the negative one


_FORMS: dict[str, Callable[..., list[Any]]] = {
    "list": _ordered,
    "tuple": _ordered,
    "iterator": _ordered,
    "set": _unordered,
    "frozenset": _unordered,
    "dict": _mapping,
    "float": _numbers,
    "complex": _numbers,
}
