"""Values on their way between a check and a program that are in two processes.

A message is a table of nodes, so that nothing of it is recursive. Plain data crosses by value,
and is compared on the side of whoever compares it. Lists, sets, dictionaries and their like keep
their identity: each has a number that both sides know as long as somebody there holds it, and
every message carries the contents of all that both sides hold. Everything else stays where it is,
and the other side has a mirror of it (`mirror.py`).
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from .mirror import Mirrors, described, is_known
from .plain import BASES, CONTAINERS, NAMED, PARTS, base_of

__all__ = ["Crossing", "UncrossableError"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

_BITS = 1000  # of an integer that is written as one: json reads no more than 4,300 digits
_NAMES = {id(value): name for name, value in NAMED.items()}
_CONTAINERS = {kind.__name__: kind for kind in CONTAINERS}
_PARTS = {kind.__name__: kind for kind in PARTS}
_BASES = {kind.__name__: kind for kind in BASES}
_INLINE = (str, int, float, bool)
_WHOLE = (tuple, frozenset)  # of which the parts are one argument
_HELD = 3  # references to an object that only its table and the loop over it hold


class UncrossableError(BaseException):
    """The check passes what must not be handed to a program, even as a mirror."""


def _same(here: list[Any], there: list[Any]) -> bool:
    """Whether items are the very ones that are there already."""
    return len(here) == len(there) and all(
        one is other or (type(one) is type(other) and type(one) in _INLINE and one == other)
        for one, other in zip(here, there, strict=True)
    )


class Crossing:
    """What of both sides the other one knows, by number: even ones are the check's."""

    def __init__(self, mirrors: Mirrors, first: int, may_show: Callable[[Any], bool]) -> None:
        """Know nothing yet.

        Args:
            mirrors: Makes those of the other side's objects.
            first: The first number of this side: 0 for the check's, 1 for the program's.
            may_show: Whether the other side may have a mirror of an object.
        """
        self.mirrors = mirrors
        self.may_show = may_show
        self.next = first
        self.own: dict[int, Any] = {}  # of which the other side has mirrors
        self.foreign: dict[int, Any] = {}  # mirrors
        self.shared: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}  # by the id of an object in one of the three

    def number(self, value: Any, table: dict[int, Any]) -> int:
        """The number of an object, which is put into `table` if it has none."""
        known = self.numbers.get(id(value))
        if known is None:
            known = self.next
            self.next += 2
            self.adopt(known, value, table)
        return known

    def adopt(self, number: int, value: Any, table: dict[int, Any]) -> None:
        """Know an object under a number."""
        table[number] = value
        self.numbers[id(value)] = number

    def forget(self, kept: Iterable[int] | None = None) -> None:
        """Drop what nobody here holds, or what the other side does not."""
        keep = None if kept is None else set(kept)
        for number in [*self.shared]:
            value = self.shared[number]
            lost = sys.getrefcount(value) <= _HELD if keep is None else number not in keep
            if lost and number not in self.own and number not in self.foreign:
                del self.shared[number]
                self.numbers.pop(id(value), None)

    def pack(self, root: Any) -> list[Any]:
        """A message: where its root is, its nodes, and the numbers of what is held here."""
        table = _Writer(self)
        top = table.refer(root)
        for value in [*self.shared.values()]:  # for the last time what nobody here holds any more
            table.refer(value)
        nodes = table.finish()
        value = None
        del table
        self.forget()
        return [top, nodes, [*self.shared]]

    def unpack(self, message: list[Any]) -> Any:
        """The value that a message of the other side stands for."""
        top, nodes, held = message
        root = _Reader(self, nodes).read(top)
        self.forget(held)
        return root


