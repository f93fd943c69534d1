"""The samples of a checkpoint in a domain, packed for the page, which unpacks them when asked.

Only what is known already is packed: nothing is computed, embedded or executed for a report.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from pytest_diversity.features import Features

__all__ = ["packed"]


def packed(features: Features) -> dict[str, Any]:
    """Prompts with their samples, each text once, as plain JSON values.

    A sample is `[text, class, valid, answer, ending]`: the place of its text; its class of meaning
    among the samples of its prompt, numbered from 0, or None; 1 or 0, or None where nothing has
    judged it; the final answer, where the domain knows one; why it ended, where it was cut off or
    is no answer.
    """
    texts: dict[str, int] = {}
    labels, valid, answers = (features.known(name) or {} for name in ("labels", "valid", "answers"))
    prompts = []
    for name, group in features.samples.items():
        count = len(group)
        rows = zip(
            (texts.setdefault(sample.text, len(texts)) for sample in group),
            _numbered(labels.get(name), count),
            _bits(valid.get(name), count),
            answers.get(name) or [None] * count,
            (sample.fault or _cut(sample.finish_reason) for sample in group),
            strict=True,
        )
        asked = features.prompt(name).prompt
        prompts.append([name, asked if asked != name else None, [_short(row) for row in rows]])
    return {"texts": list(texts), "prompts": prompts, "meaning": bool(labels)}


def _numbered(labels: Iterable[Hashable] | None, count: int) -> Sequence[int | None]:
    if labels is None:
        return [None] * count
    order: dict[Hashable, int] = {}
    return [order.setdefault(label, len(order)) for label in labels]


def _bits(valid: Iterable[object] | None, count: int) -> Sequence[int | None]:
    return [None] * count if valid is None else [int(bool(one)) for one in valid]


def _cut(reason: str | None) -> str | None:
    return "cut off" if reason == "length" else None


def _short(row: Sequence[Any]) -> list[Any]:
    """Without what is not known at the end."""
    kept = list(row)
    while kept[-1] is None:
        kept.pop()
    return kept
