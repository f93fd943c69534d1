"""Recording, comparing and pruning baselines, as a whole run does it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Record = Callable[..., Path]
FOLDER = "tests/__diversity__"
AGAIN = "run as it was recorded, or record it anew: pytest --diversity-record"

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "baseline"
[domains.code.budget]
lexical = { max_drop = "20%" }
[domains.prose.budget]
lexical = { min = 0.1, max_drop = 0.1 }
quality = { min = 0.1 }
"""


@pytest.fixture
def project(project: pytest.Pytester) -> pytest.Pytester:
    """Budgets that are judged against what was recorded of the checkpoint before."""
    options = "--strict-markers -p no:cacheprovider"
    project.makeini(f"[pytest]\nfilterwarnings = error\naddopts = {options}\n")
    (project.path / "diversity.toml").write_text(CONFIG)
    return project


def recorded(project: pytest.Pytester, domain: str = "prose") -> dict[str, dict[str, object]]:
    """The checkpoints of a baseline file."""
    checkpoints: dict[str, dict[str, object]] = json.loads(
        (project.path / FOLDER / f"{domain}.json").read_text()
    )["checkpoints"]
    return checkpoints


def test_a_missing_baseline_fails_with_the_command_that_records_it(
    project: pytest.Pytester,
) -> None:
    """Nothing to compare with is never a pass."""
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2, failed=4)
    result.stdout.fnmatch_lines(
        [f"no baseline of dpo in {FOLDER}/code.json; pytest --diversity-record-new"]
    )
    assert not (project.path / "tests").exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_recorded_and_compared(project: pytest.Pytester, workers: Sequence[str]) -> None:
    """One file a domain, written once, also under xdist; the next run is compared with it."""
    run = project.runpytest_subprocess if workers else project.runpytest_inprocess
    result = run("--diversity-record", *workers)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines([f"baseline recorded: {FOLDER}/prose.json (*)"])
    assert {path.name for path in (project.path / FOLDER).iterdir()} == {"code.json", "prose.json"}
    assert sorted(recorded(project)) == ["base", "dpo"]
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["dpo *prose *drop <= 0.1 vs baseline*pass*"])


def test_recording_again_changes_nothing(project: pytest.Pytester) -> None:
    """Sorted and rounded, so that a diff shows only what is different."""
    project.runpytest_inprocess("--diversity-record")
    before = (project.path / FOLDER / "prose.json").read_bytes()
    project.runpytest_inprocess("--diversity-record")
    assert (project.path / FOLDER / "prose.json").read_bytes() == before
    assert list(json.loads(before)) == sorted(json.loads(before))


def test_what_has_not_changed_since_the_baseline_has_not_moved(
    project: pytest.Pytester, record: Record
) -> None:
    """Values are compared in the digits that are recorded: a third's other digits are no change."""
    record(project.path / "base.jsonl", different=2, samples=3)
    project.runpytest_inprocess("--diversity-record")
    project.runpytest_inprocess("--diversity-report=json:report.json")
    verdicts = json.loads((project.path / "report.json").read_text())["verdicts"]
    changes = [one["change"] for one in verdicts if one["change"]]
    assert {one["value"] for one in changes} == {0.0}
    assert any(round(value, 6) != value for one in verdicts for value in one["per_prompt"].values())


def test_a_collapse_since_the_baseline_fails(project: pytest.Pytester, record: Record) -> None:
    """The headline names what was lost since."""
    project.runpytest_inprocess("--diversity-record")
    record(project.path / "dpo.jsonl", different=1)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "code lexical drop 50.0% > 20% (dpo)",
            "  paired drop 0.500, *from 1.00 (baseline dpo) over 8 prompts*Holm over 4 bounds*",
        ]
    )


def test_a_partial_run_keeps_the_rest(project: pytest.Pytester, record: Record) -> None:
    """Only what ran is written: the other checkpoint and the other metrics stay as they were."""
    project.runpytest_inprocess("--diversity-record")
    before = recorded(project)
    record(project.path / "dpo.jsonl", different=2)
    project.runpytest_inprocess("--diversity-record", "-k", "dpo and quality")
    after = recorded(project)
    assert after["base"] == before["base"]
    assert after["dpo"]["weights"] != before["dpo"]["weights"]