class _Writer:
    """One message in the making."""

    def __init__(self, crossing: Crossing) -> None:
        self.crossing = crossing
        self.nodes: list[Any] = []
        self.values: list[Any] = []
        self.places: dict[int, int] = {}

    def refer(self, value: Any) -> Any:
        """What stands for a value in a node: itself, or the place of its own node."""
        kind = type(value)
        if value is None or kind in (str, bool, float):
            return value
        if kind is int and value.bit_length() < _BITS:
            return value
        place = self.places.get(id(value))
        if place is None:
            place = self.places[id(value)] = len(self.values)
            self.values.append(value)
        return [place]

    def finish(self) -> list[Any]:
        """All nodes; what they refer to comes after them."""
        while len(self.nodes) < len(self.values):
            self.nodes.append(self._node(self.values[len(self.nodes)]))
        return self.nodes

    def _node(self, value: Any) -> list[Any]:  # noqa: PLR0911 - a form each
        kind = type(value)
        if kind is int:
            return ["int", hex(value)]
        if kind in PARTS:
            return ["parts", kind.__name__, [self.refer(part) for part in PARTS[kind](value)]]
        if id(value) in _NAMES:
            return ["named", _NAMES[id(value)]]
        base = base_of(kind)
        if base in CONTAINERS:
            return self._container(value, base)
        crossing = self.crossing
        if crossing.numbers.get(id(value)) in crossing.foreign:
            return ["yours", crossing.numbers[id(value)]]
        if isinstance(value, BaseException):
            return self._error(value)
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["class", crossing.number(value, crossing.own), described(value)]
        if kind.__module__ == "numpy" and (plain := self._array(value, kind)):
            return plain
        return self._mirrored(value, base)

    def _container(self, value: Any, base: Any) -> list[Any]:
        made_of, contents, _ = CONTAINERS[base]
        crossing = self.crossing
        number = crossing.number(value, crossing.shared)
        arguments = [self.refer(part) for part in made_of(value)]
        items = [self.refer(item) for item in contents(value)]
        kind = None
        if type(value) is not base and number not in crossing.foreign:
            crossing.own[number] = value
            kind = crossing.mirrors.describe(type(value), base)
        return ["container", number, base.__name__, arguments, items, kind]

    def _array(self, value: Any, kind: type) -> list[Any] | None:
        """A numpy array or scalar; in its own memory it is as mutable as a list."""
        if value.dtype.hasobject or value.dtype.names or kind.__name__ == "matrix":
            return None
        data = value.tobytes().decode("latin-1")
        shape = list(value.shape) if kind.__name__ == "ndarray" else None
        number = None if shape is None else self.crossing.number(value, self.crossing.shared)
        return ["numpy", number, value.dtype.str, shape, data]

    def _error(self, error: BaseException) -> list[Any]:
        kind = type(error)
        crossing = self.crossing
        says = next(one for one in kind.__mro__ if "__str__" in vars(one))
        text = None if is_known(says) else str(error)
        number = crossing.number(error, crossing.own)
        builtin: Any = next(one for one in kind.__mro__ if one.__module__ == "builtins")
        arguments = builtin.__reduce__(error)[1]  # of an OSError also the names of its files
        if isinstance(error, BaseExceptionGroup):
            arguments = (error.message, tuple(error.exceptions))
        parts = (tuple(arguments), tuple(vars(error).items()), error.__cause__)
        return ["error", number, described(kind), text, *map(self.refer, parts)]

    def _mirrored(self, value: Any, base: Any) -> list[Any]:
        crossing = self.crossing
        if not crossing.may_show(value):
            raise UncrossableError(type(value).__name__)
        number = crossing.number(value, crossing.own)
        data = None
        if base in PARTS:
            data = [self.refer(part) for part in PARTS[base](value)]
        elif base:
            data = [self.refer(base(base.__str__(value)) if base is str else base.__pos__(value))]
        return ["mine", number, crossing.mirrors.describe(type(value), base), data]


def _needs(node: list[Any]) -> list[Any]:
    """What must be there before a node's value can be made."""
    needs = {"container": node[3:4], "parts": node[2:3], "mine": node[3:4], "error": [node[4:]]}
    return [part for parts in needs.get(node[0], []) for part in parts or []]


