"""Prompts, from a file of the user's own, in whatever layout, or a built-in one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from pytest_diversity.errors import ConfigError, DataError, did_you_mean
from pytest_diversity.strict_json import is_unicode

__all__ = ["BUILTIN", "Message", "Prompt", "choose_prompts", "load_prompts", "read_as"]

BUILTIN = Path(__file__).parent / "domains" / "prompts"


class Message(NamedTuple):
    """One turn of a conversation: `system`, `user` or `assistant`, and what is said."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of a model, and how its answers are judged.

    Attributes:
        prompt: The text given to the model; of a conversation, the last thing that the user says.
        id: Its name in samples and reports; the text itself where the file gives none.
        group: The group it belongs to, of which the lowest one is reported.
        entry_point: The function a program must define.
        inputs: Argument lists of JSON values, or strings for programs that read standard input.
        check: Source of a function `check(candidate)` that raises unless the program is correct.
        answer: The right final answer.
        messages: The whole conversation, where it is more than the prompt.
        prefill: The beginning of the answer, which the model continues; no part of a sample.
    """

    prompt: str
    id: str = ""
    group: str | None = None
    entry_point: str | None = None
    inputs: tuple[Any, ...] = ()
    check: str | None = None
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    answer: str | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """What the model is given, as JSON; what is not set is left out of keys and digests."""
        own = {"prompt": self.prompt, "messages": self.messages, "prefill": self.prefill}
        return {name: value for name, value in own.items() if value or name == "prompt"}

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON, less what is not set of what prompts once did not have."""
        plain = asdict(self)
        return {k: v for k, v in plain.items() if v or k not in {"messages", "prefill", "answer"}}


def load_prompts(source: str, root: Path) -> dict[str, Prompt]:
    """The prompts of `source` by id: `builtin:NAME`, or a file's path relative to `root`.

    What a file is, and which tool's layout it has, its content says (docs/samples-at-hand.md).

    Raises:
        ConfigError: There is no such file, or it has no prompts.
        DataError: A line is not a prompt (as `path:line: ...`).
    """
    from pytest_diversity.formats.asking import read_prompts  # noqa: PLC0415 - many runs have none

    path = _path(source, root)
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file() raises where a name is too long
        raise ConfigError(f"there is no prompt file {path}", fix="check the path")
    prompts: dict[str, Prompt] = {}
    places: dict[str, str] = {}
    for where, record in read_prompts(path):
        prompt = _prompt(record, where)
        if prompt.id in prompts:
            raise DataError(f"{where}: a second prompt {prompt.id!r}", fix="give it another id")
        same = places.setdefault(json.dumps(prompt.asked), where)
        if same != where:
            raise DataError(
                f"{where}: prompt {prompt.id!r} asks the same as {same}",
                fix="remove one of them: they would be the same samples, counted twice",
            )
        prompts[prompt.id] = prompt
    if not prompts:
        raise ConfigError(f"{path} has no prompts", fix="write one JSON object a line into it")
    return prompts


def read_as(source: str | None, root: Path) -> tuple[str, ...]:
    """What must be said of how a file of prompts is read; nothing of one in our own layout.

    Raises:
        DataError: It cannot be read.
    """
    if source is None or source.startswith("builtin:"):
        return ()
    from pytest_diversity.formats.asking import title  # noqa: PLC0415 - as above

    found = title(_path(source, root))
    return (f"{source}: read as {found}",) if found else ()


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


_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "prompt": (str, "a string"),
    "id": (str, "a string"),
    "group": (str, "a string"),
    "entry_point": (str, "a string"),
    "inputs": (list, "a list of argument lists or of strings"),
    "check": (str, "a string of Python source"),
    "messages": (list, 'a list of {"role": ..., "content": ...}'),
    "prefill": (str, "a string"),
    "answer": ((str, int, float), "a string or a number"),
}
_NAMES = ("id", "group")
_ROLES = ("system", "user", "assistant")


def _prompt(record: Mapping[str, Any], where: str) -> Prompt:
    record = {key: _named(value) if key in _NAMES else value for key, value in record.items()}
    for key, value in record.items():
        kind, name = _TYPES[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise DataError(f"{where}: {key!r} has the wrong type", fix=f"it must be {name}")
        if isinstance(value, str) and not is_unicode(value):
            raise DataError(
                f"{where}: {key!r} has half of a surrogate pair, which is no character",
                fix="write the whole character",
            )
    if record.get("id") == "":
        raise DataError(f"{where}: the id is empty", fix="give it a name, or leave it out")
    if not str(record.get("answer", "-")).strip():
        raise DataError(f"{where}: the answer is empty", fix="write it, or leave it out")
    inputs = record.get("inputs", [])
    if not all(isinstance(given, list | str) for given in inputs):
        raise DataError(
            f"{where}: 'inputs' has the wrong form", fix=f"it must be {_TYPES['inputs'][1]}"
        )
    asked = _asked(record, where)
    named = {"id": asked["prompt"], **record, **asked, "inputs": tuple(inputs)}
    if "answer" in record:
        named["answer"] = str(record["answer"])
    return Prompt(**named)


def _named(value: Any) -> Any:
    """A name may be a number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else value


def _asked(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The prompt, the conversation if it is more than that, and the beginning of the answer."""
    if {"messages", "prompt"} <= record.keys():
        raise DataError(f"{where}: both a prompt and messages", fix="remove one of them")
    prefill = record.get("prefill", "")
    if "messages" not in record:
        if not record.get("prompt", "").strip():
            fix = 'add "prompt": "...", or "messages": [...]'
            raise DataError(f"{where}: the prompt has no text", fix=fix)
        return {"prompt": record["prompt"], "prefill": prefill}
    messages = [_message(one, where) for one in record["messages"]]
    if messages and messages[-1].role == "assistant":
        if prefill:
            fix = "remove the prefill, or the last message"
            raise DataError(f"{where}: two beginnings of the answer", fix=fix)
        prefill = messages.pop().content
    _check_turns([message.role for message in messages], where)
    more = tuple(messages) if len(messages) > 1 else ()
    return {"prompt": messages[-1].content, "messages": more, "prefill": prefill}


def _message(given: Any, where: str) -> Message:
    match given:
        case {"role": str(role), "content": str(content), **rest} if content.strip() and not rest:
            if role in _ROLES and is_unicode(content):
                return Message(role, content)
            if role in _ROLES:
                fix = "write the whole character"
                raise DataError(f"{where}: a message has half of a surrogate pair", fix=fix)
            raise DataError(f"{where}: unknown role {role!r}", fix=did_you_mean(role, _ROLES))
    raise DataError(
        f"{where}: a message is not a role with a text",
        fix='write {"role": "user", "content": "..."}',
    )


def _check_turns(roles: Sequence[str], where: str) -> None:
    if not roles or roles[-1] != "user":
        raise DataError(
            f"{where}: the conversation does not end with the user",
            fix="end it with a user's message, which a beginning of the answer may follow",
        )
    if "system" in roles[1:]:
        raise DataError(f"{where}: a system message in between", fix="put it first")
