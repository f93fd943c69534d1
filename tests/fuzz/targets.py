"""What is fuzzed: each reader of what others wrote, and what it may do with it.

It gives something that can be used, or says in one sentence what is wrong and where; nothing else.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from pytest_diversity.baselines import file as baselines
from pytest_diversity.config.file import load_config
from pytest_diversity.config.keys import KEYS
from pytest_diversity.domains.extract import extract, extract_continuation
from pytest_diversity.errors import DiversityError
from pytest_diversity.formats.reading import read_samples
from pytest_diversity.metrics import Metric, definitions, parse
from pytest_diversity.prompts import load_prompts
from pytest_diversity.report.html.page import write
from pytest_diversity.sampling.engines.openai.reply import (
    UnusableReplyError,
    read_answers,
    read_deterministic,
    read_models,
    read_reason,
)
from pytest_diversity.sandbox.model import Execution, Outcome, second_opinion
from pytest_diversity.store.sqlite import Drawn, Store
from pytest_diversity.thinking import split
from tests.domains.extract.test_hostile import TEXTS as ANSWERS
from tests.formats.test_prompts import CASES as PROMPTS
from tests.formats.test_samples import CASES as SAMPLES
from tests.fuzz.values import JUNK, TEXTS, damaged, documents, json_lines, pieces
from tests.report.html.conftest import made
from tests.report.html.reading import Page

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """A row of the table.

    Attributes:
        values: What is given.
        check: What must hold of each.
        known: What was found with it once, and is tried each time.
    """

    values: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    known: Sequence[Any] = ()


def _demand_line(error: Exception, where: str = "") -> None:
    assert str(error).isprintable(), error
    assert where in str(error), error


@contextmanager
def refusing(where: str = "") -> Iterator[None]:
    """Inside, our own errors alone are raised: a line each, which names the place."""
    try:
        yield
    except DiversityError as error:
        _demand_line(error, where)


@contextmanager
def written(data: bytes, name: str) -> Iterator[Path]:
    """A file that holds it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        yield path


def check_configuration(data: bytes) -> None:
    """A file is a configuration, or a sentence with its name."""
    with written(data, "diversity.toml") as path, refusing("diversity.toml"):
        load_config(path)


def check_prompts(data: bytes) -> None:
    """A file holds prompts that are texts, or a sentence with its name is said."""
    with written(data, "prompts.jsonl") as path, refusing("prompts.jsonl"):
        for name, prompt in load_prompts(path.name, path.parent).items():
            assert isinstance(name, str)
            assert isinstance(prompt.prompt, str)


def check_samples(data: bytes) -> None:
    """The same of samples."""
    with written(data, "samples.jsonl") as path, refusing("samples.jsonl"):
        for group in read_samples(path).samples.values():
            for one in group:
                assert isinstance(one.text, str)
                assert isinstance(one.index, int)


def check_baseline(data: bytes) -> None:
    """A file holds numbers, or a sentence with its name is said; written again it is the same."""
    with written(data, "nature.json") as path, refusing("nature.json"):
        profiles = baselines.read(path)
        for profile in profiles.values():
            for values in profile.metrics.values():
                assert all(map(math.isfinite, values.values.values()))
        baselines.write(path, profiles)
        assert baselines.read(path) == profiles


def check_name(name: str) -> None:
    """A text is the name of a metric, which reads as itself, or of none."""
    with refusing():
        metric = parse(name)
        assert parse(str(metric)) == metric


GIVEN: list[Any] = [0.5]


def fuzzed(tokens: Sequence[Sequence[str]]) -> Any:
    """Gives whatever the fuzzer wants."""
    return GIVEN[0] if tokens else None


FUZZED = Metric(replace(parse("distinct(n=1)").definition, function=fuzzed), ())


def check_metric(value: Any) -> None:
    """What a metric of a suite gives is a number in its range, undefined, or refused."""
    GIVEN[0] = value
    with refusing("fuzzed()"):
        found = FUZZED(tokens=[["a"]])
        assert found is None or (math.isfinite(found) and found <= 1 + 1e-6)


