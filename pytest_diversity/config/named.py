"""Checkpoints as the file and the command line name them: one each, or many by a pattern."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from glob import glob
from pathlib import Path

from pytest_diversity.config.server import is_server
from pytest_diversity.config.values import Checkpoint, Config, baseline_name
from pytest_diversity.errors import ConfigError

__all__ = ["add_checkpoints", "check_name", "matching"]


_REPLAY = "replay:"


def check_name(checkpoint: str) -> None:
    """Refuse a name that no line of a report or id of a test can show, or that means another thing.

    Raises:
        ConfigError: It is one.
    """
    reserved = baseline_name(checkpoint, "") is not None
    if not checkpoint.strip() or not checkpoint.isprintable() or reserved:
        raise ConfigError(f"a checkpoint cannot be named {checkpoint!r}", fix="rename it")


def add_checkpoints(config: Config, options: Iterable[str], root: Path) -> Config:
    """Apply `--diversity-checkpoint`: NAME=SOURCE adds one, NAME alone chooses.

    A source may be a pattern, as in the file. Once any is chosen, only those chosen or added are
    under test.

    Args:
        config: What the file says.
        options: What the command line says.
        root: What patterns are relative to.

    Raises:
        ConfigError: A chosen checkpoint is unknown, added twice, or an option is incomplete.
    """
    named = list(dict.fromkeys(options))
    added: dict[str, Checkpoint] = {}
    for option in named:
        if "=" not in option:
            continue
        for one in _given(option, root):
            if one.name in added:
                raise ConfigError(
                    f"--diversity-checkpoint gives {one.name!r} two sources", fix="rename one"
                )
            added[one.name] = one
    merged = replace(config, checkpoints={**config.checkpoints, **added})
    chosen = [merged.checkpoint(option).name for option in named if "=" not in option]
    kept = chosen or [name for name in config.selected if name not in added]
    return replace(merged, selected=tuple(dict.fromkeys([*kept, *added])))


def _given(option: str, root: Path) -> list[Checkpoint]:
    """What NAME=SOURCE stands for."""
    name, _, source = (part.strip() for part in option.partition("="))
    if not name or not source:
        raise ConfigError(
            f"--diversity-checkpoint {option!r} is incomplete", fix="write NAME=SOURCE"
        )
    check_name(name)
    found = matching(name, root, Checkpoint(name, source))
    for one in found:
        check_name(one.name)
    return found


def matching(name: str, root: Path, given: Checkpoint) -> list[Checkpoint]:
    """The checkpoints that one with a pattern for its model or its adapter stands for.

    Raises:
        ConfigError: Nothing matches, or both are patterns.
    """
    models = [
        replace(given, name=label, source=path) for label, path in _expand(name, root, given.source)
    ]
    if given.adapter is None:
        return models
    adapters = _expand(name, root, given.adapter)
    if adapters == [(name, given.adapter)]:
        return models
    if models != [given]:
        raise ConfigError(
            f"checkpoint {name!r} has a pattern for its model and one for its adapter",
            fix="write a checkpoint for each model",
        )
    return [replace(given, name=label, adapter=path) for label, path in adapters]


def _expand(name: str, root: Path, source: str) -> list[tuple[str, str]]:
    """A pattern stands for what it matches, ordered by the number at the end of each name."""
    scheme = _REPLAY if source.startswith(_REPLAY) else ""
    given = source.removeprefix(scheme)
    plain = not any(character in given for character in "*?[")
    if plain or is_server(source) or os.path.exists(root / given):  # noqa: PTH110 - never raises
        return [(name, source)]
    pattern = os.path.expanduser(given)  # noqa: PTH111 - an unknown ~user is kept
    matches = glob(pattern, root_dir=root)  # noqa: PTH207 - pathlib's takes no absolute pattern
    found = sorted((root / match for match in matches), key=_step)
    if not found:
        raise ConfigError(
            f"checkpoint {name!r}: nothing matches {source!r} in {root}", fix="check the pattern"
        )
    return [(f"{name}-{_label(path)}", f"{scheme}{path.as_posix()}") for path in found]


def _step(path: Path) -> tuple[int, str]:
    return (int(number[1]) if (number := re.search(r"(\d+)$", path.name)) else -1, path.name)


def _label(path: Path) -> str:
    step, name = _step(path)
    return str(step) if step >= 0 else name
