"""Plan, self-test and calibration: studies of stored samples in place of running tests."""

from __future__ import annotations

import json
import random
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pytest_diversity.samples import SampleSet
from pytest_diversity.studies.selftest import KINDS, collapse

CONFIG = """# what we gate
[checkpoints]
base = "replay:base.jsonl"
dpo = "replay:dpo.jsonl"
[defaults]
reference = "base"
quality = "well_formed"
[domains.prose.budget]
lexical = { min = 0.2, max_drop = "20%" }  # of words
quality = { max_drop = 0.5 }
"""


def write(path: Path, *, words: int, prompts: int = 10, samples: int = 8) -> None:
    """Samples of six words out of so many: the fewer, the more alike."""
    rng = random.Random(path.stem)  # noqa: S311 - no secret
    lines = [
        {
            "prompt": f"p{prompt}",
            "index": index,
            "text": " ".join(f"word{rng.randrange(words + prompt)}" for _ in range(8)),
        }
        for prompt in range(prompts)
        for index in range(samples)
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.fixture
def noisy(project: pytest.Pytester) -> pytest.Pytester:
    """Two checkpoints that differ by chance alone."""
    write(project.path / "base.jsonl", words=2)
    write(project.path / "dpo.jsonl", words=2)
    (project.path / "diversity.toml").write_text(CONFIG)
    return project


def test_the_plan(noisy: pytest.Pytester) -> None:
    """A row a bound, and nothing is run as a test."""
    result = noisy.runpytest_inprocess("--diversity-plan")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "gate *bound *n x K *spread *fails at *budget *found *needs *from",
            "prose lexical [[]base[]] *min 0.200 *10 x 8 *",
            "prose lexical [[]dpo[]] *max_drop 20% *10 x 8 *prompts* the differences to base",
            "*no tests ran*",
        ]
    )
    result.stdout.no_fnmatch_line("*verdict*")


def test_the_plan_as_json(noisy: pytest.Pytester) -> None:
    """All digits, and the more prompts, the smaller what is found."""
    found = []
    for prompts in (10, 40):
        write(noisy.path / "dpo.jsonl", words=2, prompts=prompts)
        write(noisy.path / "base.jsonl", words=2, prompts=prompts)
        result = noisy.runpytest_inprocess("--diversity-plan=plan.json", "-n0")
        assert result.ret == pytest.ExitCode.OK
        rows = json.loads((noisy.path / "plan.json").read_text())
        (row,) = [row for row in rows if row["bound"] == "max_drop 20%"]
        assert row["prompts"] == prompts
        assert row["fails_at"] == pytest.approx(row["budget"] + row["finds"])
        found.append(row["finds"] / row["spread"])
    assert found[1] < found[0]


def test_the_plan_says_what_is_seldom_found(noisy: pytest.Pytester) -> None:
    """A sentence for each change bound that finds twice its budget too seldom."""
    (noisy.path / "diversity.toml").write_text(CONFIG.replace("20%", "1%"))
    result = noisy.runpytest_inprocess("--diversity-plan=plan.json")
    result.stdout.fnmatch_lines(
        ["prose lexical [[]dpo[]]: a drop of 2% is found * times in 100 by 10 prompts x 8 samples*"]
    )
    rows = json.loads((noisy.path / "plan.json").read_text())
    (row,) = [row for row in rows if row["bound"] == "max_drop 1%"]
    assert row["loss"] == pytest.approx(2 * row["budget"])
    assert row["power"] < 0.8
    assert row["needs_prompts"] > 10


@pytest.mark.long
def test_the_plan_from_one_checkpoint(noisy: pytest.Pytester) -> None:
    """Without a baseline yet, two halves of the samples stand for two runs."""
    text = CONFIG.replace('reference = "base"', 'reference = "baseline"')
    (noisy.path / "diversity.toml").write_text(text)
    result = noisy.runpytest_inprocess("--diversity-plan")
    result.stdout.fnmatch_lines(
        ["prose lexical [[]dpo[]] *max_drop 20% *two halves of the samples"]
    )
    effective = "effective = { max_narrowing = '20%' }\nquality"
    (noisy.path / "diversity.toml").write_text(text.replace("quality = {", f"{effective} = {{"))
    result = noisy.runpytest_subprocess("--diversity-plan")
    result.stdout.fnmatch_lines(
        ["prose effective [[]dpo[]] *max_narrowing 20% *two halves of the samples"]
    )


def test_the_plan_says_when_nothing_can_be_found(noisy: pytest.Pytester) -> None:
    """Five prompts find no change, however large."""
    write(noisy.path / "dpo.jsonl", words=2, prompts=5)
    write(noisy.path / "base.jsonl", words=2, prompts=5)
    result = noisy.runpytest_inprocess("--diversity-plan")
    result.stdout.fnmatch_lines(["prose lexical [[]dpo[]] *max_drop 20% *5 x 8 *nothing *"])