def test_recording_what_is_new(project: pytest.Pytester, record: Record) -> None:
    """What has a baseline is compared with it, what has none is recorded."""
    project.runpytest_inprocess("--diversity-record", "-k", "base")
    record(project.path / "base.jsonl", different=1)
    result = project.runpytest_inprocess("--diversity-record-new")
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(["*prose lexical drop 0.500 > 0.1 (base)*"])
    assert sorted(recorded(project)) == ["base", "dpo"]
    values = recorded(project)["base"]["metrics"]
    assert isinstance(values, dict)
    assert values["pair_distinct(n=4)"]["values"]["p0"] == 1.0


def test_the_baseline_of_another_checkpoint(project: pytest.Pytester, record: Record) -> None:
    """`baseline:NAME` compares a new fine-tune with what was recorded of its base."""
    project.runpytest_inprocess("--diversity-record", "-k", "base")
    text = (project.path / "diversity.toml").read_text()
    (project.path / "diversity.toml").write_text(text.replace('"baseline"', '"baseline:base"'))
    record(project.path / "dpo.jsonl", different=1)
    result = project.runpytest_inprocess("-k", "dpo and lexical")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*code lexical drop 50.0% > 20% (dpo)*"])


def test_assertions_in_tests_know_baselines(project: pytest.Pytester) -> None:
    """The same reference in Python; without a checkpoint it must say whose baseline."""
    project.makepyfile(
        "def test_a(diversity):\n"
        "    bounds = dict(domain='prose', max_drop=0.1, reference='baseline')\n"
        "    diversity.assert_no_regression(family='lexical', **bounds)\n"
        "def test_b(diversity):\n"
        "    texts = {f'p{i}': ['a b c d', 'e f g h'] for i in range(8)}\n"
        "    bounds = dict(domain='prose', max_drop=0.1, reference='baseline')\n"
        "    diversity.assert_lexical_diversity(texts, **bounds)\n"
    )
    project.runpytest_inprocess("--diversity-record").assert_outcomes(passed=8, failed=2)
    result = project.runpytest_inprocess("-k", "test_")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["FAILED * - a baseline of which checkpoint?; *baseline:NAME*"])


SPLIT = """
[checkpoints]
dpo = "replay:dpo.jsonl"
[defaults]
reference = "baseline"
[domains.prose.budget]
effective = { max_quality_loss = "10%", max_narrowing = "10%" }
"""


def rewrite(path: Path, plain: Mapping[str, Any]) -> None:
    """Another recording than was made, without the checksums that would tell."""
    for profile in plain["checkpoints"].values():
        profile.pop("checksum", None)
    path.write_text(json.dumps(plain))


def test_parts_of_a_change_since_the_baseline(project: pytest.Pytester, record: Record) -> None:
    """Recorded is what was valid, too; what was recorded without it fails and says what to do."""
    (project.path / "diversity.toml").write_text(SPLIT)
    project.runpytest_inprocess("--diversity-record").assert_outcomes(passed=1)
    record(project.path / "dpo.jsonl", different=1)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "prose effective narrowing 100.0% > 10% (dpo)",
            "prose effective (dpo): loss * = quality 0.000 * + narrowing *: narrowing moved",
        ]
    )
    path = project.path / FOLDER / "prose.json"
    plain = json.loads(path.read_text())
    del plain["checkpoints"]["dpo"]["metrics"]["effective_pairs()"]["quality"]
    rewrite(path, plain)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*how many answers *valid*record it anew: pytest --diversity-re*"])


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


