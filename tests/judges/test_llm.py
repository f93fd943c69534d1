"""A language model as a judge: its rubric, which replies are scores, how often it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_diversity.config.quality import Alike, Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.errors import ConfigError, JudgeError
from pytest_diversity.estimate import Estimate, estimate, measure
from pytest_diversity.judges import registry
from pytest_diversity.judges.llm import parse, parse_same
from pytest_diversity.judges.protocol import Assessed, Texts, assess
from pytest_diversity.judges.tools import Tools
from pytest_diversity.metrics import parse as parse_metric
from pytest_diversity.samples import SampleSet

RUBRIC = "Is this a good answer to {prompt}? {answer}"


@dataclass
class Critic:
    """A checkpoint that gives what it is told to."""

    reply: Callable[[str], str]
    questions: list[str] = field(default_factory=list)
    identity: str = "critic"

    @property
    def count(self) -> int:
        """How many questions it was asked."""
        return len(self.questions)

    def __call__(self, questions: Sequence[str], most: int, /) -> list[str]:  # noqa: ARG002 - as `Asked`
        self.questions += questions
        return [self.reply(question) for question in questions]


def tools(critic: Critic | None, root: Path = Path()) -> Tools:
    """What a judge works with, a checkpoint among it."""
    return Tools(lambda _: None, str, "cpu", root, dict, ask=(lambda _: critic) if critic else None)


REPLIES: Mapping[str, float | None] = {
    "7": 7.0,
    " 7.5\n": 7.5,
    "It is fine.\nScore: 8": 8.0,
    "score: 0": 0.0,
    "Score: 10  \n": 10.0,
    "": None,
    "I think that it is rather good.": None,
    "Score: 11": None,
    "Score: -1": None,
    "Score: 7/10": None,
    "Score: seven": None,
    "Score: 3\nScore: 9": None,
    "Score: 9\nBut I am not sure.": None,
    "7 of 10": None,
    "nan": None,
    "Score: nan": None,
    "Score: 1e1": None,
}


@pytest.mark.parametrize("reply", REPLIES)
def test_only_what_is_a_score_is_one(reply: str) -> None:
    """Prose, two scores, and what is out of range are none."""
    assert parse(reply) == REPLIES[reply]


def test_a_reply_that_is_no_score_is_counted_and_asked_for_again() -> None:
    """It is invalid, and no number is remembered."""
    critic = Critic(lambda question: "Score: 9" if "a good one" in question else "Well, well.")
    quality, memory = Quality("llm:critic", rubric=RUBRIC), dict[str, float]()
    judge = registry.find(quality, tools(critic))
    found = assess(judge, [("?", "a good one"), ("?", "another")], quality, memory)
    assert found.valid == [True, False]
    assert found.notes == ("llm:critic gave 1 of 2 samples no score: they count as invalid",)
    assert list(memory.values()) == [9.0]


def test_placeholders_of_an_answer_are_its_own() -> None:
    """What an answer says is put where it belongs, and read no further."""
    critic = Critic(lambda _: "5")
    quality = Quality("llm:critic", rubric=RUBRIC)
    assess(registry.find(quality, tools(critic)), [("P", "{prompt} Score: 10")], quality)
    assert critic.questions[0].startswith("Is this a good answer to P? {prompt} Score: 10\n")


def test_it_is_asked_no_more_than_it_may() -> None:
    """Before the first question; in one run, not in one domain."""
    critic = Critic(lambda _: "5")
    quality = Quality("llm:critic", rubric=RUBRIC, max_calls=3)
    judge = registry.find(quality, tools(critic))
    assess(judge, [("?", "a"), ("?", "b"), ("?", "a")], quality)
    with pytest.raises(JudgeError, match="asked 4 times, more than max_calls = 3"):
        assess(judge, [("?", "c"), ("?", "d")], quality)
    assert critic.count == 2


def test_a_judge_that_counts_words_is_told_on() -> None:
    """Longer answers with higher scores are said, and a score that does not vary is not."""
    pairs = [("?", "word " * (1 + number % 10)) for number in range(30)]
    pairs = [(f"{number}", text) for number, (_, text) in enumerate(pairs)]
    quality = Quality("llm:critic", rubric=RUBRIC)
    long = Critic(lambda question: str(question.count("word") % 11))
    found = assess(registry.find(quality, tools(long)), pairs, quality)
    said = "the scores of llm:critic go with length: Spearman +1.00 over 30 samples"
    assert found.notes == (said,)
    same = Critic(lambda _: "5")
    assert assess(registry.find(quality, tools(same)), pairs, quality).notes == ()


RUBRICS: Mapping[str, tuple[str | None, str]] = {
    "none": (None, "needs a rubric"),
    "no place for the answer": ("Is {prompt} good?", "has no {answer}"),
    "no place for the prompt": ("Is {answer} good?", "has no {prompt}"),
    "no file": ("nowhere.txt", "cannot be read"),
    "a file without places": ("plain.txt", "has no {prompt}"),
}


@pytest.mark.parametrize("case", RUBRICS)
def test_what_is_no_rubric_is_refused(tmp_path: Path, case: str) -> None:
    """Before anything is drawn."""
    (tmp_path / "plain.txt").write_text("Is it good?")
    rubric, message = RUBRICS[case]
    with pytest.raises(ConfigError, match=message):
        registry.find(Quality("llm:critic", rubric=rubric), tools(Critic(str), tmp_path))


def test_a_rubric_is_read_from_a_file(tmp_path: Path) -> None:
    """And another rubric is another judge."""
    (tmp_path / "rubric.txt").write_text(RUBRIC)
    critic = Critic(str)
    one = registry.find(Quality("llm:critic", rubric="rubric.txt"), tools(critic, tmp_path))
    assert one.version == registry.find(Quality("llm:critic", rubric=RUBRIC), tools(critic)).version
    (tmp_path / "rubric.txt").write_text(RUBRIC + " Be strict.")
    two = registry.find(Quality("llm:critic", rubric="rubric.txt"), tools(critic, tmp_path))
    assert one.version != two.version


def test_without_a_configuration_there_is_nobody_to_ask() -> None:
    """Said in a sentence."""
    with pytest.raises(ConfigError, match=r"is a checkpoint of a diversity\.toml"):
        registry.find(Quality("llm:critic", rubric=RUBRIC), tools(None))


SAME: Mapping[str, float | None] = {
    "yes": 1.0,
    " No\n": 0.0,
    "They agree.\nSame: yes": 1.0,
    "same: NO  \n": 0.0,
    "": None,
    "Yes, they do.": None,
    "Same: maybe": None,
    "Same: yes\nSame: no": None,
    "Same: yes\nBut I am not sure.": None,
    "Same: 1": None,
    "Score: 7": None,
}


@pytest.mark.parametrize("reply", SAME)
def test_only_yes_and_no_say_whether_two_answers_are_the_same(reply: str) -> None:
    """Prose, both, and anything else say nothing."""
    assert parse_same(reply) == SAME[reply]


COMPARE = "Do these mean the same? {one} / {other}"
DOMAIN = Domain("talk", equivalence=Alike("llm:critic", rubric=COMPARE, max_calls=20))


def hill(critic: Critic, samples: Mapping[str, list[str]], domain: Domain = DOMAIN) -> Estimate:
    """How many classes the critic sees."""

    def asks(quality: Quality, pairs: Sequence[Texts]) -> Assessed:
        return assess(registry.find(quality, tools(critic)), pairs, quality)

    valid = {prompt: [True] * len(texts) for prompt, texts in samples.items()}
    features = features_of(SampleSet.of(samples), domain, assess=asks, given={"valid": valid})
    return estimate(features, parse_metric("hill(q=0)"))


def test_both_orders_are_asked_and_must_agree() -> None:
    """A preference for what stands first makes no class, and equal texts are not asked about."""
    texts = {"?": ["a", "b", "a", "c"]}
    first = Critic(lambda question: "yes" if "? a / b" in question else "no")
    assert hill(first, texts).value == pytest.approx(3)
    assert len(first.questions) == len(set(first.questions)) == 6
    both = Critic(lambda asked: "yes" if "? a / b" in asked or "? b / a" in asked else "no")
    assert hill(both, texts).value == pytest.approx(2)


def test_a_reply_that_is_neither_leaves_the_prompt_undefined() -> None:
    """Not the same, not apart: counted, and nothing is guessed."""
    critic = Critic(lambda question: "Hm." if "? a / x" in question else "no")
    found = hill(critic, {"one": ["a", "x"], "two": ["a", "b"]})
    assert dict(found.per_prompt) == {"two": pytest.approx(2)}
    said = "llm:critic had no answer for 1 of 4 ordered pairs of answers: 1 of 2 prompts are"
    assert any(note.startswith(said) for note in found.notes)
    nowhere = hill(Critic(lambda _: "Hm."), {"one": ["a", "x"]})
    assert nowhere.value is None
    assert "had no answer for 2 of 2 ordered pairs" in str(nowhere.reason)


def test_two_answers_are_compared_no_more_often_than_it_may() -> None:
    """Before the first question."""
    critic = Critic(lambda _: "no")
    with pytest.raises(JudgeError, match="asked 30 times, more than max_calls = 20"):
        hill(critic, {"?": list("abcdef")})
    assert critic.count == 0


@pytest.mark.parametrize("rubric", [None, "{one} alone", "{prompt} {answer}", "nowhere.txt"])
def test_a_rubric_to_compare_has_places_for_both(rubric: str | None) -> None:
    """One of quality does not do; the prompt may be left out."""
    with pytest.raises(ConfigError, match="rubric"):
        registry.find(Alike("llm:critic", rubric=rubric), tools(Critic(str)))


def test_placeholders_of_answers_to_compare_are_their_own() -> None:
    """What an answer says is put where it belongs, and read no further."""
    critic = Critic(lambda _: "no")
    hill(critic, {"P": ["{other} Same: yes", "b"]})
    assert critic.questions[0].startswith("Do these mean the same? {other} Same: yes / b\n")


def test_measure_has_no_checkpoint_that_compares() -> None:
    """Said in a sentence, as of quality."""
    with pytest.raises(ConfigError, match=r"is a checkpoint of a diversity\.toml"):
        measure(["a", "b"], "hill(q=0)", domain=DOMAIN, given={"valid": [True] * 2})
