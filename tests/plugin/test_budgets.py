"""Budgets in `diversity.toml` are test items like any others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ITEMS = (
    "diversity.toml::code::lexical[base]",
    "diversity.toml::code::quality[base]",
    "diversity.toml::prose::lexical[base]",
    "diversity.toml::code::lexical[dpo]",
    "diversity.toml::code::quality[dpo]",
    "diversity.toml::prose::lexical[dpo]",
)
FAILED = ("diversity.toml::code::lexical[dpo]", "diversity.toml::prose::lexical[dpo]")
NO_CACHE = ("-p", "no:cacheprovider")


def ids(project: pytest.Pytester, *arguments: str) -> tuple[str, ...]:
    """The ids of the collected items."""
    result = project.runpytest_inprocess("--collect-only", "-q", *NO_CACHE, *arguments)
    return tuple(line for line in result.outlines if "::" in line)


def test_every_domain_family_and_checkpoint_is_an_item(project: pytest.Pytester) -> None:
    """One checkpoint after the other, since each may load a model."""
    assert ids(project) == ITEMS


SELECTIONS: Mapping[str, tuple[Sequence[str], tuple[str, ...]]] = {
    "one item": (["diversity.toml::code::lexical[dpo]"], (ITEMS[3],)),
    "a domain": (["diversity.toml::code"], (*ITEMS[:2], *ITEMS[3:5])),
    "the file": (["diversity.toml"], ITEMS),
    "by keyword": (["-k", "prose and dpo"], (ITEMS[5],)),
    "by marker": (["-m", "diversity"], ITEMS),
    "without the marker": (["-m", "not diversity"], ()),
    "a checkpoint": (["--diversity-checkpoint", "dpo"], ITEMS[3:]),
    "a checkpoint added to one chosen": (
        ["--diversity-checkpoint", "base", "--diversity-checkpoint", "a b/c=replay:dpo.jsonl"],
        (*ITEMS[:3], *(item.replace("[base]", "[a b/c]") for item in ITEMS[:3])),
    ),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_items_are_selected_as_usual(project: pytest.Pytester, case: str) -> None:
    """By id, keyword, marker and checkpoint."""
    arguments, items = SELECTIONS[case]
    assert ids(project, *arguments) == items


def test_a_collapse_fails_the_run(project: pytest.Pytester) -> None:
    """The headline stands above the evidence, in the short summary and in the table."""
    result = project.runpytest_inprocess(*NO_CACHE)
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "diversity: diversity.toml, checkpoints base, dpo, store .diversity/samples.sqlite",
            "diversity.toml ...F.F*",
            "code lexical drop 50.0% > 20% (dpo)",
            "  paired drop 0.500, 95 % interval [[]0.500, 0.500[]] from 1.00 (base) over 8 *",
            "  8 prompts x 4 samples, mean length 12.0 tokens (base 12.0), which a level does *",
            "  worst prompts: p0 0.500, p1 0.500, p2 0.500",
            "  in 4 of 4 samples of p0: *",
            "  4 of 4 samples are the same text: *",
            "prose lexical 0.500 < 0.600 (dpo)",
            "checkpoint  domain  family   value  95% interval    vs base * verdict  n x K",
            "dpo         code    lexical  0.500 *  >= 0.300, drop <= 20% vs base  fail     8 x 4",
            "base        code    lexical  1.00 *  >= 0.300  *  pass     8 x 4",
            "code quality: validity of code is that it parses *; * hold no program *",
            "FAILED diversity.toml::code::lexical[[]dpo[]] - code lexical drop 50.0% > 20% (dpo)",
            "FAILED diversity.toml::prose::lexical[[]dpo[]] - prose lexical 0.500 < 0.600 (dpo)",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*BudgetFailure*")


def test_the_junit_file_shows_the_failure(project: pytest.Pytester) -> None:
    """A failing gate is a failing test there too, with the headline as its message."""
    project.runpytest_inprocess(*NO_CACHE, "--junit-xml=junit.xml")
    root = ET.parse(project.path / "junit.xml").getroot()  # noqa: S314 - written by pytest
    messages = [failure.get("message") for failure in root.iter("failure")]
    assert messages == ["code lexical drop 50.0% > 20% (dpo)", "prose lexical 0.500 < 0.600 (dpo)"]


def test_stopping_at_the_first_failure(project: pytest.Pytester) -> None:
    """`-x` leaves the rest undone."""
    project.runpytest_inprocess(*NO_CACHE, "-x").assert_outcomes(passed=3, failed=1)


def test_last_failed_first(project: pytest.Pytester) -> None:
    """`--lf` runs the gates that failed and no others."""
    project.runpytest_inprocess().assert_outcomes(passed=4, failed=2)
    result = project.runpytest_inprocess("--lf")
    result.assert_outcomes(failed=2)


def test_without_a_terminal(project: pytest.Pytester) -> None:
    """Nothing is printed, and the exit code tells."""
    result = project.runpytest_inprocess(*NO_CACHE, "-p", "no:terminal")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (result.outlines, result.errlines) == ([], [])


def test_two_workers(project: pytest.Pytester) -> None:
    """Under xdist the same tests fail, and the summary has every verdict once."""
    result = project.runpytest_subprocess(*NO_CACHE, "-n", "2")
    result.assert_outcomes(passed=4, failed=2)
    rows = [line.split()[:3] for line in result.outlines if " x 4" in line and "] " in line]
    assert sorted(rows) == sorted(
        [name, domain, family]
        for name in ("base", "dpo")
        for domain, family in (("code", "lexical"), ("code", "quality"), ("prose", "lexical"))
    )
    result.stdout.fnmatch_lines(["FAILED *code lexical drop 50.0% > 20% (dpo)"])


LEVELS: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, int], str]] = {
    "error": ("min = 0.95", (), {"failed": 1}, "FAILED * - prose lexical 0.750 < 0.950 (m)"),
    "warn": (
        'min = 0.95, level = "warn"',
        (),
        {"passed": 1},
        "warning: prose lexical 0.750 < 0.950 (m): fail",
    ),
    "off": ('min = 0.95, level = "off"', (), {"passed": 1}, "m *prose *lexical * off *8 x 4"),
    "unclear": (
        "min = 0.8",
        (),
        {"passed": 1},
        "warning: prose lexical 0.750 < 0.800 (m): unclear",
    ),
    "unclear, strict": (
        "min = 0.8",
        ("--diversity-strict",),
        {"failed": 1},
        "FAILED * - prose lexical 0.750 < 0.800 (m)",
    ),
    "unclear, strict, warn": (
        'min = 0.8, level = "warn"',
        ("--diversity-strict",),
        {"passed": 1},
        "warning: prose lexical 0.750 < 0.800 (m): unclear",
    ),
    "undefined": (
        'min = 0.1, metric = "pair_distinct(n=40)"',
        (),
        {"failed": 1},
        "FAILED * - prose lexical undefined (m)",
    ),
}


@pytest.fixture
def mixed(project: pytest.Pytester, record: Callable[..., Path]) -> pytest.Pytester:
    """One checkpoint that has collapsed on half of its prompts: .75 on average, but unsure."""
    one = record(project.path / "one.jsonl", different=1, prompts=4)
    two = record(project.path / "two.jsonl", different=4, prompts=4, first=4)
    (project.path / "m.jsonl").write_text(one.read_text() + two.read_text())
    return project


@pytest.mark.parametrize("case", LEVELS)
def test_levels(mixed: pytest.Pytester, case: str) -> None:
    """What fails the test, and what only warns, is the budget's level and the run's strictness."""
    bounds, arguments, outcomes, line = LEVELS[case]
    (mixed.path / "diversity.toml").write_text(
        f'[checkpoints]\nm = "replay:m.jsonl"\n[domains.prose.budget]\nlexical = {{ {bounds} }}\n'
    )
    result = mixed.runpytest_inprocess(*NO_CACHE, *arguments)
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines([line])


def test_the_worst_prompts_are_named(mixed: pytest.Pytester) -> None:
    """Those that lost the most come first, here the prompts that collapsed."""
    (mixed.path / "diversity.toml").write_text(
        '[checkpoints]\nm = "replay:m.jsonl"\n[domains.prose.budget]\nlexical = { min = 0.99 }\n'
    )
    result = mixed.runpytest_inprocess(*NO_CACHE)
    result.stdout.fnmatch_lines(["  worst prompts: p0 0.500, p1 0.500, p2 0.500"])


def test_both_sides_have_equally_many_samples(project: pytest.Pytester) -> None:
    """A metric that falls with the number of samples does not see a change where there is none."""
    lines = (project.path / "base.jsonl").read_text().splitlines(keepends=True)
    half = [line for line in lines if '"index": 0' in line or '"index": 1' in line]
    (project.path / "dpo.jsonl").write_text("".join(half))
    (project.path / "diversity.toml").write_text(
        '[checkpoints]\nbase = "replay:base.jsonl"\ndpo = "replay:dpo.jsonl"\n'
        "[domains.prose.budget]\n"
        'lexical = { metric = "distinct(n=1)", max_drop = 0, max_rise = 0, reference = "base" }\n'
    )
    result = project.runpytest_inprocess(*NO_CACHE, "-k", "dpo")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["dpo * drop <= 0, rise <= 0 vs base * pass * 8 x 2"])


def test_undefined_says_why(project: pytest.Pytester) -> None:
    """The meaning of programs needs execution; the gate fails with the sentence that says so."""
    (project.path / "diversity.toml").write_text(
        '[checkpoints]\nm = "replay:base.jsonl"\n[domains.code.budget]\neffective = { min = 0.1 }\n'
    )
    result = project.runpytest_inprocess(*NO_CACHE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["code effective undefined (m)", "*running generated programs is off; opt in with *"]
    )


def test_two_files_in_one_run(project: pytest.Pytester, record: Callable[..., Path]) -> None:
    """Each is its own configuration, with its own checkpoints."""
    project.mkdir("sub")
    record(project.path / "sub/other.jsonl")
    (project.path / "sub/diversity.toml").write_text(
        '[checkpoints]\nother = "replay:other.jsonl"\n[domains.own.budget]\nlexical = { min = 0 }\n'
    )
    assert ids(project) == (*ITEMS, "sub/diversity.toml::own::lexical[other]")
    result = project.runpytest_inprocess(*NO_CACHE, "sub")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["diversity: sub/diversity.toml, checkpoints other, *"])


def test_another_folder(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not matter where pytest is started."""
    monkeypatch.chdir(project.mkdir("elsewhere"))
    assert len(ids(project, "..")) == len(ITEMS)
    project.runpytest_inprocess(*NO_CACHE, f"../{ITEMS[0]}").assert_outcomes(passed=1)


