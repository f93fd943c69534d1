"""Which columns of a row hold the prompt and the answer, by the names that people give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_diversity.formats.layout import ID, NO_TEXT, LeftOut, Record, at, scalar
from pytest_diversity.formats.messages import answer, is_conversation, prompt_of, turns

__all__ = ["ANSWERS", "PROMPTS", "columns", "fits", "prompt_from", "read", "records", "why_none"]

PROMPTS = (
    *("prompt", "instruction", "question", "input", "query", "problem", "messages"),
    *("user_input", "user_prompt", "input_text", "prompt_text"),
)
_ONE = (
    *("response", "output", "answer", "completion", "generation", "text", "prediction"),
    *("generated_text", "generated_response", "model_output", "model_response", "model_answer"),
    *("output_text", "response_text", "assistant_response"),
)
ANSWERS = (*_ONE, *(f"{name}s" for name in _ONE), "samples", "candidates", "generated_texts")
_IDS = ("id", "prompt_id", "question_id", "task_id", "uid", "uuid")


def columns(row: Any) -> tuple[list[str], list[str]]:
    """The keys of a row that may hold its prompt, and those that may hold its answer."""
    if not isinstance(row, Mapping):
        return [], []
    named = {key: key.lower().replace("-", "_").replace(" ", "_") for key in map(str, row)}
    prompts = [key for key, name in named.items() if name in PROMPTS]
    first = [key for key in prompts if named[key] == "prompt"]
    if {named[key] for key in prompts} == {"instruction", "input"}:  # as in Alpaca: one of both
        first = [key for key in prompts if named[key] == "instruction"]
    answers = [key for key, name in named.items() if name in ANSWERS]
    return first or prompts, answers


def fits(row: Any) -> bool:
    """Whether one column can be the prompt, and one other the answer."""
    prompts, answers = columns(row)
    return len(prompts) == len(answers) == 1 and prompt_from(row, prompts[0]) is not None


def prompt_from(row: Mapping[str, Any], key: str) -> str | None:
    """The prompt in a column; of an instruction with an input, as in Alpaca, both."""
    prompt = prompt_of(row[key])
    given = row.get("input") if key.lower() == "instruction" else None
    return f"{prompt}\n\n{given}" if prompt and isinstance(given, str) and given else prompt


def read(row: Any) -> Iterator[Record | LeftOut]:
    """The records of a row that fits."""
    (prompt,), (text,) = columns(row)
    named = next((row[key] for key in _IDS if scalar(row.get(key))), None)
    known = {"prompt": prompt_from(row, prompt)} | ({} if named is None else {ID: named})
    yield from records(row[text], known)


def records(value: Any, known: Record) -> Iterator[Record | LeftOut]:
    """A record for each answer that a value holds: a text, a message, or a list of these."""
    if is_conversation(value):
        value = turns(value)[-1][1]
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and "message" in one:
            one = one["message"]  # noqa: PLW2901 - a choice of an API
        if isinstance(one, str):
            yield {**known, "text": one}
        elif isinstance(one, Mapping) and isinstance(one.get("content"), str | list):
            yield {**known, **answer(one)}
        elif isinstance(one, Mapping) and isinstance(text := _first_text(one), str):
            yield {**known, "text": text}
        else:
            yield NO_TEXT


def _first_text(value: Mapping[str, Any]) -> Any:
    return next((value[key] for key in _ONE if key in value), None)


def why_none(row: Any, path: str) -> tuple[str, str]:
    """What keeps a row from being read, and the map that would settle it."""
    if not isinstance(row, Mapping):
        return "not a JSON object", "write one JSON object for each sample"
    prompts, answers = columns(row)
    seen = f"its keys: {', '.join(map(repr, row)) or 'none'}"
    said = [
        f"{len(found)} of them may be the {what} ({', '.join(map(repr, found))})"
        if found
        else f"none of them is known as the {what}"
        for what, found in (("prompt", prompts), ("answer", answers))
        if len(found) != 1
    ]
    prompt = _guess(prompts or list(row), row, "PROMPT")
    others = [key for key in row if key != prompt]
    chosen = {"prompt": prompt, "text": _guess(answers or others[:1], row, "ANSWER")}
    needed = ", ".join(f'{ours} = "{theirs}"' for ours, theirs in chosen.items())
    reason = "; ".join((seen, *said))
    return reason, f'say which: replay = {{ path = "{path}", map = {{ {needed} }} }}'


def _guess(found: Sequence[str], row: Mapping[str, Any], otherwise: str) -> str:
    """The likeliest of several columns: the last, since references stand before answers."""
    texts = [key for key in found if isinstance(at(row, key), str | list)]
    return texts[-1] if texts else otherwise
