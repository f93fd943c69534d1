"""Thousands of texts of every kind through every metric."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_diversity.config.values import BUILTIN_DOMAINS
from pytest_diversity.domains.build import features_of
from pytest_diversity.estimate import estimate
from pytest_diversity.metrics import definitions, parse
from pytest_diversity.samples import SampleSet

_ALPHABETS = {
    "letters": "abcde fgh ",
    "code": "def f(x):\n    return [x] * 2 'a' # c\n",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627\u202e",
    "no spaces": "\u4eca\u65e5\u306f\u826f\u3044\u0e2a\u0e27\u0e31\u0e2a",
    "surrogates": "a\ud800\udfff b\udc00",
    "control": "\x00\x01\x7f\u2028\r\n\t ",
    "brackets": "([{<'\"`)]}>\\",
}
_LARGE = ("the cat sat on the mat\n" * 43_500, "x = [1, 2]\n" * 91_000, "\U0001f600" * 250_000)


def texts(count: int) -> Iterator[str]:
    """Empty texts, single tokens, and texts of one alphabet or of two."""
    rng = random.Random(0)  # noqa: S311 - no secret
    alphabets = list(_ALPHABETS.values())
    for number in range(count):
        if number % 25 == 0:
            yield f"def f{number}(n):\n    return [g(i * {number}) for i in n]"
            continue
        length = (0, 1, rng.randrange(2, 30), rng.randrange(30, 120))[number % 4]
        alphabet = rng.choice(alphabets) + rng.choice(["", rng.choice(alphabets)])
        yield "".join(rng.choices(alphabet, k=length))


def embed(batch: Sequence[str]) -> NDArray[np.float32]:
    """Counts of code points, in 32 bins: embeddings that need no model, rows of zeros included."""
    rows = np.zeros((len(batch), 32), dtype=np.float32)
    for index, text in enumerate(batch):
        points = np.frombuffer(text[:500].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        rows[index] = np.bincount(points % 32, minlength=32)
    return rows


@pytest.mark.parametrize(
    ("count", "larges"),
    [
        pytest.param(1000, (), id="a thousand"),
        pytest.param(10_000, _LARGE, id="ten thousand, large ones too", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("domain", ["prose", "code"])
def test_many_texts(domain: str, count: int, larges: Sequence[str]) -> None:
    """No metric raises, and every value is a finite number or undefined."""
    found = list(texts(count))
    prompts = {str(start): found[start : start + 40] for start in range(0, len(found), 40)}
    for number, large in enumerate(larges):
        prompts[str(number * 40)][number] = large
    samples = SampleSet.of(prompts)
    given = {
        "utilities": {
            name: [min(len(text), 10) for text in group] for name, group in prompts.items()
        },
        "billions": 1.5,
        "surprises": {name: [(1.5, 1.0)] * len(group) for name, group in prompts.items()},
        "correct": {name: [len(text) % 2 for text in group] for name, group in prompts.items()},
    }
    embeddings = {name: embed(group) for name, group in prompts.items()}
    given["other_embeddings"] = embeddings
    if domain == "code":  # what programs do is another room's
        given["labels"] = prompts
        given["embeddings"] = given["prompt_embeddings"] = embeddings
        given["tags"] = {name: [list(t[:9]) for t in g] for name, g in prompts.items()}
    features = features_of(samples, BUILTIN_DOMAINS[domain], embed, {}, given=given)
    for name in definitions():
        result = estimate(features, parse(name))
        assert (result.value is None) == (not result.per_prompt)
        assert all(math.isfinite(value) for value in result.per_prompt.values()), name
        if result.value is None:
            assert domain == "prose", (name, result.reason)
            assert "no trees" in str(result.reason), (name, result.reason)


@pytest.mark.parametrize("text", ["", "a", "\x00", "\ud800", "\U0001f600", "\u202e\u05e9"])
@pytest.mark.parametrize("domain", ["prose", "code"])
def test_one_odd_text_and_its_copy(domain: str, text: str) -> None:
    """Two samples of one token or none are measured or undefined, never an error."""
    features = features_of(SampleSet.of([text, text]), BUILTIN_DOMAINS[domain], embed, {})
    for name in definitions():
        value = estimate(features, parse(name)).value
        assert value is None or math.isfinite(value), name