def test_a_file_above_the_tests(project: pytest.Pytester, record: Callable[..., Path]) -> None:
    """The nearest file in or above the folder that is tested holds, not the one at the root."""
    record(project.mkdir("part") / "near.jsonl")
    (project.path / "part/diversity.toml").write_text('[checkpoints]\nnear = "replay:near.jsonl"\n')
    tests = project.path / "part/tests"
    tests.mkdir()
    (tests / "test_it.py").write_text("def test_a(checkpoint): assert checkpoint.name == 'near'\n")
    result = project.runpytest_inprocess(*NO_CACHE, "part/tests/test_it.py::test_a")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["diversity: part/diversity.toml, checkpoints near, *"])


def test_a_file_of_another_name(project: pytest.Pytester) -> None:
    """The file that `--diversity-config` names is collected, however it is written."""
    project.mkdir("ci")
    text = (project.path / "diversity.toml").read_text().replace("replay:", "replay:../")
    (project.path / "ci/gates.toml").write_text(text)
    (project.path / "diversity.toml").unlink()
    expected = tuple(item.replace("diversity.toml", "ci/gates.toml") for item in ITEMS)
    assert ids(project, "--diversity-config", "ci/../ci/gates.toml") == expected
    assert ids(project) == ()


def test_fewer_samples_of_fewer_prompts(
    project: pytest.Pytester, record: Callable[..., Path]
) -> None:
    """A comparison is made on the prompts that both have, and says when these are too few."""
    record(project.path / "dpo.jsonl", prompts=3, samples=2, different=2)
    result = project.runpytest_inprocess(*NO_CACHE, ITEMS[3])
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["dpo * 3 x 2", "code lexical: only 3 prompts: this gate can hardly fail; use 6 or more"]
    )


def test_other_prompts_than_the_reference(
    project: pytest.Pytester, record: Callable[..., Path]
) -> None:
    """Without a common prompt there is nothing to compare, and one sentence says so."""
    record(project.path / "dpo.jsonl", first=100)
    result = project.runpytest_inprocess(*NO_CACHE, ITEMS[3])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["domain 'code': no prompt of the reference 'base' is among those of the checkpoint under*"]
    )
