"""A domain's profile: every family as one value that prints, in notebooks too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from pytest_diversity import profile
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import ConfigError, DataError, MissingExtraError
from pytest_diversity.families import FAMILIES

SAMPLES = {
    "p": ["The cat sat on the mat today.", "A dog ran in a wide green park."],
    "q": ["The cat sat on the mat today."] * 2,
    "r": ["Yes.", "No."],
}


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Each text at a right angle to all others."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return np.eye(len(places), dtype=np.float32)[[places[text] for text in texts]]


def test_every_family_has_its_estimate() -> None:
    """As `measure` gives it, with the values of the prompts."""
    found = profile(SAMPLES, domain="creative_writing", embed=embed)
    assert tuple(found.estimates) == FAMILIES
    assert not found.undefined
    assert found["lexical"].per_prompt == {"p": 1.0, "q": 0.5}
    assert [row["value"] for row in found.rows()][-1] == found["quality"].value
    assert (found.prompts, found.samples, found.checkpoint) == (3, (2, 2), "")


def test_it_prints_as_a_table_of_eighty_columns() -> None:
    """Values, intervals and the span of the prompts; what must be said stands under it."""
    found = profile(SAMPLES, domain="creative_writing", embed=embed)
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "creative_writing: 3 prompts x 2 samples, mean length 6.2 tokens"
    assert lines[2].startswith("lexical    pair_distinct(n=4)")
    assert "lexical, syntactic: defined for 2 of 3 prompts" in lines
    assert "effective, quality: valid by well_formed 2 >= 1.0" in lines
    assert repr(found) == str(found)


def test_an_undefined_family_says_why() -> None:
    """The others have their values."""
    found = profile({"p": ["def f(): return 1", "def f():\n  return 2"]}, domain="code")
    assert list(found.undefined) == ["semantic", "effective"]
    assert "running generated programs is off" in " ".join(str(found).split())
    assert found["lexical"].value is not None


def test_an_extra_that_is_missing_leaves_the_other_families() -> None:
    """What cannot be measured here is said, not raised."""

    def none_here(_: Sequence[str]) -> NDArray[np.float32]:
        raise MissingExtraError("embedding", package="sentence-transformers", extra="embeddings")

    found = profile(SAMPLES, domain="prose", embed=none_here)
    assert "pip install 'pytest-diversity[embeddings]'" in found.undefined["semantic"]
    assert "semantic" not in found.estimates
    with pytest.raises(KeyError):
        found["semantic"]
    assert found["lexical"].value == 0.75


def test_of_bad_input() -> None:
    """It is refused as `measure` refuses it."""
    with pytest.raises(ConfigError, match="unknown domain 'cod'"):
        profile(SAMPLES, domain="cod")
    with pytest.raises(ConfigError, match="no samples to measure"):
        profile([])
    with pytest.raises(DataError, match="samples must be"):
        profile("text")


def test_in_a_notebook_foreign_texts_are_inert() -> None:
    """Names are shown as they are; nothing is loaded from anywhere."""
    hostile = "<script>alert(1)</script>\x1b[31m"
    page = profile({hostile: SAMPLES["p"]}, domain=Domain(hostile), embed=embed)._repr_html_()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not any(word in page for word in ("src=", "href=", "url(", "http"))


def test_a_terminal_obeys_no_name() -> None:
    """Control characters of names are escaped."""
    assert "\x1b" not in str(profile({"p": ["a"]}, domain=Domain("d\x1b[31m"), embed=embed))
