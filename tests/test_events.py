"""Events reach the process that tells of them, whichever process they happened in."""

from __future__ import annotations

import json

import pytest

from pytest_diversity.events import (
    BaselineRecorded,
    BaselineUsed,
    Drawn,
    Event,
    Judged,
    from_json,
    to_json,
)
from pytest_diversity.verdict import Difference, Verdict

VERDICT = Verdict(
    status="unclear",
    headline="code lexical 0.4 < 0.5 (m)",
    details=("because", "of this"),
    notes=("note",),
    checkpoint="m",
    domain="code",
    family="lexical",
    metric="pair_distinct(n=4)",
    value=0.4,
    low=None,
    high=None,
    budget=">= 0.5",
    level="error",
    prompts=1,
    samples="4-8",
    p=0.2,
    per_prompt={"a": 0.4},
    change=Difference("base", 0.5, -0.1, None, None, {"a": -0.1}, "as written", 31.5),
    worst="a",
)
EVENTS: dict[str, Event] = {
    "drawn": Drawn("m", "code", 3, 5, replayed=False, prompts=2, count=4, most=8),
    "judged": Judged(VERDICT),
    "a baseline used": BaselineUsed("tests/__diversity__/code.json", "m", "validity()"),
    "a baseline recorded": BaselineRecorded("code.json", "m", {"prompts": "ab", "metrics": {}}),
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_survives_json(event: Event) -> None:
    """xdist carries plain values alone; tuples come back as tuples."""
    assert from_json(json.loads(json.dumps(to_json(event)))) == event
