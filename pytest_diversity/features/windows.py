"""Comparing at equal token counts: windows of each text, as long as on the other side.

A window keeps what stands together: copies stay copies, and an opening is compared with openings.
Windows stand at the same relative places in all texts of both sides, from the first to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from pytest_diversity import metrics
from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Features, View
from pytest_diversity.features.rarefied import Rarefied, common_lengths, rarefied
from pytest_diversity.metrics import Metric

__all__ = ["Windows", "controlled"]

_PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
Spans = Mapping[str, Sequence[tuple[int, int]]]  # of each text the first token, and the end


class Windows(View):
    """Features whose metrics are averaged over windows of the texts.

    Attributes:
        mean_length: Of the windows, in tokens.
    """

    def __init__(self, whole: Features, lengths: Mapping[str, Sequence[int]]) -> None:
        """Take windows of these lengths out of the texts of `whole`, which stay computed once."""
        super().__init__(whole)
        places = [_spans(whole["tokens"], lengths, place) for place in _PLACES]
        distinct = [spans for i, spans in enumerate(places) if spans not in places[:i]]

        @cache
        def sections(name: str) -> Mapping[str, Any]:
            return {prompt: metrics.Corpus.of(t).sections() for prompt, t in whole[name].items()}

        self.parts = [_Window(whole, spans, sections) for spans in distinct]
        self.mean_length = float(np.mean([n for counts in lengths.values() for n in counts]))


class _Window(View):
    """One window of each text: its tokens and what is read from them."""

    def __init__(
        self, whole: Features, spans: Spans, sections: Callable[[str], Mapping[str, Any]]
    ) -> None:
        super().__init__(whole)
        self._spans, self._sections = spans, sections

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        if name == "trees":
            lengths = {
                p: [len(text) for text in texts] for p, texts in self._whole["tokens"].items()
            }
            return {
                prompt: metrics.Forest.of(trees).between(
                    _shares(self._spans[prompt], lengths[prompt])
                )
                for prompt, trees in self._whole[name].items()
            }
        return {
            prompt: sections.between(self._spans[prompt])
            for prompt, sections in self._sections(name).items()
        }


def controlled(
    features: Features, metric: Metric, control: str, reference: Features | None
) -> Windows | Rarefied:
    """`features` for a metric that compares at equal token counts.

    Args:
        features: Those of one side.
        metric: What is to be read from them.
        control: `windows`, or what `rarefied` takes.
        reference: Those of the other side, with as many samples of the same prompts: the windows of
            the r-th shortest texts of a prompt are as long as the shorter of the two.

    Raises:
        ConfigError: The control cannot be used, the metric has no such form, or the sides do not
            match.
    """
    if control != "windows":
        return rarefied(features, control, reference)
    if reference is None:
        raise ConfigError("windows are as long as those of a reference", fix="give reference=...")
    if metric.across or not metric.definition.in_windows:
        raise ConfigError(
            f"metric {metric} has no form in windows", fix="choose one of tokens, tags or trees"
        )
    found = Windows(features, common_lengths(features, reference))
    found.notes += (f"in windows of {found.mean_length:.1f} tokens a text, as on the other side",)
    return found


def _spans(
    tokens: Mapping[str, Sequence[Sequence[Any]]],
    lengths: Mapping[str, Sequence[int]],
    place: float,
) -> Spans:
    return {
        prompt: [
            (start := round(place * (len(text) - size)), start + size)
            for text, size in zip(texts, lengths[prompt], strict=True)
        ]
        for prompt, texts in tokens.items()
    }


def _shares(spans: Sequence[tuple[int, int]], lengths: Sequence[int]) -> list[tuple[float, float]]:
    """Of each text where its window begins and ends, as shares of its tokens."""
    return [
        (a / length, b / length) if length else (0.0, 1.0)
        for (a, b), length in zip(spans, lengths, strict=True)
    ]
