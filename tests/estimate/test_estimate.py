"""From samples to estimates: groups, across-input forms, equal token counts, given features."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_diversity import measure
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import ConfigError
from pytest_diversity.statistics.jackknife import GROUPS, jackknife_error
from pytest_diversity.statistics.mean import Mean

SAME = ["the cat sat on the mat"] * 3
CLOSE = ["the cat sat on the mat", "the cat sat on the rug", "the cat sat on the bed"]
FAR = ["a dog ran in the park", "two ships left at dawn", "she never wrote it down again"]
PROMPTS = {"a": SAME, "b": CLOSE, "c": FAR}


@pytest.fixture
def grouped(tmp_path: Path) -> Domain:
    """A domain of which two prompts are animals and one is not, and one has no group."""
    groups = {"a": "animals", "b": "animals", "c": "other", "d": None}
    lines = [
        json.dumps({"prompt": name, "id": name} | ({"group": group} if group else {}))
        for name, group in groups.items()
    ]
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))
    return Domain("grouped", prompts="prompts.jsonl", root=tmp_path)


def test_the_worst_group(grouped: Domain) -> None:
    """Each group has the mean over its prompts; the worst one is lowest where up is better."""
    estimate = measure({**PROMPTS, "d": SAME}, "jaccard(n=1)", domain=grouped)
    each = estimate.per_prompt
    assert estimate.groups == pytest.approx(
        {"animals": (each["a"] + each["b"]) / 2, "other": each["c"]}
    )
    assert estimate.worst_group == ("animals", estimate.groups["animals"])


def test_the_worst_group_of_a_metric_that_falls(grouped: Domain) -> None:
    """Where less is better, the worst group is the highest."""
    estimate = measure(PROMPTS, "homogenization", domain=grouped)
    assert estimate.worst_group is not None
    assert estimate.worst_group[0] == "animals"
    assert estimate.worst_group[1] == max(estimate.groups.values())


def test_no_groups() -> None:
    """Prompts without a group leave the estimate without one."""
    estimate = measure(PROMPTS, "jaccard(n=1)")
    assert estimate.groups == {}
    assert estimate.worst_group is None


def test_undefined_prompts_are_left_out() -> None:
    """The mean is over the prompts where the metric is defined, with their share."""
    estimate = measure({**PROMPTS, "d": ["one"], "e": ["", ""]}, "jaccard(n=1)")
    assert estimate.per_prompt.keys() == {"a", "b", "c"}
    assert estimate.defined == 3 / 5
    assert estimate.value == pytest.approx(np.mean(list(estimate.per_prompt.values())))


def test_across_prompts() -> None:
    """Across-input diversity is among one sample of each prompt, under a name of its own."""
    collapsed = {prompt: texts[:1] * 3 for prompt, texts in PROMPTS.items()}
    within = measure(collapsed, "jaccard(n=1)")
    across = measure(collapsed, "jaccard(n=1)", across=True)
    assert within.value == 0
    assert across.value == pytest.approx(
        measure([t[0] for t in collapsed.values()], "jaccard(1)").value
    )
    assert str(across.metric) == "across(jaccard(n=1))"
    assert list(across.per_prompt) == sorted(collapsed)
    assert measure(collapsed, "across(jaccard(n=1))") == across
    assert any("across" in note for note in across.notes)


def test_the_interval_across_prompts() -> None:
    """It is the jackknife's: each prompt, or one group of forty, is left out in turn."""
    texts = {f"p{n:02}": [f"a b c{n % 7}", f"a d{n % 5} e"] for n in range(12)}
    whole = measure(texts, "across(jaccard(n=1))")
    assert whole.value is not None
    assert sum(whole.per_prompt.values()) / 12 == pytest.approx(whole.value)
    left_out = [
        measure({p: t for p, t in texts.items() if p != one}, "across(jaccard(n=1))").value
        for one in texts
    ]
    error = Mean.of(list(whole.per_prompt.values())).error
    assert error == pytest.approx(jackknife_error([one for one in left_out if one is not None]))
    assert whole.low is not None
    assert whole.low < whole.value
    many = measure({f"p{n}": [f"a b c{n % 7}"] for n in range(90)}, "across(jaccard(n=1))")
    assert len(many.per_prompt) == GROUPS
    assert next(iter(many.per_prompt)) == "p0 and 2 more"


def test_two_prompts_have_no_interval_across() -> None:
    """Without one of them, nothing is left to compare."""
    found = measure({"a": ["x y"], "b": ["x z"]}, "across(jaccard(n=1))")
    assert found.value == pytest.approx(2 / 3)
    assert found.low is None


def test_one_sample_a_prompt_is_measured_across() -> None:
    """The reason says by which metric."""
    found = measure({"a": ["x y"], "b": ["x z"]}, "pair_distinct(n=1)")
    assert found.reason == (
        "pair_distinct(n=1) compares the samples of a prompt, and there is one of each; draw more, "
        'or measure among the prompts: metric = "across(pair_distinct(n=1))"'
    )


def test_across_recomputes_relations() -> None:
    """Distances are between the samples of the new groups."""

    def embed(texts: Any) -> Any:
        return np.array([[text == "x", text == "y"] for text in texts], dtype=np.float32)

    samples = {"1": ["x", "x"], "2": ["y", "y"]}
    for metric in ("embedding_distance()", "pair_semantic()", "effective_pairs()"):
        given = {"valid": {"1": [True] * 2, "2": np.array([1, 1])}}
        assert measure(samples, metric, embed=embed, given=given).value == 0
        assert measure(samples, metric, embed=embed, given=given, across=True).value == 1


