"""Where reports go: refused at the beginning, or written whole; nobody's file is overwritten."""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pytest_diversity.config.keys import KEYS
from pytest_diversity.events import Judged
from pytest_diversity.report.destinations import find, put
from pytest_diversity.report.run import RunReport
from pytest_diversity.report.types import TYPES, ReportError

REFUSED = {
    "an unknown type": (["xml"], "unknown type of report 'xml'; known: csv, html, json, *"),
    "a slip": (["jsn:x"], "unknown type of report 'jsn'; did you mean 'json'[?]"),
    "no folder": (["json:no/where.json"], "*no/where.json cannot be written: No such file *"),
    "a folder": (["json:."], "* cannot be written: Is a directory; name another file, TYPE:FILE"),
    "another's file": (["json:notes.txt"], "*notes.txt is not a json report of ours; *"),
    "another's file of the kind": (["csv:theirs.csv"], "*theirs.csv is not a csv report of ours*"),
    "no text": (["markdown:weights.bin"], "*weights.bin:1: not UTF-8; save the file as UTF-8"),
    "two in one file": (["json:a", "csv:a"], "two reports would go to *a: json and csv; *"),
    "the same file by two names": (["json:a", "csv:./b/../a"], "two reports would go to *"),
    "no summary of a step": (["markdown-append"], "* $GITHUB_STEP_SUMMARY is not set; name one*"),
    "half of a section": (["model-card:half.md"], "*half.md holds <!-- * not once each*"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of others in it."""
    (tmp_path / "b").mkdir()
    (tmp_path / "notes.txt").write_text("mine\n")
    (tmp_path / "theirs.csv").write_text("checkpoint,value\n")
    (tmp_path / "weights.bin").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "half.md").write_text(f"# card\n{TYPES['model-card'].mark}\n")
    return tmp_path


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_not_be_written_is_refused(folder: Path, case: str) -> None:
    """In one sentence with a fix, and nothing is left behind."""
    asked, message = REFUSED[case]
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(ReportError) as refused:
        find(asked, folder, {})
    assert fnmatch(str(refused.value), message)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("name", ["json", "markdown", "csv", "openmetrics", "model-card"])
def test_a_report_takes_the_place_of_the_one_before(
    folder: Path, judged: Callable[..., Judged], told: Callable[..., RunReport], name: str
) -> None:
    """As often as it is written, also where the file was only made; a link stays a link."""
    (folder / "link").symlink_to(folder / "out")
    (folder / "out").touch()
    for report in (told(), told(judged()), told(judged())):
        (one,) = find([f"{name}:link"], folder, {})
        put(one, report)
        assert (folder / "out").read_text() == one.write(report)
    assert (folder / "link").is_symlink()


def test_a_summary_grows(folder: Path, told: Callable[..., RunReport]) -> None:
    """What others have written in it stays."""
    place = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    (folder / "summary.md").write_text("# before\n")
    (one,) = find(["markdown-append"], Path("/"), place)
    put(one, told())
    put(one, told())
    text = (folder / "summary.md").read_text()
    assert text.startswith("# before\n\n<!-- pytest-diversity: report -->\n")
    assert text.count(one.type.mark) == 2


def test_a_section_of_a_card_is_replaced(
    folder: Path, judged: Callable[..., Judged], told: Callable[..., RunReport]
) -> None:
    """Between its marks; everything around it is the card's own, wherever it was moved to."""
    card = folder / "README.md"
    card.write_text("---\nlicense: mit\n---\n# Model\n")
    (one,) = find(["model-card:README.md"], folder, {})
    put(one, told(judged()))
    card.write_text(card.read_text() + "## After\n")
    put(one, told(judged(domain="talk")))
    text = card.read_text()
    assert text.startswith("---\nlicense: mit\n---\n# Model\n\n<!-- pytest-diversity: begin -->\n")
    assert text.endswith("<!-- pytest-diversity: end -->\n## After\n")
    assert "### talk" in text
    assert "### code" not in text


def test_a_file_that_came_in_between_is_kept(folder: Path, told: Callable[..., RunReport]) -> None:
    """What was free at the beginning may not be so at the end."""
    (one,) = find(["json:out.json"], folder, {})
    (folder / "out.json").write_text("theirs")
    with pytest.raises(ReportError, match="not a json report of ours"):
        put(one, told())
    assert (folder / "out.json").read_text() == "theirs"


def test_a_home_folder_and_an_absolute_path(folder: Path) -> None:
    """As a shell would spell them."""
    (one,) = find([f"json:{folder}/x.json"], Path("/nowhere"), {})
    assert one.path == folder / "x.json"
    (two,) = find(["json:~/x.json"], folder, {})
    assert two.path == Path(os.path.expanduser("~/x.json"))  # noqa: PTH111


def test_the_help_names_every_type_and_where_it_goes() -> None:
    """It is written out, since every run of pytest imports that table, and no writer."""
    said = KEYS["report"].help
    assert all(name in said for name in TYPES)
    assert all(one.dest.removeprefix("diversity") in said for one in TYPES.values())
