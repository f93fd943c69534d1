"""What a person reads of where samples came from, and how fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from pytest_diversity.events import Drawn, Judged
from pytest_diversity.report.notes import drawing_line, notes, split_lines
from pytest_diversity.report.progress import Console, DrawingProgress
from pytest_diversity.verdict import Split, Verdict


def drawing(drawn: int, stored: int, *, domain: str = "code", replayed: bool = False) -> Drawn:
    """A checkpoint's samples in a domain."""
    return Drawn("m", domain, drawn, stored, replayed=replayed, prompts=2, count=4, most=4)


LINES: Mapping[str, tuple[Sequence[Drawn], str]] = {
    "all drawn": ([drawing(8, 0)], "8 samples drawn, 0 from the store"),
    "some there already": ([drawing(3, 5)], "3 samples drawn, 5 from the store"),
    "all there": ([drawing(0, 8)], "8 samples from the store, none drawn"),
    "recorded ones": ([drawing(0, 8, replayed=True)], "8 samples replayed"),
    "drawn and recorded": (
        [drawing(4, 0), drawing(0, 8, domain="talk", replayed=True)],
        "4 samples drawn, 0 from the store, 8 samples replayed",
    ),
    "drawn by one worker and read by two": (
        [drawing(0, 8), drawing(8, 0), drawing(0, 8)],
        "8 samples drawn, 0 from the store",
    ),
    "read by two workers": ([drawing(0, 8)] * 2, "8 samples from the store, none drawn"),
    "looked at in steps": ([drawing(4, 0), drawing(4, 4)], "8 samples drawn, 0 from the store"),
}


@pytest.mark.parametrize("case", LINES)
def test_where_samples_came_from(case: str) -> None:
    """Each sample is counted once, whoever read it and however often."""
    events, line = LINES[case]
    assert drawing_line(events) == line


def part(loss: float, error: float) -> Mapping[str, float | None]:
    """A part of a loss with its interval."""
    return {"loss": loss, "low": loss - error, "high": loss + error, "p": 0.5}


SPLITS: Mapping[str, tuple[Split, Sequence[str]]] = {
    "no parts": ({}, ()),
    "neither moved": ({"quality": part(0.1, 0.2), "narrowing": part(0.0, 0.1)}, ()),
    "one moved": (
        {"quality": part(0.1, 0.2), "narrowing": part(0.2, 0.1)},
        ["loss 0.300 = quality 0.100 [-0.100, 0.300] + narrowing 0.200 [0.100, 0.300]: narrowing"],
    ),
}


@pytest.mark.parametrize("case", SPLITS)
def test_which_part_moved(case: str) -> None:
    """A line of the summary for each change of which a part surely moved, whatever the verdict."""
    split, lines = SPLITS[case]
    names = {"checkpoint": "dpo", "domain": "code", "family": "effective"}
    size = {"value": 0.1, "low": None, "high": None, "prompts": 8, "samples": "8"}
    said = {"headline": "", "details": (), "notes": (), "metric": "", "budget": "", "level": "warn"}
    verdict = Verdict.from_dict({"status": "pass", **names, **size, **said, "split": split})
    assert split_lines([verdict]) == [f"code effective (dpo): {line} moved" for line in lines]


def test_speed_is_that_of_drawing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loading is no part of it, and texts that arrive all at once took as long as they took."""
    now = 0.0
    monkeypatch.setattr("pytest_diversity.report.progress.time.monotonic", lambda: now)
    with DrawingProgress("m d", 2, Console(plain=True)) as progress:
        now = 100.0
        progress.begin()
        now = 104.0
        progress.advance(2, 100)
    assert "m d: 2 of 2 samples, 25 tokens/s in 104 s\n" in capsys.readouterr().err


def test_many_checkpoints_of_which_the_same_is_said(judged: Callable[..., Judged]) -> None:
    """A line for each kind of note; each of a few, and each warning, is told by itself."""
    verdicts = [
        judged(
            checkpoint=f"run-{step}",
            headline=f"code lexical of run-{step}",
            notes=(
                f"{step} % of the answers (run-{step}) were cut",
                *(["rare"] if step < 30 else []),
            ),
            status="unclear",
            bounds=2,
        ).verdict
        for step in (10, 20, 30, 40)
    ]
    assert notes(verdicts, [], []) == [
        "Holm keeps 5 % false alarms over the bounds of a checkpoint: 2 each of 4 checkpoints",
        "code lexical: 10 % of the answers (run-10) were cut (3 more notes like this)",
        "code lexical: rare",
        *(f"warning: code lexical of run-{step}: unclear" for step in (10, 20, 30, 40)),
    ]
    assert [line for line in notes(verdicts[:2], [], []) if "cut" in line] == [
        "code lexical: 10 % of the answers (run-10) were cut",
        "code lexical: 20 % of the answers (run-20) were cut",
    ]
