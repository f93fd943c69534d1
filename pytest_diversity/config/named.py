"""Checkpoints as the file and the command line name them: one each, or many by a pattern."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Any

from pytest_diversity.config.server import is_server
from pytest_diversity.config.values import Checkpoint, Config, baseline_name
from pytest_diversity.errors import ConfigError

__all__ = ["add_checkpoints", "check_name", "matching"]

_REPLAY = "replay:"
_RECORDED = r"\.(jsonl?|parquet|gz|zst)"  # the ends of a recording's name


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
    models = _expand(name, root, given.source)
    adapters = _expand(name, root, given.adapter) if given.adapter else []
    if models and adapters:
        raise ConfigError(
            f"checkpoint {name!r} has a pattern for its model and one for its adapter",
            fix="write a checkpoint for each model",
        )
    if adapters:
        return [replace(given, adapter=path, **place) for path, place in adapters]
    return [replace(given, source=path, **place) for path, place in models] or [given]


def _expand(name: str, root: Path, source: str) -> list[tuple[str, dict[str, Any]]]:
    """What a pattern matches, run after run, ordered by the numbers in the names; nothing if none.

    Each with the name that its checkpoint has, and its run and step: what a folder holds is the
    steps of one run where its names differ in a number at the end alone. Where there are several
    folders, what tells them apart is part of the names.
    """
    scheme = _REPLAY if source.startswith(_REPLAY) else ""
    pattern = source.removeprefix(scheme)
    plain = not any(character in pattern for character in "*?[")
    if plain or is_server(source) or os.path.exists(root / pattern):  # noqa: PTH110 - never raises
        return []
    pattern = os.path.expanduser(pattern)  # noqa: PTH111 - an unknown ~user is kept
    matches = glob(pattern, root_dir=root)  # noqa: PTH207 - pathlib's takes no absolute pattern
    folders: dict[Path, list[_Match]] = {}
    for match in sorted((_Match.of(root / match) for match in matches), key=_Match.order):
        folders.setdefault(match.path.parent, []).append(match)
    if not folders:
        raise ConfigError(
            f"checkpoint {name!r}: nothing matches {source!r} in {root}", fix="check the pattern"
        )
    names = ("-".join([name, *parts]) for parts in _told_apart(list(folders)))
    return [
        (scheme + one.path.as_posix(), one.place(own, one_run=_is_run(found)))
        for own, found in zip(names, folders.values(), strict=True)
        for one in found
    ]


def _told_apart(folders: Sequence[Path]) -> list[tuple[str, ...]]:
    """The parts of each path, among equally long ones, that are not the same in all of them."""
    columns = zip(*(one.parts for one in folders), strict=False)
    different = [column for column in columns if len(set(column)) > 1]
    return list(zip(*different, strict=True)) or [()]


def _is_run(found: Iterable[_Match]) -> bool:
    return len({one.stem for one in found if one.step is not None}) == 1


@dataclass(frozen=True, slots=True)
class _Match:
    """A path that a pattern matches: a `checkpoint-500`, or a recording `step-500.jsonl.gz`."""

    path: Path
    stem: str
    step: int | None

    @classmethod
    def of(cls, path: Path) -> _Match:
        name = path.name if path.is_dir() else re.sub(rf"({_RECORDED})+$", "", path.name)
        stem = name.rstrip("0123456789")
        return cls(path, stem, int(name[len(stem) :]) if stem != name else None)

    def order(self) -> tuple[list[tuple[int, str]], int, str]:
        step = -1 if self.step is None else self.step
        return _naturally(self.path.parent.as_posix()), step, self.path.name

    def place(self, name: str, *, one_run: bool) -> dict[str, Any]:
        """What the checkpoint is called, where `name` is its folder's, and where it stands."""
        own = self.stem if self.step is None else self.step
        place = {"run": name, "step": self.step} if one_run else {}
        return {"name": f"{name}-{own}", **place}


def _naturally(text: str) -> list[tuple[int, str]]:
    """What orders `run-9` before `run-10`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)
    ]
