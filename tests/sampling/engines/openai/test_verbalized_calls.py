"""Verbalized Sampling over a server whose replies are what they should be, mostly."""

from __future__ import annotations

import json
import re

import pytest

from pytest_diversity.config.server import Endpoint

from .scripted import PROMPTS, Call, Reply, Scripted, complete, text_of
from .sessions import Open, texts_of


def _verbalize(call: Call) -> Reply | None:
    """As many answers as were asked for, each of them telling its call and its place."""
    asked = re.match(r"Generate (\d+) responses", call.body["messages"][-1]["content"])
    if asked is None:
        return None
    answers = [
        {"text": f"{text_of(call)} {place}", "probability": 0.1} for place in range(int(asked[1]))
    ]
    return complete(call, json.dumps({"responses": answers}))


def test_sample_i_is_an_answer_of_a_call(server: Scripted, open_session: Open) -> None:
    """Sample i is answer i % 5 of call i // 5: K samples of a prompt are ceil(K / 5) calls."""
    server.behave = _verbalize
    texts = texts_of(open_session(f"{server.url}#m", 12, mode="verbalized"))
    assert len(server.drawn) == len(PROMPTS) * 3
    for group in texts.values():
        calls = [text.split()[0] for text in group]
        assert [int(text.split()[1]) for text in group] == [0, 1, 2, 3, 4] * 2 + [0, 1]
        assert [len(set(calls[start : start + 5])) for start in (0, 5, 10)] == [1, 1, 1]
        assert len(set(calls)) == 3


def test_topping_up_keeps_what_was_there(server: Scripted, open_session: Open) -> None:
    """Answers beyond K were paid for: they are kept, and only whole new calls are made."""
    server.behave = _verbalize
    first = texts_of(open_session(f"{server.url}#m", 3, mode="verbalized"))
    assert len(server.drawn) == len(PROMPTS)
    assert all(len(group) == 3 for group in first.values())
    five = texts_of(open_session(f"{server.url}#m", 5, mode="verbalized"))
    assert len(server.drawn) == len(PROMPTS)
    seven = texts_of(open_session(f"{server.url}#m", 7, mode="verbalized"))
    assert len(server.drawn) == len(PROMPTS) * 2
    assert {p: group[:3] for p, group in five.items()} == first
    assert {p: group[:5] for p, group in seven.items()} == five


def test_a_call_has_room_for_all_its_answers(server: Scripted, open_session: Open) -> None:
    """`max_tokens` is of an answer, and a system message stays where it is."""
    server.behave = _verbalize
    settings = {"mode": "verbalized", "answers_per_call": 3, "system": "be brief"}
    open_session(f"{server.url}#m", 3, max_tokens=10, **settings).samples("m", "d")
    for call in server.drawn:
        system, user = call.body["messages"]
        assert call.body["max_tokens"] == 30
        assert system == {"role": "system", "content": "be brief"}
        assert user["content"].startswith("Generate 3 responses")
        assert user["content"].endswith(PROMPTS)


def test_a_reply_that_cannot_be_read_is_invalid_samples(
    server: Scripted, open_session: Open
) -> None:
    """One bad call in four: its five samples are empty, the others as they should be."""
    bad = Reply(200, {"choices": [{"message": {"content": "I cannot do that."}}]})
    server.behave = lambda call: (
        bad if not call.probes and "hello" in str(call.body) else _verbalize(call)
    )
    samples = open_session(f"{server.url}#m", 5, mode="verbalized").samples("m", "d")
    reasons = {p: {s.finish_reason for s in group} for p, group in samples.items()}
    assert reasons == {"p0": {"stop"}, "p1": {"stop"}, "p2": {"malformed"}, "p3": {"stop"}}
    assert [sample.text for sample in samples["p2"]] == [""] * 5


def test_other_modes_are_other_samples(server: Scripted, open_session: Open) -> None:
    """Mode and answers per call are part of the key; the direct samples stay what they were."""
    server.behave = _verbalize
    direct = texts_of(open_session(f"{server.url}#m", 4))
    texts_of(open_session(f"{server.url}#m", 4, mode="verbalized"))
    texts_of(open_session(f"{server.url}#m", 4, mode="verbalized", answers_per_call=4))
    assert len(server.drawn) == len(PROMPTS) * (4 + 1 + 1)
    assert texts_of(open_session(f"{server.url}#m", 4)) == direct
    assert len(server.drawn) == len(PROMPTS) * (4 + 1 + 1)


def test_a_server_that_dies_keeps_whole_calls(server: Scripted, open_session: Open) -> None:
    """The answers of the calls that arrived are kept."""
    server.behave = lambda call: (
        Reply(None) if call.number >= 2 and not call.probes else _verbalize(call)
    )
    session = open_session(
        f"{server.url}#m", 5, mode="verbalized", server=Endpoint(retries=0, concurrency=1)
    )
    with pytest.raises(Exception, match="cannot be reached"):
        session.samples("m", "d")
    assert session.resources.store.rows("SELECT COUNT(*) FROM sample") == [(10,)]


CONFIG = """
[checkpoints]
direct = "{url}#m"
verbalized = {{ model = "{url}#m", mode = "verbalized" }}
[defaults]
samples_per_prompt = 5
reference = "direct"
[domains.talk]
prompts = "prompts.jsonl"
[domains.talk.budget]
lexical = {{ min = 0.6, max_drop = "20%" }}
[domains.listed]
prompts = "prompts.jsonl"
mode = "verbalized"
[domains.listed.budget]
lexical = {{ min = 0.6 }}
"""


def test_both_modes_are_gated_and_compared(pytester: pytest.Pytester, server: Scripted) -> None:
    """A domain in each mode has its own budget; a checkpoint in each is paired by prompt."""

    def collapse(call: Call) -> Reply | None:
        words = " ".join(text_of(call)[:12])
        if not call.body["messages"][-1]["content"].startswith("Generate"):
            return None if call.probes else complete(call, words)
        answers = [{"text": words, "probability": 0.2}] * 5
        return complete(call, json.dumps({"responses": answers}))

    server.behave = collapse
    lines = "\n".join(f'{{"id": "p{i}", "prompt": "say {i} of it"}}' for i in range(8))
    pytester.path.joinpath("prompts.jsonl").write_text(lines)
    pytester.path.joinpath("diversity.toml").write_text(CONFIG.format(url=server.url))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result.stdout.fnmatch_lines_random(
        [
            "direct * talk * lexical * pass *",
            "verbalized * talk * lexical * drop <= 20% vs direct * fail *",
            "direct * listed * lexical * fail *",
        ]
    )
    result.assert_outcomes(passed=1, failed=3)
