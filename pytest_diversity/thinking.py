"""The thoughts of a model are told from its answer; pure.

A thought begins at the start of a line, with one of the markers that models use, and ends with the
marker's counterpart. Where a chat template has opened it, the answer has the end alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from pytest_diversity.samples import Sample

__all__ = ["MARKERS", "Said", "begun", "split", "whole", "with_thought", "without_thought"]

_TAGS = ("think", "thinking", "thought", "thoughts", "reasoning", "seed:think")
_NAMES = ("think", "thinking", "thought", "reasoning")
# What opens a thought, and what may close it.
_PAIRS: dict[str, tuple[str, ...]] = {
    **{f"<{tag}>": (f"</{tag}>",) for tag in _TAGS},
    **{f"<|{n}|>": (f"<|/{n}|>", f"</|{n}|>", f"<|end_{n}|>", f"<|{n}_end|>") for n in _NAMES},
    "[THINK]": ("[/THINK]",),  # Magistral
    "◁think▷": ("◁/think▷",),  # Kimi
    "<|START_THINKING|>": ("<|END_THINKING|>",),  # Command
    "<|begin_of_thought|>": ("<|end_of_thought|>",),  # Sky-T1, OpenThinker
    "<|inner_prefix|>": ("<|inner_suffix|>",),  # Apertus
    "<|channel>thought": ("<channel|>",),  # Gemma
}
_CHANNEL = "<|channel|>"  # gpt-oss
# Every marker: a tokenizer that calls them special must not leave them out of a text.
MARKERS = frozenset({_CHANNEL, *_PAIRS, *(end for ends in _PAIRS.values() for end in ends)})

_FIRSTS = sorted({marker[0] for marker in MARKERS})
_OPENING = re.compile(rf"^[ \t]*({'|'.join(map(re.escape, _PAIRS))})", re.MULTILINE)
_AT_THE_END = re.compile(rf"({'|'.join(map(re.escape, _PAIRS))})\s*\Z")
_CLOSINGS = sorted({end for ends in _PAIRS.values() for end in ends})
# Not where an answer speaks of the marker itself, in quotes.
_CLOSING = re.compile(rf"(?<![`'\"])({'|'.join(map(re.escape, _CLOSINGS))})(?![`'\"])")
_MESSAGE = re.compile(
    r"<\|channel\|>([^<]*)(?:<\|constrain\|>[^<]*)?<\|message\|>(.*?)"
    r"(?=<\|end\|>|<\|return\|>|<\|call\|>|<\|start\|>|<\|channel\|>|\Z)",
    re.DOTALL,
)
_BARE = re.compile(r"analysis(.*?)assistantfinal(.*)", re.DOTALL)  # less its special tokens


class Said(NamedTuple):
    """What a model said.

    Attributes:
        answer: Without the thoughts; empty where a thought never ends.
        thought: The thoughts, without their markers; None where there are none.
    """

    answer: str
    thought: str | None


def split(text: str) -> Said:
    """The answer in `text`, and the thoughts that were split off.

    A text without thoughts is an answer as it stands, to the last character.
    """
    if text.lstrip().startswith(_CHANNEL):
        return _channels(text)
    if bare := _BARE.match(text):
        return Said(bare[2].lstrip(), bare[1])
    thoughts = []
    while (found := _next(text)) is not None:
        before, thought, after = found
        thoughts.append(thought.strip())
        text = before + after.lstrip()
    return Said(text, "\n\n".join(thoughts) if thoughts else None)


def whole(answer: str, thought: str | None) -> str:
    """A text that `split` takes apart again."""
    return answer if thought is None else f"<think>{thought}</think>{answer}"


def begun(prompt: str, prefill: str = "") -> str:
    """The beginning of a thought that an answer continues; nothing where it begins anew.

    Args:
        prompt: What the model reads; its chat template may end in an opening marker.
        prefill: The beginning of the answer that stands after it.
    """
    tail = _AT_THE_END.search(prompt)
    text = (tail[0] if tail else "") + prefill
    last = next(reversed(list(_OPENING.finditer(text))), None)
    return text[last.start(1) :] if last and _end(text, last) is None else ""


def without_thought(sample: Sample) -> Sample:
    """The sample with its answer as its text, and its thought beside it."""
    if sample.thought is not None:
        return sample
    answer, thought = split(sample.text)
    return sample if thought is None else replace(sample, text=answer, thought=thought)


def with_thought(sample: Sample) -> Sample:
    """The counterpart of `without_thought`: all that the model said is its text."""
    if sample.thought is None:
        return sample
    return replace(sample, text=whole(sample.text, sample.thought), thought=None)


def _next(text: str) -> tuple[str, str, str] | None:
    """What is before the first thought, the thought, and what is after it."""
    if not any(first in text for first in _FIRSTS):  # most often; looking for all takes long
        return None
    opening, closing = _OPENING.search(text), _CLOSING.search(text)
    if closing and (opening is None or closing.start() < opening.start()):
        return "", text[: closing.start()], text[closing.end() :]
    if opening is None:
        return None
    before, end = text[: opening.start()], _end(text, opening)
    if end is None:
        return "", text[opening.end() :], ""
    return before, text[opening.end() : end.start()], text[end.end() :]


def _end(text: str, opening: re.Match[str]) -> re.Match[str] | None:
    ends = re.compile("|".join(map(re.escape, _PAIRS[opening[1]])))
    return ends.search(text, opening.end())


def _channels(text: str) -> Said:
    """Of gpt-oss: what is on the channel `final` is the answer, all else is thought."""
    messages = [(channel.split()[:1], body) for channel, body in _MESSAGE.findall(text)]
    answer = "".join(body for channel, body in messages if channel == ["final"])
    thoughts = [body for channel, body in messages if channel != ["final"]]
    return Said(answer, "\n\n".join(thoughts) if thoughts else None)
