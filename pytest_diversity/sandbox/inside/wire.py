"""Values on their way out of a program: an exact form to carry them, a canonical one to compare.

The exact form is written inside the hostile process, and is only ever data outside it: tagged
JSON, `[tag, ...]` for everything that JSON cannot say itself. The canonical form is computed
outside, from the exact one, so that a program cannot reach it.
"""

from __future__ import annotations

import builtins
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from json import dumps, loads
from math import isnan
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

__all__ = ["CANONICAL_FORM", "TooLargeError", "canonical", "encode", "type_name"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

CANONICAL_FORM = 2  # grows with every change of what `canonical` returns

DEPTH = 100  # deeper values are opaque
NODES = 100_000  # of one value; more are "too large", like too many characters
ITEMS = 1_000  # taken from an iterator, which may be endless
CALLS = 8  # of a function that is a value, or in one
NESTED = 3  # functions that give functions that give functions
EXACT = 1 << 53  # larger integers are strings: JSON readers elsewhere round them
OPAQUE = "opaque"
_VARIADIC = 0x04  # inspect.CO_VARARGS
_FUNCTIONS = (FunctionType, BuiltinFunctionType)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_VIEWS: tuple[type, ...] = (range, type({}.keys()), type({}.values()), type({}.items()))


class TooLargeError(Exception):
    """A value has more parts than anyone would compare."""


class _OpaqueError(Exception):
    """A value has a part that nothing can be compared by."""


class _Encoder:
    def __init__(self, size: int, calls: Sequence[Sequence[Any]]) -> None:
        self.nodes = 0
        self.calls = calls
        self.applying = 0
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
            return ["opaque", "deep"]
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

    def _compound(self, value: Any, kind: type, depth: int) -> list[Any]:  # noqa: PLR0911 - a form each
        for base in (list, tuple, set, frozenset, deque):
            if issubclass(kind, base):
                items: Iterable[Any] = base.__iter__(value)
                return [base.__name__, [self.encode(item, depth) for item in items]]
        if issubclass(kind, dict):
            pairs = dict.items(value)
            return ["dict", [[self.encode(k, depth), self.encode(v, depth)] for k, v in pairs]]
        if _module(kind) == "numpy":
            return [f"numpy.{kind.__name__}", self.encode(value.tolist(), depth)]
        if issubclass(kind, _VIEWS) or _has(kind, "__next__"):
            taken = [*islice(iter(value), ITEMS + 1)]
            more = [["more"]] if len(taken) > ITEMS else []
            return ["iterator", [self.encode(item, depth) for item in taken[:ITEMS]] + more]
        if _has(kind, "__await__") or _has(kind, "__anext__"):
            return ["awaited", self.encode(_awaited(value), depth)]
        if callable(value):
            return self._function(value, depth)
        return self._object(value, kind, depth)

    def _object(self, value: Any, kind: type, depth: int) -> list[Any]:
        """What a program's own object holds; another one's text, if it has one of its own."""
        text = _described(value, kind)
        if text:
            return [self._fits(part) for part in text]
        if kind is not object and not _made_here(kind):
            return ["opaque", type_name(kind)]
        names = {name for one in kind.__mro__ for name in _slots(one)}
        held = {name: getattr(value, name) for name in names if hasattr(value, name)}
        held |= getattr(value, "__dict__", {})
        if issubclass(kind, BaseException):
            held["args"] = value.args
        return ["object", type_name(kind), self.encode(held, depth)]

    def _function(self, value: Any, depth: int) -> list[Any]:
        """A library's function is its name; one of the program, what it gives on the inputs."""
        named = value if isinstance(value, (type, *_FUNCTIONS)) else type(value)
        known = isinstance(value, type) or type(value) in _FUNCTIONS
        if known and not _made_here(named):
            return ["named", f"{named.__module__}.{named.__qualname__}"]
        if self.applying >= NESTED:
            return ["opaque", "function"]
        self.applying += 1
        given = [
            self._applied(value, arguments, depth) for arguments in _fitting(value, self.calls)
        ]
        self.applying -= 1
        if all(one is None or _raised(one) for one in given):
            return ["opaque", "function"]
        return ["function", given]

    def _applied(self, function: Any, arguments: Sequence[Any], depth: int) -> Any:
        try:
            return self.encode(function(*loads(dumps(arguments))), depth)
        except TooLargeError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what it does
            return ["raised", type_name(type(error))]


# A class may define a __name__ of its own, which could do anything.
type_name = vars(type)["__name__"].__get__
_module: Callable[[type], object] = vars(type)["__module__"].__get__
_SIMPLE = (str, int, float, type(None))


def _has(kind: type, name: str) -> bool:
    return any(name in vars(one) for one in kind.__mro__)


def _made_here(kind: Any) -> bool:
    """Whether a class or function is the program's own."""
    return getattr(kind, "__module__", None) in ("program", "__main__")


def _slots(kind: type) -> Iterable[str]:
    slots = vars(kind).get("__slots__", ())
    return [slots] if isinstance(slots, str) else slots


def _raised(wire: Any) -> bool:
    return isinstance(wire, list) and wire[:1] == ["raised"]


def _fitting(function: Any, calls: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Arguments for a function of as many as it takes, made of those that there are."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return calls[:CALLS]
    takes = code.co_argcount - len(getattr(function, "__defaults__", None) or ())
    if any(len(given) == takes for given in calls) or code.co_flags & _VARIADIC:
        return calls[:CALLS]
    pool = [argument for given in calls for argument in given]
    if not takes or not pool:
        return [()]
    pool *= -(-takes // len(pool))
    return [pool[i : i + takes] for i in range(0, len(pool) - takes + 1, takes)][:CALLS]


def _awaited(value: Any) -> Any:
    """What comes of a coroutine, or out of an asynchronous iterator."""
    import asyncio  # noqa: PLC0415 - few programs need it

    async def wait() -> Any:
        if _has(type(value), "__await__"):
            return await value
        items: list[Any] = []
        async for item in value:
            items.append(item)
            if len(items) >= ITEMS:
                break
        return items

    return asyncio.run(wait())


def _described(value: Any, kind: type) -> list[str] | None:
    for base in (bytes, bytearray):
        if issubclass(kind, base):
            return [base.__name__, base.hex(value)]
    if kind is complex:
        return ["complex", repr(value.real), repr(value.imag)]
    if kind in (Decimal, Fraction):
        return [kind.__name__, str(value)]
    if isinstance(value, Enum):
        return ["enum", type_name(kind), value.name]
    if _made_here(kind) or vars(object)["__repr__"] is kind.__repr__:
        return None
    text = repr(value)
    return None if _ADDRESS.search(text) else ["object", type_name(kind), text]


def encode(value: Any, size: int = 1 << 20, calls: Sequence[Sequence[Any]] = ()) -> Any:
    """The exact form of any value: what it holds, yields, or gives when it is called.

    Args:
        value: Whatever a program returned.
        size: The most characters in it.
        calls: Lists of arguments by which functions are told apart.

    Raises:
        TooLargeError: It has too many parts, or more than `size` characters in them.
    """
    return _Encoder(size, calls).encode(value)


def canonical(wire: Any) -> str:
    """One text for all values that count as equal: it can be compared, hashed and stored.

    Types are kept apart (1, 1.0, True and "1" differ, and a list from a tuple); floats have 12
    digits, one nan and no negative zero; sets and dictionaries have no order. Of a value with a
    part that nothing can be compared by, only that is left: `["opaque", type]`.

    Raises:
        ValueError: No encoder wrote this: it is deeper than one goes. Other exceptions too may
            come of what a program wrote itself.
    """
    try:
        return dumps(_canonical(wire, DEPTH + 2), separators=(",", ":"))
    except _OpaqueError as error:
        return dumps([OPAQUE, *error.args], separators=(",", ":"))


def _canonical(wire: Any, depth: int) -> Any:
    if not isinstance(wire, list):
        return wire
    if not depth:  # sorting what is inside each level again would take for ever
        raise ValueError("deeper than any encoder writes")
    tag, *rest = wire
    form: Callable[..., list[Any]] = _FORMS.get(tag, _unchanged)
    return form(depth - 1, tag, *rest)


def _opaque(_: int, __: str, kind: str) -> list[Any]:
    raise _OpaqueError(str(kind)[:200])


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
    "opaque": _opaque,
    "list": _ordered,
    "tuple": _ordered,
    "deque": _ordered,
    "function": _ordered,
    "iterator": _ordered,
    "set": _unordered,
    "frozenset": _unordered,
    "dict": _mapping,
    "float": _numbers,
    "complex": _numbers,
}
