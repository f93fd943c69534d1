"""Which recorded baselines are compared with, and which are refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from .recordings import AGAIN, CONFIG, FOLDER, Record, rewrite

CHANGED: Mapping[str, tuple[tuple[str, str], Sequence[str], str]] = {
    "the number of samples": (
        ("", ""),
        ("--diversity-samples", "3"),
        "samples was 4, now 3",
    ),
    "a setting": (
        ('reference = "baseline"', 'reference = "baseline"\ntemperature = 0.7'),
        (),
        "temperature was 1.0, now 0.7",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_other_settings_are_refused(project: pytest.Pytester, case: str) -> None:
    """A baseline of other settings is an error with the command that fixes it."""
    change, arguments, reason = CHANGED[case]
    project.runpytest_inprocess("--diversity-record")
    text = (project.path / "diversity.toml").read_text()
    (project.path / "diversity.toml").write_text(text.replace(*change))
    result = project.runpytest_inprocess("-k", "code and dpo", *arguments)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"the baseline of dpo in {FOLDER}/code.json cannot be compared with: {reason}; {AGAIN}",
        ]
    )


def test_other_prompts_are_refused(project: pytest.Pytester, record: Record) -> None:
    """Values of other prompts are no reference, even where some names are the same."""
    project.runpytest_inprocess("--diversity-record")
    record(project.path / "dpo.jsonl", prompts=9)
    result = project.runpytest_inprocess("-k", "code and dpo")
    result.stdout.fnmatch_lines(["*cannot be compared with: the prompts have changed; *"])
    result.assert_outcomes(failed=1)


def test_another_embedder_or_sandbox_is_refused(project: pytest.Pytester) -> None:
    """What decides the meaning of texts and programs is part of the baseline."""
    project.runpytest_inprocess("--diversity-record")
    path = project.path / FOLDER / "code.json"
    plain = json.loads(path.read_text())
    for key, reason in (("embedder", "the embedder has changed"), ("sandbox", "the sandbox was")):
        changed = json.loads(json.dumps(plain))
        changed["checkpoints"]["dpo"]["metrics"]["pair_distinct(n=4)"][key] = "another"
        rewrite(path, changed)
        result = project.runpytest_inprocess("-k", "code and dpo")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"*cannot be compared with: {reason}*"])


MEANINGS: Mapping[str, tuple[str, str, str | None]] = {
    "another rule": ("exact", "normalised", "the equivalence was 'exact 1', now 'normalised 2'"),
    "the same rule": ("exact", "exact", None),
}


@pytest.mark.parametrize("case", MEANINGS)
def test_another_equivalence_is_refused(project: pytest.Pytester, case: str) -> None:
    """What tells meanings apart is part of what rests on it, and of nothing else."""
    first, second, reason = MEANINGS[case]
    budget = (
        "[domains.prose.budget]\neffective = { max_drop = 0.5 }\nlexical = { max_drop = 0.5 }\n"
    )
    head = CONFIG[: CONFIG.index("[domains.code")]
    path = project.path / "diversity.toml"
    path.write_text(f'{head}[domains.prose]\nequivalence = "{first}"\n{budget}')
    project.runpytest_inprocess("--diversity-record")
    path.write_text(f'{head}[domains.prose]\nequivalence = "{second}"\n{budget}')
    result = project.runpytest_inprocess("-k", "dpo")
    result.assert_outcomes(passed=1 if reason else 2, failed=1 if reason else 0)
    if reason:
        result.stdout.fnmatch_lines([f"*cannot be compared with: {reason}*"])


def test_a_baseline_from_before_there_was_a_choice(project: pytest.Pytester) -> None:
    """Its threshold was a setting; it is compared with where the same rule is chosen."""
    head = CONFIG[: CONFIG.index("[domains.code")]
    budget = '[domains.prose.budget]\nsemantic = { metric = "hill(q=0)", max_drop = 9 }\n'
    path = project.path / "diversity.toml"
    path.write_text(f'{head}[domains.prose]\nequivalence = "exact"\n{budget}')
    project.runpytest_inprocess("--diversity-record")
    recorded_at = project.path / FOLDER / "prose.json"
    plain = json.loads(recorded_at.read_text())
    profile = plain["checkpoints"]["dpo"]
    profile["settings"]["same_meaning"] = 0.2
    del profile["metrics"]["hill(q=0)"]["equivalence"]
    rewrite(recorded_at, plain)
    result = project.runpytest_inprocess("-k", "dpo")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*the equivalence was 'embedding 1, same below 0.2', now 'exact 1'*"]
    )


def test_another_version_of_a_library_is_said(project: pytest.Pytester) -> None:
    """It changes values less than settings do: a note, not a refusal."""
    project.runpytest_inprocess("--diversity-record")
    path = project.path / FOLDER / "code.json"
    plain = json.loads(path.read_text())
    plain["checkpoints"]["dpo"]["versions"]["tree-sitter-python"] = "0.1"
    rewrite(path, plain)
    result = project.runpytest_inprocess("-k", "code and dpo")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*recorded with tree-sitter-python 0.1, this is *"])