BROKEN: Mapping[str, tuple[Callable[[str], str], int, str]] = {
    "truncated": (lambda text: text[: text.index('"p3"') + 3], 11, "not JSON: *"),
    "a merge conflict": (
        lambda text: text.replace('      "p1": 1.0,', "<<<<<<< HEAD\n=======\n>>>>>>> dpo"),
        9,
        "a merge conflict; keep one side, or delete the file and record it anew: pytest *",
    ),
    "a value that is no number": (
        lambda text: text.replace('"p1": 1.0', '"p1": "high"'),
        9,
        "pair_distinct(n=4) of prompt 'p1' is not a number: *high*",
    ),
    "a value that is not finite": (
        lambda text: text.replace('"p1": 1.0', '"p1": NaN'),
        9,
        "pair_distinct(n=4) of prompt 'p1' is not a number: NaN; *",
    ),
    "a value that has changed": (
        lambda text: text.replace('"p1": 1.0', '"p1": 1.5'),
        3,
        "checkpoint 'base' is not what was recorded: it was changed since; restore it from *",
    ),
    "no values": (
        lambda text: text.replace('"values"', '"valeus"'),
        6,
        "pair_distinct(n=4) of checkpoint 'base' has no values; *",
    ),
    "an unknown key": (
        lambda text: text.replace('"prompts"', '"colour": 1, "prompts"', 1),
        19,
        "unknown key 'colour'; *",
    ),
    "a newer schema": (
        lambda text: text.replace('"schema": 1', '"schema": 99'),
        87,
        "schema 99 is from a newer pytest-diversity, this reads 1; *",
    ),
    "a schema that never was": (
        lambda text: text.replace('"schema": 1', '"schema": 0'),
        87,
        "there was never a schema 0 of baselines; *",
    ),
    "a schema that is no number": (
        lambda text: text.replace('"schema": 1', '"schema": true'),
        1,
        "not a baseline of pytest-diversity: it has no schema version; *",
    ),
    "another file": (lambda _: "[]", 1, "not a baseline of pytest-diversity: *"),
    "an empty file": (lambda _: "", 1, "not JSON: *"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files(project: pytest.Pytester, case: str) -> None:
    """One sentence with the place, and nothing is overwritten on the way."""
    change, line, message = BROKEN[case]
    project.runpytest_inprocess("--diversity-record")
    path = project.path / FOLDER / "code.json"
    path.write_text(change(path.read_text()))
    broken = path.read_text()
    result = project.runpytest_inprocess("-k", "code and base")
    result.assert_outcomes(failed=1)
    said = next(entry for entry in result.outlines if entry.startswith(str(path)))
    assert said.startswith(f"{path}:{line}: ")
    result.stdout.fnmatch_lines([f"*{message}".replace("[", "[[]")])
    result = project.runpytest_inprocess("--diversity-record", "-k", "code and base")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert path.read_text() == broken


@pytest.mark.parametrize("name", ["../../out", "/out", "..", "a/b", "%2e%2e"])
def test_the_name_of_a_domain_is_no_path(project: pytest.Pytester, name: str) -> None:
    """Its file lies in the folder of baselines, and is found there again."""
    config = f"[checkpoints]\nbase = 'replay:base.jsonl'\n['domains'.'{name}'.budget]\n"
    (project.path / "diversity.toml").write_text(f"{config}lexical = {{ min = 0.1 }}\n")
    before = {path for path in project.path.rglob("*.json") if path.is_file()}
    for option in ("--diversity-record", "--diversity-record-new"):
        project.runpytest_inprocess(option).assert_outcomes(passed=1)
    made = set(project.path.rglob("*.json")) - before
    assert [path.parent for path in made] == [project.path / FOLDER]
    assert not (project.path.parent / "out.json").exists()


def test_a_checkout_that_cannot_be_written_to(project: pytest.Pytester) -> None:
    """One sentence and exit code 4; what stands in the way stays."""
    (project.path / "tests").mkdir()
    (project.path / FOLDER).write_text("a file where the folder should be")
    result = project.runpytest_inprocess("--diversity-record")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: the baselines * cannot be written; record *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_pruning_removes_what_no_test_uses(project: pytest.Pytester) -> None:
    """After a whole green run the baselines of a checkpoint that is gone are removed."""
    project.runpytest_inprocess("--diversity-record")
    text = (project.path / "diversity.toml").read_text()
    (project.path / "diversity.toml").write_text(text.replace('base = "replay:base.jsonl"\n', ""))
    result = project.runpytest_inprocess("--diversity-prune")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"baseline pruned: {FOLDER}/code.json"])
    assert sorted(recorded(project)) == ["dpo"]