def test_under_xdist_a_study_is_one_process(noisy: pytest.Pytester) -> None:
    """It prints once, and no worker starts."""
    result = noisy.runpytest_subprocess("--diversity-plan", "-n", "2")
    assert result.ret == pytest.ExitCode.OK
    heads = [line for line in result.outlines if line.startswith("gate ")]
    assert len(heads) == 1


def test_the_self_test(noisy: pytest.Pytester) -> None:
    """Each gate with the degree of each collapse that fails it; one that never fails is named."""
    budget = "[domains.other.budget]\nquality = { max = 1.0 }\n"
    (noisy.path / "diversity.toml").write_text(CONFIG + budget)
    result = noisy.runpytest_inprocess("--diversity-selftest=found.json")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "fails at *duplicates *shortened *one template *scattered *empty",
            "prose quality [[]dpo[]] *never *never *never *%",
            "other quality [[]base[]] never fails, whatever was spoilt",
        ]
    )
    rows = {
        (one["gate"]["family"], one["gate"]["checkpoint"]): one["fails"]
        for one in json.loads((noisy.path / "found.json").read_text())
    }
    assert rows["lexical", "dpo"]["duplicates"] in {0.25, 0.5, 0.75}
    assert set(rows["lexical", "dpo"]) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_collapse_spoils_the_share_that_is_asked_for(kind: str) -> None:
    """A larger degree spoils the same samples and more; degree 0 none; what was given stays."""
    samples = SampleSet.of({"a": [f"{i} " * 20 for i in range(20)], "b": ["x y z " * 9] * 3})
    before = list(samples.samples)
    assert collapse(samples, kind, 0.0) == samples
    spoilt = [
        {
            (one.prompt, one.index)
            for one, other in zip(before, collapse(samples, kind, degree).samples, strict=True)
            if one != other
        }
        for degree in (0.25, 0.5, 1.0)
    ]
    assert spoilt[0] <= spoilt[1] <= spoilt[2]
    assert len(spoilt[1]) >= 9
    assert list(samples.samples) == before


def test_calibration(noisy: pytest.Pytester) -> None:
    """A bound somewhat below the value of the healthy checkpoint, for each of its budgets."""
    result = noisy.runpytest_inprocess("--diversity-calibrate")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["budget *base *error *proposed", "prose lexical *min = 0.*"])
    assert (noisy.path / "diversity.toml").read_text() == CONFIG


def test_calibration_writes_the_bound_and_nothing_else(noisy: pytest.Pytester) -> None:
    """Comments and order stay; the gate then passes on a fresh sample."""
    text = CONFIG.replace("quality = { max_drop = 0.5 }", "quality = { min = 0.01 }")
    (noisy.path / "diversity.toml").write_text(text)
    result = noisy.runpytest_inprocess("--diversity-calibrate=write")
    result.stdout.fnmatch_lines(["written to diversity.toml"])
    written = (noisy.path / "diversity.toml").read_text()
    budget = tomllib.loads(written)["domains"]["prose"]["budget"]
    assert 0.3 < budget["lexical"]["min"] < 0.97
    assert budget["lexical"]["max_drop"] == "20%"
    assert "# what we gate" in written
    assert "# of words" in written
    write(noisy.path / "new.jsonl", words=2)
    again = noisy.runpytest_inprocess("--diversity-checkpoint", "new=replay:new.jsonl")
    again.assert_outcomes(passed=6)  # base, dpo and new, two budgets each


