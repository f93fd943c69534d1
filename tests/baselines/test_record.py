"""Recording, comparing and pruning baselines, as a whole run does it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from .recordings import FOLDER, Record, recorded, rewrite


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
