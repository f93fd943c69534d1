"""What models and files say reaches the terminal as text, never as a command to it."""

from __future__ import annotations

import json

import pytest

CONTROL = "\x1b[2J\x1b]0;title\x07\r\x9b31m\u202e\u200b\u2066"
CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
[domains.talk]
prompts = "prompts.jsonl"
samples_per_prompt = 3
[domains.talk.budget]
lexical = { min = 0.9 }
quality = { min = 0.9 }
"""


@pytest.mark.parametrize("option", [[], ["-vv"], ["--diversity-plan"], ["--diversity-selftest"]])
def test_control_characters_of_samples_and_prompts_are_escaped(
    pytester: pytest.Pytester, option: list[str]
) -> None:
    """In evidence, headlines, notes, the table and the studies."""
    prompts = [
        {"id": f"p{n}{CONTROL}", "prompt": f"say {n}", "group": f"g{CONTROL}"} for n in range(6)
    ]
    samples = [
        {"prompt": prompt["id"], "index": n, "text": f"say it {CONTROL} in words {n // 2}"}
        for prompt in prompts
        for n in range(3)
    ]
    for name, rows in (("prompts", prompts), ("base", samples)):
        pytester.path.joinpath(f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pytester.makefile(".toml", diversity=CONFIG)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--color=no", *option)
    output = result.stdout.str() + result.stderr.str()
    assert "talk" in output
    assert [letter for letter in CONTROL if not letter.isprintable() and letter in output] == []
