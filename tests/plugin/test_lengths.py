"""Length is not diversity: changes against a checkpoint are judged at equal token counts."""

from __future__ import annotations

import json
from random import Random

import pytest

CONFIG = """
[checkpoints]
short = "replay:short.jsonl"
long = "replay:long.jsonl"
[defaults]
reference = "short"
quality = "well_formed"
DEFAULTS
[domains.talk]
samples_per_prompt = 8
DOMAIN
[domains.talk.budget]
BUDGET
"""
WORDS = [f"w{rank}" for rank in range(60)]
WEIGHTS = [1 / (rank + 1) for rank in range(60)]


@pytest.fixture
def talk(pytester: pytest.Pytester) -> pytest.Pytester:
    """Two checkpoints of one source of words, the second of which talks four times as long."""
    for name, length in (("short", 40), ("long", 160)):
        random = Random(name)  # noqa: S311 - no secret
        lines = [
            {
                "prompt": f"p{n}",
                "index": i,
                "text": " ".join(random.choices(WORDS, WEIGHTS, k=size)),
            }
            for n in range(12)
            for i, size in enumerate(random.choices(range(length // 2, length), k=8))
        ]
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (pytester.path / f"{name}.jsonl").write_text(text)
    return pytester


def judge(
    talk: pytest.Pytester, budget: str, *arguments: str, defaults: str = "", domain: str = ""
) -> pytest.RunResult:
    """Run the project with a budget."""
    text = CONFIG.replace("DEFAULTS", defaults).replace("DOMAIN", domain).replace("BUDGET", budget)
    talk.makefile(".toml", diversity=text)
    return talk.runpytest_inprocess("--diversity-checkpoint=long", *arguments)


WORDS_OF = 'lexical = { metric = "pair_distinct(n=2)", max_drop = "8%" }'


ANY = "max_drop = '10%', max_rise = '10%'"
METRICS = (
    *("pair_distinct(n=2)", "distinct(n=1)", "ead(n=1)", "jaccard(n=1)", "self_bleu(n=2)"),
    *("homogenization()", "self_repetition(n=2)", "pair_pos_distinct(n=2)", "pos_distinct(n=2)"),
)


@pytest.mark.parametrize("control", ["windows", "rarefy"])
def test_longer_answers_have_lost_nothing(talk: pytest.Pytester, control: str) -> None:
    """At equal token counts one source is as varied as itself."""
    judge(talk, WORDS_OF, domain=f'length_control = "{control}"').assert_outcomes(passed=1)


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_of_words_and_structure(talk: pytest.Pytester, metric: str) -> None:
    """By default all that read tokens are judged at equal counts: none finds a large change."""
    family = "syntactic" if "pos" in metric else "lexical"
    judge(talk, f'{family} = {{ metric = "{metric}", {ANY} }}').assert_outcomes(passed=1)
    off = f'{family} = {{ metric = "{metric}", {ANY}, length_control = "off" }}'
    judge(talk, off, "--diversity-strict").assert_outcomes(failed=1)


@pytest.mark.parametrize("where", ["defaults", "domain", "budget"])
def test_off_judges_what_is_written(talk: pytest.Pytester, where: str) -> None:
    """Wherever it is said; a budget overrides its domain, and that the defaults."""
    off, on = 'length_control = "off"', 'length_control = "windows"'
    budget = WORDS_OF.replace(" }", f", {off} }}") if where == "budget" else WORDS_OF
    said = {
        "defaults": {"defaults": off},
        "domain": {"defaults": on, "domain": off},
        "budget": {"domain": on},
    }[where]
    result = judge(talk, budget, **said)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["talk lexical drop *% > 8% (long)"])
    result.stdout.no_fnmatch_line("*equal token counts*")


def test_the_message_gives_both(talk: pytest.Pytester) -> None:
    """The change at equal token counts decides; the one as written stands beside it."""
    budget = 'lexical = { metric = "pair_distinct(n=2)", max_rise = 0.0, max = 0.1 }'
    result = judge(talk, budget)
    result.stdout.fnmatch_lines(
        [
            "*paired rise * over 12 prompts*, at equal token counts (* a text), p *",
            "*as written, whatever the lengths: paired rise -0.*(short) over 12 prompts*",
            "*12 prompts x 8 samples, mean length * tokens (short *), which a level does *",
        ]
    )


@pytest.mark.parametrize(
    ("metric", "control"),
    [("compression_ratio()", "windows"), ("jaccard(n=1)", "rarefy"), ("format_dominance()", "")],
)
def test_a_metric_without_such_a_form_says_so(
    talk: pytest.Pytester, metric: str, control: str
) -> None:
    """It is judged as written, as with `off`."""
    family = "syntactic" if control == "" else "lexical"
    said = f'length_control = "{control}"' if control else ""
    budget = f'{family} = {{ metric = "{metric}", max_drop = 0.0, min = 0.99, max = 0.995 }}'
    result = judge(talk, budget, domain=said)
    line = f"*over 12 prompts*, as written: {metric} has no form at equal token counts, p *"
    result.stdout.fnmatch_lines([line])
    meanings = judge(talk, "quality = { max_drop = 0.0, min = 1, max = 1 }", "-vv")
    meanings.stdout.no_fnmatch_line("*as written*")


def test_a_baseline_says_what_it_cannot_control(talk: pytest.Pytester) -> None:
    """It keeps no texts to take at equal lengths."""
    judge(talk, WORDS_OF.replace(" }", ', reference = "baseline" }'), "--diversity-record")
    budget = WORDS_OF.replace(" }", ', reference = "baseline", min = 0.99 }')
    result = judge(talk, budget)
    result.stdout.fnmatch_lines(["*(baseline long)*as written: a baseline keeps no texts *"])


def test_samples_at_hand(talk: pytest.Pytester) -> None:
    """The assertions take it, too."""
    talk.makepyfile("""
        import pytest
        from pytest_diversity import SampleSet, assert_no_diversity_regression

        def test_change():
            samples, before = map(SampleSet.from_jsonl, ("long.jsonl", "short.jsonl"))
            budget = dict(
                domain="prose", family="lexical", metric="pair_distinct(n=2)", max_drop="8%"
            )
            assert_no_diversity_regression(samples, reference=before, **budget)
            with pytest.raises(AssertionError):
                assert_no_diversity_regression(
                    samples, reference=before, length_control="off", **budget
                )
    """)
    talk.runpytest_inprocess().assert_outcomes(passed=1)


def test_an_unknown_control(talk: pytest.Pytester) -> None:
    """It is refused with its line."""
    result = judge(talk, WORDS_OF, domain='length_control = "rarfy"')
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*diversity.toml:10: unknown length_control 'rarfy'; did you mean 'rarefy'[?]"]
    )
