"""Recorded samples are judged by the settings of their domain; what that leaves out is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

Record = Callable[..., Path]
OWN = 'prompts = "own.jsonl"'


class Case(NamedTuple):
    """A recording of so many prompts and samples, the settings of its domain, and what is said."""

    settings: str
    prompts: int
    samples: int
    status: str
    size: str
    said: str
    first: int = 0


LACKS = "*replay:r.jsonl lacks"
CASES = {
    "all that is wanted": Case(f"{OWN}\nsamples_per_prompt = 4", 10, 4, "pass", "10 x 4", ""),
    "too few prompts": Case(
        OWN, 8, 4, "undefined", "0 x 4", f"{LACKS} 2 of 10 prompts; record them, or say partial *"
    ),
    "too few prompts, which will do": Case(
        f"{OWN}\npartial = true",
        8,
        4,
        "pass",
        "8 x 4",
        "*: partial: replay:r.jsonl lacks 2 of 10 *",
    ),
    "too few samples": Case(
        f"{OWN}\nsamples_per_prompt = 6",
        *(10, 4, "undefined", "0 x 4"),
        f"{LACKS} 20 of 60 samples of its prompts; *",
    ),
    "too few samples, which will do": Case(
        f"{OWN}\nsamples_per_prompt = 6\npartial = true",
        *(10, 4, "pass", "10 x 4"),
        "*: partial: replay:r.jsonl lacks 20 of 60 samples of its prompts",
    ),
    "too few of both": Case(
        f"{OWN}\nsamples_per_prompt = 6",
        *(8, 4, "undefined", "0 x 4"),
        f"{LACKS} 2 of 10 prompts and 16 of 48 samples of the others; *",
    ),
    "a K that nobody chose": Case(OWN, 10, 2, "pass", "10 x 2", ""),
    "more samples than K": Case(
        f"{OWN}\nsamples_per_prompt = 3",
        *(10, 4, "pass", "10 x 3"),
        "*: replay:r.jsonl: 3 of 4 recorded samples a prompt count (samples_per_prompt)",
    ),
    "foreign prompts beside the domain's": Case(
        f"{OWN}\npartial = true",
        *(8, 4, "pass", "6 x 4"),
        "*: replay:r.jsonl: 2 of 8 recorded prompts are none that the domain chooses, and left out",
        first=4,
    ),
    "more prompts than max_prompts": Case(
        f"{OWN}\nmax_prompts = 7",
        *(10, 4, "pass", "7 x 4"),
        "*: replay:r.jsonl: 3 of 10 recorded prompts are none that the domain chooses, and left *",
    ),
    "no file of prompts": Case("", 10, 4, "pass", "10 x 4", ""),
    "no file of prompts, and max_prompts": Case(
        "max_prompts = 7",
        *(10, 4, "pass", "7 x 4"),
        "*: replay:r.jsonl: 3 of 10 recorded prompts are none that the domain chooses, and left *",
    ),
}


def _project(pytester: pytest.Pytester, record: Record, case: Case) -> pytest.Pytester:
    pytester.makeini("[pytest]\nfilterwarnings = error")
    prompts = "".join(json.dumps({"id": f"p{i}", "prompt": f"say {i}"}) + "\n" for i in range(10))
    (pytester.path / "own.jsonl").write_text(prompts)
    record(pytester.path / "r.jsonl", prompts=case.prompts, samples=case.samples, first=case.first)
    (pytester.path / "diversity.toml").write_text(
        f'[checkpoints]\nr = "replay:r.jsonl"\n[domains.own]\n{case.settings}\n'
        "[domains.own.budget]\nlexical = { min = 0.1 }\n"
    )
    return pytester


def _run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:cacheprovider", *options)


@pytest.mark.parametrize("name", CASES)
def test_a_recording_is_judged_by_its_domain(
    pytester: pytest.Pytester, record: Record, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What is missing fails, with the count, unless it may be; what is left out is counted."""
    monkeypatch.setenv("COLUMNS", "160")
    case = CASES[name]
    result = _run(_project(pytester, record, case))
    result.assert_outcomes(**{"passed" if case.status == "pass" else "failed": 1})
    result.stdout.fnmatch_lines([f"r *own *lexical *{case.status} *{case.size}"])
    if case.said:
        result.stdout.fnmatch_lines([case.said])
    else:
        result.stdout.no_fnmatch_line("*replay:r.jsonl*")


def test_a_recording_of_none_of_the_prompts_that_were_chosen(
    pytester: pytest.Pytester, record: Record
) -> None:
    """It is of something else, and one sentence says of what."""
    project = _project(pytester, record, Case(f"{OWN}\npartial = true", 4, 4, "", "", "", first=90))
    result = _run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            (
                "checkpoint 'r' (replay:r.jsonl) has samples of prompts such as 'p90', none of "
                "which domain 'own' chooses from own.jsonl; name the recording's own prompt file *"
            )
        ]
    )


def test_a_recording_of_none_of_the_default_prompts(
    pytester: pytest.Pytester, record: Record
) -> None:
    """Nobody chose those of a built-in domain: the recording's own count, and this is said."""
    project = _project(pytester, record, CASES["all that is wanted"])
    path = project.path / "diversity.toml"
    path.write_text(path.read_text().replace("domains.own", "domains.code").replace(OWN, ""))
    result = _run(project)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["code lexical: replay:r.jsonl has none of builtin:code-python: its own prompts count"]
    )


def test_a_reference_that_lacks_samples(pytester: pytest.Pytester, record: Record) -> None:
    """A change is not judged against a part of what was to be the reference."""
    project = _project(pytester, record, CASES["all that is wanted"])
    record(project.path / "base.jsonl", prompts=9, samples=4)
    path = project.path / "diversity.toml"
    text = path.read_text().replace("min = 0.1", 'max_drop = "10%", reference = "base"')
    path.write_text(text.replace("[domains.own]", 'base = "replay:base.jsonl"\n[domains.own]'))
    result = _run(project, "--diversity-checkpoint", "r")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["own lexical undefined vs base (r)", "*replay:base.jsonl lacks 1 of 10 prompts; record *"]
    )


def test_samples_asked_for_on_the_command_line_are_chosen(
    pytester: pytest.Pytester, record: Record
) -> None:
    """As in the file, fewer are not what was asked for."""
    project = _project(pytester, record, CASES["a K that nobody chose"])
    result = _run(project, "--diversity-samples", "3")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*replay:r.jsonl lacks 10 of 30 samples of its prompts; *"])


def test_a_study_of_a_part(pytester: pytest.Pytester, record: Record) -> None:
    """What a gate could find is not told from a part of its samples."""
    project = _project(pytester, record, CASES["too few prompts"])
    result = _run(project, "--diversity-plan")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: diversity: domain 'own' cannot be studied: replay:r.jsonl lacks 2 of 10 *"]
    )
