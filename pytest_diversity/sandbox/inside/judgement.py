"""A check, and what it says about a candidate: in the same words wherever it runs."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from types import CoroutineType, GeneratorType, TracebackType
from typing import Any

__all__ = ["BadCheckError", "Report", "judge", "load"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

Report = list[Any]  # [kind, value]
_NEVER_RUN = (CoroutineType, GeneratorType)
_BUILTIN = frozenset(vars(builtins))


class BadCheckError(Exception):
    """The check itself is at fault, whatever the program does."""


def load(
    prefix: str, source: str, namespace: dict[str, Any], names: Mapping[str, Any]
) -> dict[str, Any]:
    """Fill the namespace of a check: what the prompt defines, what the program does, the check.

    Args:
        prefix: Trusted source whose names the check may use.
        source: Of `check(candidate)`.
        namespace: An empty one.
        names: The program's; they replace no builtin.

    Raises:
        BadCheckError: It cannot be executed, or defines no `check`.
    """
    namespace["__name__"] = "check"
    _execute(prefix, namespace)
    own = {n: v for n, v in names.items() if n not in _BUILTIN and not n.startswith("__")}
    namespace.update(own)
    namespace.pop("check", None)
    _execute(source, namespace)
    if not callable(namespace.get("check")):
        raise BadCheckError("defines no function check(candidate)")
    return namespace


def _execute(source: str, namespace: dict[str, Any]) -> None:
    try:
        exec(compile(source, "<check>", "exec", dont_inherit=True), namespace)  # noqa: S102 - the user's check
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the check's
        raise BadCheckError(f"cannot be loaded: {type(error).__name__}: {error}") from None


def judge(
    namespace: dict[str, Any], candidate: Any, program: Mapping[str, Any] | None = None
) -> Report:
    """What the check comes to: `ok`, or `wrong` where one of its own assertions fails.

    Whatever else is raised comes out as it is.

    Args:
        namespace: Of the check.
        candidate: What it is about.
        program: The namespace of the program, or of what speaks for it in this process: what
            comes out of there is not the check's.

    Raises:
        BadCheckError: It cannot be called, needs a module that is not there, or never runs.
    """
    try:
        result = namespace["check"](candidate)
    except (AssertionError, ImportError, TypeError) as error:
        raised_by = _innermost(error.__traceback__, namespace, program)
        if raised_by is None:
            raise BadCheckError(f"cannot be called with one argument: {error}") from None
        if raised_by is namespace and isinstance(error, ImportError):
            raise BadCheckError(f"cannot import what it needs: {error}") from None
        if raised_by is namespace and isinstance(error, AssertionError):
            return ["wrong", None]
        raise
    if isinstance(result, _NEVER_RUN):
        raise BadCheckError(f"never runs: calling it makes a {type(result).__name__}")
    return ["ok", None]


def _innermost(
    trace: TracebackType | None, check: Mapping[str, Any], program: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Whose code an exception came from, libraries left out: the check's, the program's or None."""
    found = None
    while trace:
        names = trace.tb_frame.f_globals
        if names is check or names is program:
            found = names
        trace = trace.tb_next
    return found
