"""A judge on a server: asked through the engine that samples, with its retries and its store."""

from __future__ import annotations

import json

import pytest

from .scripted import Call, Reply, Scripted, complete

CONFIG = """
[checkpoints]
m = "replay:m.jsonl"
critic = {{ model = "{url}#critic", retries = 3 }}
[domains.talk]
kind = "prose"
quality = {{ judge = "llm:critic", rubric = "Rate: {{prompt}} / {{answer}}", max_calls = {calls} }}
[domains.talk.budget]
quality = {{ min = 0.2 }}
"""
SAME = """
[checkpoints]
m = "replay:m.jsonl"
critic = {{ model = "{url}#critic" }}
[domains.talk]
kind = "prose"
equivalence = {{ judge = "llm:critic", rubric = "{{one}} / {{other}}", max_calls = {calls} }}
[domains.talk.budget]
semantic = {{ metric = "hill(q=0)", max = 3.1 }}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, server: Scripted) -> pytest.Pytester:
    """Recorded samples, half of them good, and a server that judges; at first it stumbles."""
    rows = [
        {"domain": "talk", "prompt": f"p{p}", "index": i, "text": f"{word} answer {i} to {p}"}
        for p in range(6)
        for i, word in enumerate(("good", "bad", "good", "odd"))
    ]
    pytester.path.joinpath("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    server.models = ["critic"]
    stumbled: list[int] = []

    def judge(call: Call) -> Reply:
        asked = json.dumps(call.body)
        if call.probes:
            return complete(call)
        if not stumbled:
            stumbled.append(1)
            return Reply(503)
        said = {"/ good": "Score: 9", "/ bad": "Score: 1"}
        return complete(call, next((said[key] for key in said if key in asked), "Hm, who knows."))

    server.behave = judge
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def test_a_server_judges_and_is_not_asked_again(project: pytest.Pytester, server: Scripted) -> None:
    """It is not under test; prose in place of a score is no answer, counted; a 503 is repeated."""
    config = CONFIG.format(url=server.url, calls=25)
    project.path.joinpath("diversity.toml").write_text(config)
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*llm:critic gave 6 of 24 samples no score*"])
    asked = len(server.drawn)
    assert asked == 24 + 1
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert len(server.drawn) == asked


def test_repeated_requests_are_calls(project: pytest.Pytester, server: Scripted) -> None:
    """A 503 that leaves no call for the last question ends in a sentence; the next run asks it."""
    config = CONFIG.format(url=server.url, calls=24)
    project.path.joinpath("diversity.toml").write_text(config)
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*was asked 24 times, repeated requests included; raise max_calls"]
    )
    assert len(server.drawn) == 24
    project.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_more_calls_than_allowed_are_none(project: pytest.Pytester, server: Scripted) -> None:
    """One sentence, and nothing is valid by default."""
    config = CONFIG.format(url=server.url, calls=23)
    project.path.joinpath("diversity.toml").write_text(config)
    result = project.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'llm:critic' would be asked 24 times, more than max_calls*"])
    assert server.drawn == []


def test_a_server_tells_what_means_the_same(project: pytest.Pytester, server: Scripted) -> None:
    """Both orders of each two answers, once; a prompt of which it says neither is undefined."""

    def judge(call: Call) -> Reply:
        asked = json.dumps(call.body)
        if call.probes:
            return complete(call)
        if "to 5" in asked and "odd" in asked:
            return complete(call, "Who knows.")
        return complete(call, "Same: yes" if asked.count("good") == 2 else "Same: no")

    server.behave = judge
    project.path.joinpath("diversity.toml").write_text(SAME.format(url=server.url, calls=72))
    for _ in range(2):
        result = project.runpytest_inprocess("-p", "no:cacheprovider")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*llm:critic had no answer for 6 of 72 ordered pairs*"])
        assert len(server.drawn) == 72
    project.path.joinpath("diversity.toml").write_text(SAME.format(url=server.url, calls=71))
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "--diversity-store=new.sqlite")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*would be asked 72 times, more than max_calls*"])
    assert len(server.drawn) == 72