def check_answer(given: tuple[str, str, str | None, str]) -> None:
    """Of any answer there is a program or a reason, and an answer without its thought."""
    answer, before, entry_point, language = given
    found = extract(answer, entry_point, language)
    assert found.missing is not None or isinstance(found.program, str)
    assert isinstance(extract_continuation(answer, before, "f", language).program, str)
    assert isinstance(split(answer).answer, str)


def check_outcomes(given: tuple[list[Any], list[str]]) -> None:
    """Whatever a program came to, there is a verdict, and the store gives back what it was."""
    outcomes = tuple(Outcome(*one) for one in given[0])
    opinion, why, end = given[1]
    verdict = (
        second_opinion(Outcome(*given[0][0]), opinion, why, Outcome(end)) if outcomes else None
    )
    execution = Execution(outcomes, verdict=verdict)
    assert Execution.from_json(execution.to_json()) == execution
    assert isinstance(execution.valid, bool)
    assert execution.correct in {None, True, False}
    assert not (opinion == "fails" and execution.correct)


def check_reply(data: bytes) -> None:
    """A reply is answers, each a text with numbers that can be, or no completion."""
    try:
        for answer in read_answers(data):
            assert isinstance(answer.text, str)
            answer.text.encode()
            assert answer.tokens is None or answer.tokens >= 0
            assert answer.logprob is None or math.isfinite(answer.logprob)
    except UnusableReplyError as error:
        _demand_line(error)
    assert all(isinstance(name, str) for name in read_models(data))
    assert all(isinstance(said, bool) for said in read_deterministic(data))
    assert isinstance(read_reason(data.decode("utf-8", "replace")), str)


KEPT = Drawn(0, "kept", "stop", 3, -1.0)
COLUMNS = ("draw", "number", "text", "finish_reason", "tokens", "logprob", "digest")


def check_rows(rows: list[tuple[Any, ...]]) -> None:
    """Whatever a row holds, a text is read that was written, or none."""
    with TemporaryDirectory() as folder, refusing("store.sqlite"):
        path = Path(folder, "store.sqlite")
        with closing(Store(path)) as store:
            store.add("key", "{}", [KEPT])
            store.facts["fact"] = "kept"
        with closing(sqlite3.connect(path)) as connection:
            for row in rows:
                marks = ", ".join("?" * len(COLUMNS))
                names = ", ".join(COLUMNS)
                query = f"INSERT OR REPLACE INTO sample ({names}) VALUES ({marks})"  # noqa: S608
                _execute(connection, query, row)
                _execute(connection, "UPDATE memory SET value = ?, digest = ?", row[2:4])
            connection.commit()
        with closing(Store(path)) as store:
            assert store.samples("key") in ({}, {0: KEPT})
            assert store.facts.get("fact") in {None, "kept"}
            store.losses()


def _execute(connection: sqlite3.Connection, query: str, values: Sequence[Any]) -> None:
    try:
        connection.execute(query, values)
    except (sqlite3.Error, OverflowError, UnicodeEncodeError):
        return  # no row can hold that


HARMLESS = Page(write(made())).shape


def check_page(given: tuple[str, str, str, list[str]]) -> None:
    """No name and no text is markup."""
    checkpoint, domain, prompt, texts = given
    page = Page(write(made(checkpoint, domain, f"1{prompt}", tuple(texts))))
    assert page.shape == HARMLESS


