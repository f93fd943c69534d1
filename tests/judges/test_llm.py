"""A language model as a judge: its rubric, which replies are scores, how often it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import ConfigError, JudgeError
from pytest_diversity.judges import registry
from pytest_diversity.judges.llm import parse
from pytest_diversity.judges.protocol import assess
from pytest_diversity.judges.tools import Tools

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

    def __call__(self, questions: Sequence[str], /) -> list[str]:
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
