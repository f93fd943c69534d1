"""Prompt files: one prompt a line, from a file of the user's own or a built-in one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pytest_diversity.errors import ConfigError, DataError, did_you_mean
from pytest_diversity.samples import is_unicode, read_json_lines

__all__ = ["BUILTIN", "Prompt", "choose_prompts", "load_prompts"]

BUILTIN = Path(__file__).parent / "domains" / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of a model, and how its answers are judged.

    Attributes:
        prompt: The text given to the model.
        id: Its name in samples and reports; the text itself where the file gives none.
        group: The group it belongs to, of which the lowest one is reported.
        entry_point: The function a program must define.
        inputs: Argument lists of JSON values, or strings for programs that read standard input.
        check: Source of a function `check(candidate)` that raises unless the program is correct.
    """

    prompt: str
    id: str = ""
    group: str | None = None
    entry_point: str | None = None
    inputs: tuple[Any, ...] = ()
    check: str | None = None


def load_prompts(source: str, root: Path) -> dict[str, Prompt]:
    """The prompts of `source` by id: `builtin:NAME`, or a path relative to `root`.

    Raises:
        ConfigError: There is no such file, or it has no prompts.
        DataError: A line is not a prompt (as `path:line: ...`).
    """
    path = _path(source, root)
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file() raises where a name is too long
        raise ConfigError(f"there is no prompt file {path}", fix="check the path")
    prompts: dict[str, Prompt] = {}
    for where, record in read_json_lines(path):
        prompt = _prompt(record, where)
        if prompt.id in prompts:
            raise DataError(f"{where}: a second prompt {prompt.id!r}", fix="give it another id")
        prompts[prompt.id] = prompt
    if not prompts:
        raise ConfigError(f"{path} has no prompts", fix="write one JSON object a line into it")
    return prompts


def choose_prompts(prompts: Mapping[str, Prompt], limit: int | None) -> dict[str, Prompt]:
    """At most `limit` prompts, taken from the groups in turn so that all are represented."""
    groups: dict[str | None, list[Prompt]] = {}
    for prompt in prompts.values():
        groups.setdefault(prompt.group, []).append(prompt)
    turns = (prompt for turn in zip_longest(*groups.values()) for prompt in turn if prompt)
    chosen = {prompt.id for prompt in list(turns)[:limit]}
    return {name: prompt for name, prompt in prompts.items() if name in chosen}


def _path(source: str, root: Path) -> Path:
    if not source.startswith("builtin:"):
        return root / os.path.expanduser(source)  # noqa: PTH111 - an unknown ~user is kept
    name = source.removeprefix("builtin:")
    known = {path.stem: path for path in BUILTIN.glob("*.jsonl")}
    if name not in known:
        raise ConfigError(f"no built-in prompts {name!r}", fix=did_you_mean(name, known))
    return known[name]


_TYPES: Mapping[str, tuple[type, str]] = {
    "prompt": (str, "a string"),
    "id": (str, "a string"),
    "group": (str, "a string"),
    "entry_point": (str, "a string"),
    "inputs": (list, "a list of argument lists or of strings"),
    "check": (str, "a string of Python source"),
}


def _prompt(record: Mapping[str, Any], where: str) -> Prompt:
    text = record.get("prompt")
    if not text or (isinstance(text, str) and not text.strip()):
        raise DataError(f"{where}: the prompt has no text", fix='add "prompt": "..."')
    known = {field.name for field in fields(Prompt)}
    for key, value in record.items():
        if key not in known:
            raise DataError(f"{where}: unknown key {key!r}", fix=did_you_mean(key, known))
        kind, name = _TYPES[key]
        if not isinstance(value, kind):
            raise DataError(f"{where}: {key!r} has the wrong type", fix=f"it must be {name}")
        if isinstance(value, str) and not is_unicode(value):
            raise DataError(
                f"{where}: {key!r} has half of a surrogate pair, which is no character",
                fix="write the whole character",
            )
    if record.get("id") == "":
        raise DataError(f"{where}: the id is empty", fix="give it a name, or leave it out")
    inputs = record.get("inputs", [])
    if not all(isinstance(given, list | str) for given in inputs):
        raise DataError(
            f"{where}: 'inputs' has the wrong form", fix=f"it must be {_TYPES['inputs'][1]}"
        )
    named = {"id": record["prompt"], **record, "inputs": tuple(inputs)}
    return Prompt(**named)
