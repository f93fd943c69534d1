"""Mirrors: what a process sees of objects that live in the other one.

A mirror has the special methods of its object, and each of them asks the other side. One of a
class that derives from plain data, such as a named tuple, is that data too, so that it is compared
here. Exceptions are made anew, of classes that derive from the same known ones.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections import deque
from collections.abc import Callable, Generator
from json import dumps
from typing import Any, Protocol

__all__ = ["COMPARISONS", "OPERATORS", "SPECIALS", "Mirrors", "described", "is_known"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

COMPARISONS = frozenset(f"__{name}__" for name in ("lt", "le", "eq", "ne", "gt", "ge"))
_ARITHMETIC = """
    add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor
""".split()  # noqa: SIM905 - read as text
OPERATORS = COMPARISONS | {
    f"__{way}{name}__" for name in _ARITHMETIC for way in ("", "r", "i")
} | {"__contains__"}  # fmt: skip
SPECIALS = OPERATORS | frozenset(
    """
    __call__ __iter__ __next__ __len__ __length_hint__ __getitem__ __setitem__ __delitem__
    __reversed__ __bool__ __int__ __float__ __complex__ __index__ __round__ __trunc__ __floor__
    __ceil__ __abs__ __neg__ __pos__ __invert__ __str__ __repr__ __format__ __bytes__ __hash__
    __enter__ __exit__ __await__ __aiter__ __anext__ __aenter__ __aexit__ __instancecheck__
    __subclasscheck__ __fspath__
    """.split()  # noqa: SIM905 - read as text
)
_ALONE = 64  # items of an iterator that are fetched one by one before some are fetched ahead
# What isinstance() is to say of objects that both sides have the types of.
_KINDS = {kind.__name__: kind for kind in vars(types).values() if isinstance(kind, type)}
_VIEWS: tuple[Any, ...] = ({}.keys(), {}.values(), {}.items())
_KINDS |= {type(view).__name__: type(view) for view in _VIEWS}


class Asking(Protocol):
    """What a mirror turns to."""

    def ask(self, verb: str, *arguments: Any) -> Any:
        """The answer of the other side."""

    def special(self, mirror: Any, name: str, arguments: Any, named: Any) -> Any:
        """What a special method gives there."""


class _Steps:
    """The items of a distant iterator, of which some may be here already."""

    def __init__(self) -> None:
        self.taken = 0
        self.waiting: deque[Any] = deque()
        self.end: BaseException | None = None


class Mirrors:
    """Makes the mirrors of one side, each class of them once.

    Attributes:
        kinds: Names of the types of which there are mirrors, but for functions and iterators.
    """

    def __init__(self, other: Asking, *, ahead: bool) -> None:
        """Mirror nothing yet.

        Args:
            other: The other side.
            ahead: Whether items of its long iterators may be fetched before they are asked for.
        """
        self.other = other
        self.ahead = ahead
        self.kinds: set[str] = set()
        self._classes: dict[str, type] = {}
        self._errors: dict[int, type[BaseException]] = {}
        self._texts: dict[int, str] = {}
        self._steps: dict[int, _Steps] = {}

    @staticmethod
    def describe(kind: type, base: type | None) -> list[Any]:
        """What the other side needs to know of a class to make mirrors of its objects."""
        own = kind.__mro__[: kind.__mro__.index(base or object)]
        names = {name for one in own for name in vars(one)}
        specials = [name for name in sorted(names & SPECIALS) if getattr(kind, name) is not None]
        hidden = [n for n in sorted(names) if base and n[:2] != "__" and hasattr(base, n)]
        return [kind.__module__, kind.__name__, specials, hidden, base and base.__name__]

    def mirrored(self, description: list[Any], base: type | None) -> type:
        """The class of mirrors of a class; of plain data where that derives from it."""
        key = dumps(description)
        if key not in self._classes:
            self._classes[key] = self._class(description, base)
        module, name, *_ = description
        if not (module in ("builtins", "itertools", "functools") and name != "coroutine"):
            self.kinds.add(name)
        return self._classes[key]

    def _class(self, description: list[Any], base: type | None) -> type:
        module, name, specials, hidden, _ = description
        ask = self.other.ask
        names: dict[str, Any] = {
            special: self._method(special) for special in specials if special in SPECIALS
        }
        names |= {one: _property(ask, one) for one in hidden if one.isidentifier()}
        names |= {
            "__module__": str(module),
            "__doc__": _property(ask, "__doc__"),
            "__getattr__": lambda mirror, name: ask("get", mirror, name),
            "__setattr__": lambda mirror, name, value: ask("set", mirror, name, value),
            "__delattr__": lambda mirror, name: ask("delete", mirror, name),
        }
        known = _KINDS.get(name) if module == "builtins" else None
        names["__class__"] = property(lambda _: known) if known else _property(ask, "__class__")
        if "__await__" in names:
            names["send"] = lambda mirror, _: self._send(mirror)
        if base is None and known is None:
            names["__dict__"] = _property(ask, "__dict__")
        return type(str(name), (base,) if base else (), names)

    def _method(self, name: str) -> Callable[..., Any]:
        if name == "__next__":
            return lambda mirror: self._next(mirror)  # noqa: PLW0108 - a bound method gets no mirror
        if name == "__await__":
            return lambda mirror: self._await(mirror)  # noqa: PLW0108 - as above
        other = self.other
        return lambda mirror, *given, **named: other.special(mirror, name, given, named)

    def _next(self, mirror: Any) -> Any:
        steps = self._steps.setdefault(id(mirror), _Steps())
        if not steps.waiting:
            if steps.end is not None:
                raise steps.end
            wanted = max(1, steps.taken // 8) if self.ahead and steps.taken >= _ALONE else 1
            items, steps.end = self.other.ask("steps", mirror, wanted)
            steps.waiting.extend(items)
            if not items:
                return self._next(mirror)
        steps.taken += 1
        return steps.waiting.popleft()

    def _await(self, mirror: Any) -> Generator[Any, None, Any]:
        answer: Any = self.other.ask("await", mirror)
        return answer
        yield  # what makes it an iterator

    def _send(self, mirror: Any) -> Any:
        raise StopIteration(self.other.ask("await", mirror))

    def error_class(self, description: list[Any]) -> type[BaseException]:
        """The known class of a name, or one made here of the same bases."""
        module, name, key, bases = description
        known = _find(module, name)
        if isinstance(known, type) and issubclass(known, BaseException):
            return known
        if key not in self._errors:
            parents = tuple(dict.fromkeys(self.error_class(base) for base in bases))
            self._errors[key] = self._error_class(str(name), parents or (Exception,))
        return self._errors[key]

    def _error_class(self, name: str, parents: tuple[type, ...]) -> type[BaseException]:
        texts, ask = self._texts, self.other.ask
        first: Any = parents[0]

        def text(error: BaseException) -> str:
            known = texts.get(id(error))
            return str(first.__str__(error)) if known is None else known

        def attribute(error: BaseException, name: str) -> Any:
            if name.startswith("__"):  # what the interpreter looks for, such as notes
                raise AttributeError(name)
            return ask("get", error, name)

        names = {"__module__": "program", "__str__": text, "__getattr__": attribute}
        return type(name.rpartition(".")[2], parents, names)

    def error(
        self, description: list[Any], text: str | None, arguments: Any, names: Any
    ) -> BaseException:
        """An exception as the other side has it, without its traceback."""
        kind = self.error_class(description)
        made: BaseException = kind.__new__(kind, *arguments)
        builtin: Any = next(one for one in kind.__mro__ if one.__module__ == "builtins")
        try:
            builtin.__init__(made, *arguments)
        except TypeError:  # it takes others than its own class does
            made.args = arguments
        vars(made).update(names)
        if text is not None:
            self._texts[id(made)] = text
        return made


def _property(ask: Callable[..., Any], name: str) -> property:
    return property(
        lambda mirror: ask("get", mirror, name),
        lambda mirror, value: ask("set", mirror, name, value),
    )


def described(kind: type) -> list[Any]:
    """An exception class by where it is, its name, its identity, and its bases."""
    bases = [described(base) for base in kind.__bases__ if issubclass(base, BaseException)]
    return [kind.__module__ if is_known(kind) else "", kind.__qualname__, id(kind), bases]


def is_known(kind: type) -> bool:
    """Whether a class is the standard library's: the other side may have it under its name."""
    return _find(kind.__module__, kind.__qualname__) is kind


def _find(module: Any, name: Any) -> Any:
    """What an imported module of the standard library has under a name."""
    top = str(module).partition(".")[0]
    if top not in sys.stdlib_module_names and top != "builtins":
        return None
    found: Any = sys.modules.get(module)
    for part in str(name).split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    return found
