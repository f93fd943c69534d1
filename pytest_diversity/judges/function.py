"""A function of the suite's as a judge: `callable:MODULE:FUNCTION`, of (prompt, text)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import ConfigError, JudgeError, first_line
from pytest_diversity.judges.protocol import Judge, each
from pytest_diversity.judges.tools import Tools

__all__ = ["find"]

_HOW = 'write quality = "callable:MODULE:FUNCTION"'


def find(quality: Quality, tools: Tools) -> Judge:
    """The function, whose attributes say what `register_judge` is told of another.

    `version` (else a digest of its source), `better`, `low`, `high`, `threshold`; as they are not
    said: up, from 0 to 1, 0.5. A checker of verifiable answers gives True or False.

    Raises:
        ConfigError: It is not there, is no function, or its attributes do not fit.
        JudgeError: Its module fails.
    """
    function = _load(quality.judge, tools.root)
    return Judge(
        quality.judge,
        _version(function),
        each(function),
        better=getattr(function, "better", "up"),
        low=getattr(function, "low", 0.0),
        high=getattr(function, "high", 1.0),
        threshold=getattr(function, "threshold", 0.5),
    )


def _load(name: str, root: Path) -> Callable[[str, str], Any]:
    module, _, attribute = name.partition(":")[2].partition(":")
    try:
        with _importable(root):
            function = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"the judge {name!r} cannot be found: {first_line(error)}", fix=_HOW
        ) from None
    except Exception as error:  # a module of the user's may raise anything
        raise JudgeError(
            f"the judge {name!r} cannot be imported: {first_line(error)}", fix="mend its module"
        ) from error
    if not callable(function):
        raise ConfigError(f"the judge {name!r} is no function", fix=_HOW)
    loaded: Callable[[str, str], Any] = function
    return loaded


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Modules beside the configuration are found, too, after all others."""
    place = str(root.resolve())
    sys.path.append(place)
    try:
        yield
    finally:
        sys.path.remove(place)


def _version(function: Any) -> str:
    """As it says; else of its source, so that scores of an edited function are not taken for its.

    What the function calls is not seen: a function that changes elsewhere says its version.
    """
    said = getattr(function, "version", None)
    if said is not None:
        return str(said)
    import hashlib  # noqa: PLC0415 - rarely asked
    import inspect  # noqa: PLC0415 - likewise

    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return "unknown"
    return hashlib.sha256(source.encode()).hexdigest()[:12]