def test_pruning_removes_a_whole_file(project: pytest.Pytester) -> None:
    """A domain that is gone loses its file."""
    project.runpytest_inprocess("--diversity-record")
    text = (project.path / "diversity.toml").read_text()
    start, end = text.index("[domains.code.budget]"), text.index("[domains.prose.budget]")
    (project.path / "diversity.toml").write_text(text[:start] + text[end:])
    project.runpytest_inprocess("--diversity-prune").assert_outcomes(passed=4)
    assert [path.name for path in (project.path / FOLDER).iterdir()] == ["prose.json"]


CRASH = """
import os, pytest
def pytest_runtest_setup(item):
    if "dpo" in item.name:
        os._exit(1)
"""
PARTS: Mapping[str, tuple[Sequence[str], str]] = {
    "by keyword": (("-k", "base"), "-k ran a part of the tests"),
    "by marker": (("-m", "diversity"), "-m ran a part of the tests"),
    "by id": (("diversity.toml::code",), "the command names a part of the tests"),
    "by checkpoint": (
        ("--diversity-checkpoint", "dpo"),
        "--diversity-checkpoint ran a part of the tests",
    ),
    "deselected": (
        ("--deselect", "diversity.toml::code::lexical[dpo]"),
        "--deselect ran a part of the tests",
    ),
    "a folder ignored": (("--ignore", "other"), "--ignore ran a part of the tests"),
}


@pytest.mark.parametrize("case", PARTS)
def test_pruning_is_refused_after_a_part_of_the_tests(project: pytest.Pytester, case: str) -> None:
    """Such a run cannot know what is unused."""
    arguments, reason = PARTS[case]
    project.runpytest_inprocess("--diversity-record")
    before = recorded(project)
    result = project.runpytest_inprocess("--diversity-prune", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines([f"error: nothing was pruned: {reason}; run all tests: *"])
    assert recorded(project) == before


def test_pruning_is_refused_after_a_failure(project: pytest.Pytester, record: Record) -> None:
    """A failing test may have used less than it would have."""
    project.runpytest_inprocess("--diversity-record")
    record(project.path / "dpo.jsonl", different=1)
    result = project.runpytest_inprocess("--diversity-prune")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*nothing was pruned: a test failed or a worker crashed; *"])


def test_pruning_is_refused_after_a_crash(project: pytest.Pytester) -> None:
    """What a crashed worker would have used is not known."""
    project.runpytest_inprocess("--diversity-record")
    before = recorded(project)
    project.makeconftest(CRASH)
    result = project.runpytest_subprocess("--diversity-prune", "-n", "1", "--max-worker-restart=0")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*nothing was pruned: a test failed or a worker crashed; *"])
    assert recorded(project) == before


RECORDER = """
import sys
from pytest_diversity.baselines.record import record
from pytest_diversity.events import BaselineRecorded
profile = {"settings": {}, "prompts": "p", "weights": "w", "versions": {}, "metrics": {}}
sys.stdin.read()
record([BaselineRecorded(sys.argv[1], sys.argv[2], profile)])
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked there")
def test_two_recordings_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each adds to what the other one has written, and nothing lies beside the file."""
    names = [f"checkpoint-{number}" for number in range(4)]
    for trial in range(5):
        path = tmp_path / str(trial) / "tests" / "prose.json"
        runs = [
            subprocess.Popen(  # noqa: S603 - our own code
                [sys.executable, "-c", RECORDER, str(path), name], stdin=subprocess.PIPE
            )
            for name in names
        ]
        for run in runs:  # all of them are ready
            assert run.stdin is not None
            run.stdin.close()
        assert [run.wait() for run in runs] == [0] * len(runs)
        assert sorted(json.loads(path.read_text())["checkpoints"]) == names
        assert [*path.parent.iterdir()] == [path]
