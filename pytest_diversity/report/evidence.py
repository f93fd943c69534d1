"""Why a value is what it is: the lines under a failed budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_diversity.estimate import Estimate
from pytest_diversity.features import Features
from pytest_diversity.features.across import Across
from pytest_diversity.text import number, shorten

__all__ = ["evidence"]

_WORST = 3
_NGRAM = 4
_SHOWN = 5  # answers
_OF_ANSWERS = ("semantic", "effective", "quality")
_WIDTH = 88


def evidence(features: Features, estimate: Estimate, high: bool) -> list[str]:  # noqa: FBT001 - as `Evidence`
    """The three worst prompts, and what the samples of the worst are.

    Final answers are counted, where a kind of domain knows them; of other samples that are too
    alike, it is what they have in common.

    Args:
        features: Of the checkpoint under test.
        estimate: What was judged.
        high: Whether its value is too high, which makes the highest prompts the worst.
    """
    ranked = sorted(estimate.per_prompt, key=lambda p: estimate.per_prompt[p], reverse=high)
    worst = ranked[:_WORST]
    names = ", ".join(f"{shorten(p, 24)} {number(estimate.per_prompt[p])}" for p in worst)
    lines = [f"worst prompts: {names}"] if len(ranked) > 1 else []
    if estimate.metric.across:
        features, worst = Across(features, estimate.metric), ["sample 0"]
    definition = estimate.metric.definition
    if "answers" in features and definition.family in _OF_ANSWERS:
        return [*lines, _answers(features, worst[0])]
    alike = high != (definition.better == "up")
    return [*lines, *(_commonest(features, worst[0]) if alike else [])]


def _answers(features: Features, prompt: str) -> str:
    """The final answers with their counts, the commonest first."""
    counts = Counter(features["answers"][prompt])
    named = [f"{shorten(name or 'none', 24)} ({n})" for name, n in counts.most_common(_SHOWN)]
    rest = len(counts) - _SHOWN
    where = f" of {shorten(prompt, 24)}" if prompt else ""
    return f"answers{where}: {', '.join(named)}" + (f" and {rest} others" if rest > 0 else "")


def _commonest(features: Features, prompt: str) -> Iterator[str]:
    texts = features["tokens"][prompt] if "tokens" in features else []
    where = f" of {shorten(prompt, 24)}" if prompt else ""
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        grams = zip(*(text[start:] for start in range(_NGRAM)), strict=False)
        counts.update(list(dict.fromkeys(grams)))  # each once a text; a set has no order
    for gram, count in counts.most_common(2):
        if count > 1:
            yield f"in {count} of {len(texts)} samples{where}: {shorten(' '.join(gram), _WIDTH)}"
    yield from _largest_class(features, prompt)
    yield from _most_alike(features, prompt, texts)


def _largest_class(features: Features, prompt: str) -> Iterator[str]:
    texts = [sample.text.strip() for sample in features.samples[prompt]]
    text, count = Counter(texts).most_common(1)[0]
    if count > 1:
        yield f"{count} of {len(texts)} samples are the same text: {shorten(text, _WIDTH)}"


def _most_alike(features: Features, prompt: str, texts: Sequence[Sequence[str]]) -> Iterator[str]:
    sets = [set(text) for text in texts]
    pairs = [
        (len(sets[i] & sets[j]) / max(1, len(sets[i] | sets[j])), i, j)
        for i in range(len(sets))
        for j in range(i)
        if texts[i] != texts[j]
    ]
    if not pairs:
        return
    share, i, j = max(pairs)
    group = features.samples[prompt]
    yield f"most alike of the others, {share:.0%} of their words in common:"
    yield f"  [{group[j].index}] {shorten(group[j].text, _WIDTH)}"
    yield f"  [{group[i].index}] {shorten(group[i].text, _WIDTH)}"
