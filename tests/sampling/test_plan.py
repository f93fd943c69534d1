"""What a sample's key holds beside what it always held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from pytest_diversity.baselines.file import digest
from pytest_diversity.config.values import Generation
from pytest_diversity.prompts import Message, Prompt
from pytest_diversity.sampling.plan import Plan
from pytest_diversity.sampling.protocol import Chat, Identity

IDENTITY = Identity("w", None, "transformers/3", "cpu", "float32", "")
PLAN = Plan(IDENTITY, Generation(), {}, 4)
PROMPT = Prompt("Three?", "p")
TALK = (Message("user", "One?"), Message("assistant", "Two."), Message("user", "Three?"))

CHANGED: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a conversation": ({"messages": TALK}, {}),
    "another conversation": ({"messages": TALK[::2]}, {}),
    "a beginning of the answer": ({"prefill": "Fo"}, {}),
    "no template": ({}, {"template": "none"}),
    "another template": ({}, {"template": "{{ messages }}"}),
    "what the template is told": ({}, {"told": {"enable_thinking": False}}),
    "the date in the template": ({}, {"clock": {"%d": "30"}}),
    "the date a day later": ({}, {"clock": {"%d": "31"}}),
}


def test_all_that_token_ids_depend_on_is_in_the_key() -> None:
    """Each of these gives samples of their own, and none of them the old key."""
    keys = {
        replace(PLAN, chat=Chat(**chat)).key(replace(PROMPT, **prompt))[0]
        for prompt, chat in CHANGED.values()
    }
    assert len(keys - {PLAN.key(PROMPT)[0]}) == len(CHANGED)


@pytest.mark.parametrize("case", [case for case, (prompt, _) in CHANGED.items() if prompt])
def test_a_baseline_is_of_what_was_asked(case: str) -> None:
    """Another conversation or beginning is another prompt."""
    assert digest({"p": replace(PROMPT, **CHANGED[case][0])}) != digest({"p": PROMPT})


def test_names_and_judges_are_not_in_the_key() -> None:
    """A prompt keeps its samples when it is judged in another way."""
    other = replace(PROMPT, id="q", group="g", check="def check(f): ...")
    assert PLAN.key(other) == PLAN.key(PROMPT)