class _Reader:
    """One message of the other side, node by node."""

    def __init__(self, crossing: Crossing, nodes: list[Any]) -> None:
        self.crossing = crossing
        self.nodes = nodes
        self.values: list[Any] = [self] * len(nodes)  # itself where there is nothing yet

    def read(self, top: Any) -> Any:
        """The root's value."""
        for place in range(len(self.nodes)):
            self._build(place)
        for place, node in enumerate(self.nodes):
            if node[0] == "container":
                self._fill(self.values[place], node)
        return self.value(top)

    def value(self, reference: Any) -> Any:
        """What a reference stands for."""
        return self.values[reference[0]] if type(reference) is list else reference

    def _build(self, place: int) -> None:
        """Make a value after those that it is made of."""
        todo = [place]
        while todo:
            node = self.nodes[todo[-1]]
            needs = _needs(node)
            missing = [r[0] for r in needs if type(r) is list and self.values[r[0]] is self]
            if missing and self.values[todo[-1]] is self:
                if len(todo) > len(self.nodes):
                    raise ValueError("a value that is made of itself")
                todo += missing
                continue
            place = todo.pop()
            if self.values[place] is self:
                self.values[place] = getattr(self, f"_make_{node[0]}")(*node[1:])

    def _all(self, references: list[Any]) -> list[Any]:
        values = self.values
        return [values[r[0]] if type(r) is list else r for r in references]

    def _make_int(self, text: str) -> int:
        return int(text, 16)

    def _make_named(self, name: str) -> Any:
        return NAMED[name]

    def _make_parts(self, name: str, parts: list[Any]) -> Any:
        kind = _PARTS[name]
        values = self._all(parts)
        return kind(values) if kind in _WHOLE else kind(*values)

    def _make_yours(self, number: int) -> Any:
        return self.crossing.own[number]

    def _make_container(
        self, number: int, name: str, arguments: list[Any], _: Any, kind: Any
    ) -> Any:
        base = _CONTAINERS[name]
        known = self.crossing.shared.get(number)
        if known is not None:
            if base_of(type(known)) is not base:
                raise ValueError("another kind of value")
            return known
        made: Any = base if kind is None else self.crossing.mirrors.mirrored(kind, base)
        value = made(*self._all(arguments))
        self.crossing.adopt(number, value, self.crossing.shared)
        if kind is not None:
            self.crossing.foreign[number] = value
        return value

    def _fill(self, value: Any, node: list[Any]) -> None:
        _, contents, refill = CONTAINERS[_CONTAINERS[node[2]]]
        items = self._all(node[4])
        if not _same(contents(value), items):  # somebody may just be iterating over it
            refill(value, items)

    def _make_numpy(self, number: int | None, kind: str, shape: Any, data: str) -> Any:
        numpy: Any = import_module("numpy")  # it is there, or nobody could have made one
        made = numpy.frombuffer(data.encode("latin-1"), dtype=numpy.dtype(kind)).copy()
        if number is None or shape is None:
            return made[0]
        known = self.crossing.shared.get(number)
        if known is None or known.shape != tuple(shape) or known.dtype != made.dtype:
            known = made.reshape(shape)
            self.crossing.adopt(number, known, self.crossing.shared)
        else:
            known[...] = made.reshape(shape)
        return known

    def _make_mine(self, number: int, kind: Any, data: Any) -> Any:
        if (known := self.crossing.foreign.get(number)) is not None:
            return known
        base = kind[4] and _BASES[kind[4]]
        parts = self._all(data or [])
        parts = [parts] if base in _WHOLE else parts
        value = self.crossing.mirrors.mirrored(kind, base)(*parts)
        self.crossing.adopt(number, value, self.crossing.foreign)
        return value

    def _make_class(self, number: int, kind: Any) -> Any:
        value = self.crossing.mirrors.error_class(kind)
        self.crossing.adopt(number, value, self.crossing.foreign)
        return value

    def _make_error(self, number: int, kind: Any, text: Any, *parts: Any) -> BaseException:
        known: BaseException | None = self.crossing.foreign.get(number)
        if known is not None:
            return known
        arguments, names, cause = self._all([*parts])
        error = self.crossing.mirrors.error(kind, text, arguments, names)
        error.__cause__ = cause
        self.crossing.adopt(number, error, self.crossing.foreign)
        return error