def test_meaning_of_programs_is_not_compared_across_prompts() -> None:
    """Outcomes on the inputs of two prompts have nothing to do with one another."""
    given = {"labels": {"a": [1, 2], "b": [1, 2]}}
    samples = {"a": ["x = 1", "x = 2"], "b": ["x = 1", "x = 2"]}
    assert measure(samples, "pair_semantic", domain="code", given=given).value == 1
    across = measure(samples, "across(pair_semantic)", domain="code", given=given)
    assert across.value is None
    assert across.reason is not None
    assert "one prompt" in across.reason


def zipf(rng: np.random.Generator, length: int) -> str:
    return " ".join(f"w{number}" for number in rng.zipf(1.3, length) % 100_000)


@pytest.mark.parametrize("metric", ["distinct(n=1)", "pair_distinct(n=1)", "ead(n=1)"])
def test_rarefaction_removes_the_length(metric: str) -> None:
    """One Zipf source at 20 and at 300 tokens: far apart whole, alike at equal token counts."""
    rng = np.random.default_rng(0)
    short, long = (
        {str(prompt): [zipf(rng, length) for _ in range(5)] for prompt in range(40)}
        for length in (20, 300)
    )
    whole = [measure(side, metric).value for side in (short, long)]
    one = measure(short, metric, length_control="rarefy", reference=long)
    two = measure(long, metric, length_control="rarefy", reference=short)
    assert whole[0] is not None
    assert whole[1] is not None
    assert whole[0] - whole[1] > 0.2
    assert one.value == pytest.approx(whole[0])
    assert two.value == pytest.approx(one.value, abs=0.015)
    assert two.notes[-1].startswith("rarefied to 20.0 tokens a text on average")
    assert two.mean_tokens == 300


def test_rarefied_rank_by_rank() -> None:
    """The r-th shortest texts of both sides are compared at the shorter of their lengths."""
    ours, theirs = ["a b c d e", "a b"], ["a b c", "a b c d"]
    estimate = measure(ours, "distinct(n=1)", length_control="rarefy", reference=theirs)
    # 4 of "a b c d e" and both of "a b": a and b are in the second, the others in 4 of 5 draws
    assert estimate.value == pytest.approx((2 + 3 * 0.8) / 6)
    assert "rarefied to 3.0 tokens" in estimate.notes[-1]


def test_rarefied_to_a_number() -> None:
    """A number of tokens a text makes values comparable between runs."""
    texts = ["a a b b", "c"]
    estimate = measure(texts, "distinct(n=1)", length_control="rarefy(2)")
    assert estimate.value == pytest.approx((2 * (1 - 1 / 6) + 1) / 3)
    alone = measure(texts, "distinct(n=1)", length_control="rarefy")
    assert alone.value == pytest.approx(1.0)  # one token of each text


def test_rarefied_across() -> None:
    """Both controls hold at once."""
    estimate = measure(PROMPTS, "across(distinct(1))", length_control="rarefy(1)")
    whole = measure(PROMPTS, "across(distinct(1))").value
    assert estimate.value is not None
    assert whole is not None
    assert estimate.value > whole  # one word of each text is rarely the same as another's
    assert len(estimate.notes) == 3  # and that so few prompts make the interval too narrow


CONTROLS: Mapping[str, tuple[dict[str, Any], str]] = {
    "an unknown control": ({"length_control": "cut"}, "cannot be used"),
    "no tokens at all": ({"length_control": "rarefy(0)"}, "cannot be used"),
    "a metric without a form": (
        {"metric": "self_bleu", "length_control": "rarefy"},
        "has no rarefied form; choose distinct, ead, pair_distinct",
    ),
    "a feature for one of three prompts": ({"given": {"labels": {"a": [1]}}}, "not given for"),
    "one list for three prompts": ({"given": {"labels": [1, 2, 3]}}, "once for 3 prompts"),
}


@pytest.mark.parametrize("case", CONTROLS)
def test_wrong_arguments(case: str) -> None:
    """What does not fit is refused in one sentence."""
    arguments, message = CONTROLS[case]
    with pytest.raises(ConfigError, match=message):
        measure(PROMPTS, **({"metric": "distinct"} | arguments))


def test_given_features() -> None:
    """What is known already is not computed: labels, utilities, the number of parameters."""
    labels, valid = list("aa-bc-ab"), [1, 1, 0, 1, 1, 0, 1, 1]
    texts = [str(number) for number in range(8)]
    given = {"labels": labels, "valid": valid, "billions": 8}
    for domain in ("prose", "code"):
        efficiency = measure(texts, "parameter_efficiency()", domain=domain, given=given)
        assert efficiency.value == pytest.approx(0.046875)
    novelty = measure(
        texts[:5],
        "novelty_utility()",
        given={"labels": [0, 0, 1, 2, 0], "utilities": [7, 9, 5, 8, 10]},
    )
    assert novelty.value == pytest.approx(4.252737, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "word"), [("parameter_efficiency", "parameters"), ("novelty_utility", "reward")]
)
def test_features_that_must_be_given(metric: str, word: str) -> None:
    """Without them the estimate is undefined and says what is missing."""
    estimate = measure(["a b c d e", "f g h i j"], metric, given={"labels": [1, 2]})
    assert estimate.value is None
    assert estimate.reason is not None
    assert word in estimate.reason
