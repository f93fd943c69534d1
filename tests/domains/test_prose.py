"""What is read from prose: parts of speech, formats, classes of meaning."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from textblob.en import parser

from pytest_diversity import measure
from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import MissingExtraError
from pytest_diversity.features import parts_of_speech as tags
from pytest_diversity.features.embeddings import Embedder, default_source
from pytest_diversity.features.formats import FORMATS, response_format
from pytest_diversity.features.parts_of_speech import parts_of_speech
from pytest_diversity.features.tokens import words

SAID = ("The", "the", "Dogs", "running", "ran", "run", "quickly", "3,5", "U.S.", "re-read", ",")
FORMS = {
    "nothing": (" \n", "empty"),
    "a refusal": ("I'm sorry, but I can't help with that request.", "refusal"),
    "a refusal with a curly apostrophe": ("I\u2019m sorry, I can\u2019t do that.", "refusal"),
    "a model that says what it is": ("As an AI language model, I do not eat.", "refusal"),
    "a story about someone who is sorry": ("He said: I'm sorry, I can't stay.", "prose"),
    "a program": ("Here you are:\n```python\nprint(1)\n```", "code"),
    "a table": ("| a | b |\n|---|---|\n| 1 | 2 |", "table"),
    "a bulleted list": ("- one\n- two\n* three", "list"),
    "a numbered list with an introduction": ("Some:\n1. one\n2) two\n(3) three", "list"),
    "quotes": ("> to be\n> or not", "quote"),
    "a headed text": ("# Title\n\nOnce there was a very long paragraph of text here.", "heading"),
    "a bold title": ("**Title**\n\nOnce there was a very long paragraph.", "heading"),
    "a poem": ("The sea is grey,\nthe sky is low,\nthe boats have nowhere else to go.", "verse"),
    "a paragraph": ("Once upon a time there was a fox. It lived in a wood.", "prose"),
}


@pytest.mark.parametrize("case", FORMS)
def test_formats(case: str) -> None:
    """The format of an answer is told by the documented rule."""
    text, expected = FORMS[case]
    assert response_format(text) == expected
    assert expected in FORMATS


def test_format_dominance() -> None:
    """The share of the most common format among the answers of a prompt."""
    texts = [FORMS[case][0] for case in ("a paragraph", "a poem", "a table", "a bulleted list")]
    assert measure(texts, "format_dominance()").value == 0.25
    assert measure([*texts, *texts[:1] * 4], "format_dominance()").value == 5 / 8
    assert measure(texts, "format_dominance()", domain="code").value == 0.25


def test_parts_of_speech() -> None:
    """Each word and mark has a Penn Treebank tag; a sentence starts in lower case."""
    assert parts_of_speech(words("The cat sat on the mat. Dogs bark!")) == (
        *("DT", "NN", "VBD", "IN", "DT", "NN", "."),
        *("NNS", "NN", "."),
    )
    assert parts_of_speech(()) == ()


@given(st.lists(st.sampled_from(SAID) | st.text(min_size=1, max_size=9), max_size=12))
def test_tags_are_those_of_whole_sentences(words: list[str]) -> None:
    """Each word is looked up by itself, as the tagger does within a sentence."""
    sentence = [*(word for word in words if word not in ".!?"), "."]
    whole = parser.find_tags(sentence)
    assert parts_of_speech(sentence) == tuple(tag for _, tag in whole)


def test_pos_metrics() -> None:
    """Sentences of the same structure repeat their parts of speech, whatever their words."""
    same = ["The cat sat on the mat.", "A dog lay on a rug.", "The bird sang on the roof."]
    other = ["The cat sat on the mat.", "Why would anyone ever go there?", "Stop, she said softly."]
    for metric in ("pos_distinct(n=4)", "pair_pos_distinct(n=4)"):
        low, high = (measure(texts, metric).value for texts in (same, other))
        assert low is not None
        assert high is not None
        assert low < high
    close, far = (measure(texts * 9, "pos_compression()").value for texts in (same, other))
    assert close is not None
    assert far is not None
    assert close > far


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without textblob the sentence names the extra that installs it."""
    monkeypatch.setitem(sys.modules, "textblob", None)
    for known in (tags._tagger, tags._tag):
        known.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pytest-diversity\[prose\]"):
        measure(["A cat.", "A dog."], "pos_distinct")


class Points:
    """Embeds a number as the direction of that angle, in degrees."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        angles = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_classes_of_prose() -> None:
    """Answers nearer than the domain's threshold mean the same, also through others."""
    texts = ["0", "30", "60", "170"]  # neighbours at a distance of .134
    valid = {"valid": [True] * 4}
    strict, loose = Domain("strict", same_meaning=0.1), Domain("loose", same_meaning=0.2)
    assert measure(texts, "hill(q=0)", domain=strict, embed=Points(), given=valid).value == (
        pytest.approx(4)
    )
    assert measure(texts, "hill(q=0)", domain=loose, embed=Points(), given=valid).value == (
        pytest.approx(2)
    )
    dominance = measure(texts, "dominance()", domain=loose, embed=Points(), given=valid)
    assert dominance.value == 0.75


@pytest.mark.slow
def test_the_real_embedder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is quiet, fills its memory, and finds a paraphrase nearer than another topic."""
    location = locate(default_source(), tmp_path, "embedder")
    memory: dict[str, NDArray[np.float32]] = {}
    embedder = Embedder(location.path, device="cpu", cache=memory)
    texts = ["A cat sat on the mat.", "A cat was sitting on a mat.", "Interest rates rose again."]
    one = embedder([*texts, texts[0]])
    assert capfd.readouterr().err == ""
    assert len(memory) == 3
    assert (one[0] == one[3]).all()
    near, far = one[0] @ one[1], one[0] @ one[2]
    assert near > 0.7
    assert far < 0.3
    again = Embedder(location.path, cache=memory)
    assert (again(texts) == one[:3]).all()
    assert again._model is None  # all of them were remembered


def test_the_embedder_has_a_fingerprint(tmp_path: Path) -> None:
    """The digest changes with the model's files, and with nothing else."""
    folder = tmp_path
    (folder / "config.json").write_text("{}")
    first = Embedder(folder).fingerprint({})
    assert Embedder(folder, device="cpu").fingerprint({}) == first
    (folder / "config.json").write_text('{"hidden_size": 1}')
    assert Embedder(folder).fingerprint({}) != first