FORMS: Mapping[str, tuple[str, str]] = {
    "a table of its own": (
        "[domains.prose.budget.lexical]\nmax_drop = '20%'  # of words\n",
        "lexical",
    ),
    "a dotted key": ("[domains.prose]\nbudget.lexical.max_drop = '20%'\n", "lexical"),
    "a bound that is there": (
        "[domains.prose.budget]\nlexical = { min = 0.01, max_drop = '20%' }\n",
        "lexical",
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_calibration_writes_into_every_form_of_a_budget(noisy: pytest.Pytester, case: str) -> None:
    """However the file says it, the bound goes where it belongs."""
    text, family = FORMS[case]
    (noisy.path / "diversity.toml").write_text(CONFIG[: CONFIG.index("[domains")] + text)
    result = noisy.runpytest_inprocess("--diversity-calibrate=write")
    assert result.ret == pytest.ExitCode.OK
    written = (noisy.path / "diversity.toml").read_text()
    budget = tomllib.loads(written)["domains"]["prose"]["budget"][family]
    assert 0.3 < budget["min"] < 0.97
    assert budget["max_drop"] == "20%"
    assert ("# of words" in text) == ("# of words" in written)


def test_calibration_bounds_the_side_of_a_loss(noisy: pytest.Pytester) -> None:
    """A metric of which lower values are more diverse gets a `max`, above the value."""
    budget = "[domains.prose.budget]\nlexical = { metric = 'self_bleu(n=1)', max_drop = '20%' }\n"
    (noisy.path / "diversity.toml").write_text(CONFIG[: CONFIG.index("[domains")] + budget)
    result = noisy.runpytest_inprocess("--diversity-calibrate")
    result.stdout.fnmatch_lines(["prose lexical *max = 0.*"])


def test_calibration_proposes_nothing_where_values_vary_too_much(noisy: pytest.Pytester) -> None:
    """A bound below every value would be a gate that cannot fail."""
    lines = [
        json.dumps({"prompt": f"p{p}", "index": i, "text": "word word" if p or i else "a b c d e"})
        for p in range(2)
        for i in range(2)
    ]
    (noisy.path / "base.jsonl").write_text("\n".join(lines))
    budget = "[domains.prose.budget]\nlexical = { metric = 'jaccard(n=1)', min = 0.1 }\n"
    (noisy.path / "diversity.toml").write_text(CONFIG[: CONFIG.index("[domains")] + budget)
    result = noisy.runpytest_inprocess("--diversity-calibrate=write")
    result.stdout.fnmatch_lines(["prose lexical *none: it varies too much, draw more samples"])
    assert (noisy.path / "diversity.toml").read_text().endswith(budget)


def files_of(folder: Path) -> dict[str, bytes]:
    """What every file of a folder holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("flag", ["--diversity-plan", "--diversity-selftest"])
def test_what_follows_a_bare_flag_is_a_path(noisy: pytest.Pytester, flag: str) -> None:
    """It chooses what is studied, and is not written to."""
    (noisy.path / "more").mkdir()
    (noisy.path / "diversity.toml").rename(noisy.path / "more" / "diversity.toml")
    for name in ("base.jsonl", "dpo.jsonl"):
        (noisy.path / name).rename(noisy.path / "more" / name)
    before = files_of(noisy.path / "more")
    result = noisy.runpytest_inprocess(flag, "more/diversity.toml")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["prose lexical [[]dpo[]] *"])
    assert files_of(noisy.path / "more") == before


def test_a_plan_is_written_over_a_plan(noisy: pytest.Pytester) -> None:
    """What a study wrote, another one may replace."""
    for _ in range(2):
        result = noisy.runpytest_inprocess("--diversity-plan=plan.json")
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["written to plan.json"])


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files cannot be limited there")
def test_calibration_on_a_full_disk_leaves_the_file(noisy: pytest.Pytester) -> None:
    """The configuration is whole, nothing lies beside it, and a sentence says why."""
    long = "# much to say of it\n" * 2000
    (noisy.path / "diversity.toml").write_text(CONFIG + long)
    noisy.makeconftest(
        """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        """
    )
    before = files_of(noisy.path)
    result = noisy.runpytest_subprocess(
        "--diversity-calibrate=write", "-s", "-p", "no:cacheprovider"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: diversity: *diversity.toml cannot be written: File too large; write the bounds*"]
    )
    after = files_of(noisy.path)
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.startswith(".diversity.toml")]


WRONG: Mapping[str, tuple[str, Sequence[str], str]] = {
    "a mode of calibration": (
        CONFIG,
        ("--diversity-calibrate=wirte",),
        "--diversity-calibrate=wirte is unknown; write --diversity-calibrate alone, or =write",
    ),
    "no budget": (
        CONFIG[: CONFIG.index("[domains")],
        ("--diversity-plan",),
        "there is no budget to study; add one to diversity.toml",
    ),
    "the configuration as the file of a plan": (
        CONFIG,
        ("--diversity-plan=diversity.toml",),
        "diversity.toml is there and was not written by a study; name another file",
    ),
    "recorded samples as the file of a self-test": (
        CONFIG,
        ("--diversity-selftest=base.jsonl",),
        "base.jsonl is there and was not written by a study; name another file",
    ),
    "a file that cannot be written": (
        CONFIG,
        ("--diversity-plan=none/plan.json",),
        "none/plan.json cannot be written: No such file or directory; name another file",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_studied(noisy: pytest.Pytester, case: str) -> None:
    """One sentence and exit code 4, and every file is as it was."""
    text, arguments, message = WRONG[case]
    (noisy.path / "diversity.toml").write_text(text)
    before = files_of(noisy.path)
    result = noisy.runpytest_inprocess(*arguments)
    assert files_of(noisy.path) == before
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: diversity: {message}"])