TABLES = (
    "checkpoints",
    "checkpoints.a",
    "defaults",
    "domains.d",
    "domains.d.budget",
    "domains.d.x",
)
LITERALS = (
    *("1", "0", "-1", "nan", "inf", "1e400", "9" * 400, "true", "1979-05-27"),
    *('"replay:a.jsonl"', '"a"', '"20%"', "''", '"\\u0000"'),
    *("[]", "[[]]", '["a", 1]', "{}", "{ min = 0.1 }", '{ model = "x" }'),
)
KEYS_OF_FILE = (*sorted(KEYS), "budget", "lexical", "min", "model", "a")
CONFIGURATIONS = pieces(
    *(f"[{table}]\n" for table in TABLES),
    *(f"{key} = " for key in KEYS_OF_FILE),
    *(f"{literal}\n" for literal in LITERALS),
)
LINES = st.lists(
    st.sampled_from([f"[{table}]" for table in TABLES])
    | st.builds("{} = {}".format, st.sampled_from(KEYS_OF_FILE), st.sampled_from(LITERALS)),
    max_size=12,
).map("\n".join)
BASELINE = {
    "schema": 1,
    "domain": "nature",
    "checkpoints": {
        "base": {
            "settings": {"samples": 4, "temperature": 1.0},
            "prompts": "ab12",
            "weights": "cd34",
            "versions": {"numpy": "2"},
            "metrics": {"distinct(n=1)": {"values": {"p0": 0.5}, "quality": {"p0": 1.0}}},
        }
    },
}
LARGE = json.dumps(BASELINE).replace("0.5", "1" + "0" * 400).encode()  # beyond every float
REPLY = {
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "yes", "reasoning": "hm"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "yes", "logprob": -0.5}]},
        },
        {"text": "no", "finish_reason": "length", "logprobs": {"token_logprobs": [-1.0, None]}},
        {
            "message": {
                "content": [{"type": "text", "text": "a"}],
                "tool_calls": [],
                "refusal": None,
            }
        },
    ],
    "usage": {"completion_tokens": 7, "prompt_tokens": 3},
}
MODELS = {"data": [{"id": "m", "object": "model"}]}
REFUSAL = {"error": {"message": "no", "code": 400}}
KINDS = st.sampled_from(
    ["ok", "exception", "exit", "timeout", "memory", "crash", "no-result", "syntax", "bad-check"]
)
OUTCOMES = st.lists(st.tuples(KINDS, st.none() | TEXTS, TEXTS), max_size=3)
OPINIONS = st.tuples(
    st.sampled_from(["passes", "fails", "unclear", "gone", "bad-check"]), TEXTS, KINDS
)
CELLS = st.none() | st.integers() | st.floats() | TEXTS | st.binary(max_size=12)
METRICS = pieces(
    *sorted(definitions()), "across", "(", ")", "n=", "q=", ",", "1", "0.5", "'none'", "-"
)


def rows_of(cases: Mapping[str, tuple[Any, ...]]) -> list[Any]:
    """The rows that the tests of formats know, each as a list of lines is."""
    found = (case[0] for case in cases.values())
    return [row for rows in found for row in (rows if isinstance(rows, list) else [rows])]


TARGETS: Mapping[str, Target] = {
    "configuration": Target(damaged(CONFIGURATIONS | LINES), check_configuration),
    "prompts": Target(json_lines(rows_of(PROMPTS)), check_prompts),
    "samples": Target(json_lines(rows_of(SAMPLES)), check_samples),
    "baselines": Target(documents([BASELINE]), check_baseline, known=[LARGE]),
    "metric names": Target(METRICS | st.text(max_size=60), check_name),
    "registered metrics": Target(JUNK, check_metric, known=["", {}, [], 10**400, math.nan, 2]),
    "extraction": Target(
        st.tuples(
            ANSWERS,
            ANSWERS,
            st.sampled_from([None, "f"]),
            st.sampled_from(["python", "javascript"]),
        ),
        check_answer,
    ),
    "outcomes": Target(st.tuples(OUTCOMES, OPINIONS), check_outcomes),
    "replies": Target(documents([REPLY, MODELS, REFUSAL]), check_reply),
    "rows": Target(st.lists(st.tuples(*[CELLS] * 7), max_size=3), check_rows),
    "html": Target(
        st.tuples(*[TEXTS.filter(bool)] * 3, st.lists(TEXTS, min_size=4, max_size=4)), check_page
    ),
}
