"""Files are read with a sentence where they cannot be, and written whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_diversity.errors import DataError
from pytest_diversity.files import read_text, write_text


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Editors of some systems write one."""
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbftext")
    assert read_text(tmp_path / "a", DataError) == "text"


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file that is not there": (lambda _: None, "does not exist; check the path"),
    "a folder": (Path.mkdir, "cannot be read: Is a directory; make it a readable file"),
    "another encoding": (lambda p: p.write_bytes(b"one\ntwo \xe9"), ":2: not UTF-8; save the file"),
    "a part of the path is a file": (
        lambda p: p.parent.rename(p.parent.with_name("moved")) and p.parent.write_text(""),
        "cannot be read: Not a directory",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_one_sentence(
    case: tuple[Callable[[Path], object], str], tmp_path: Path
) -> None:
    """It names the file, the reason and the way out."""
    prepare, sentence = case
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    prepare(path)
    with pytest.raises(DataError) as caught:
        read_text(path, DataError)
    assert str(path) in str(caught.value)
    assert sentence in str(caught.value)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Folders are made if asked for, line ends are kept, and nothing is left beside the file."""
    path = tmp_path / "a" / "b" / "file"
    with pytest.raises(DataError, match="cannot be written: No such file or directory"):
        write_text(path, "", DataError, fix="")
    write_text(path, "one\r\ntwo\n", DataError, fix="", parents=True)
    assert path.read_bytes() == b"one\r\ntwo\n"
    assert [*path.parent.iterdir()] == [path]


def test_a_link_and_permissions_survive(tmp_path: Path) -> None:
    """What a user has linked or opened to a group stays so."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text(link, "new", DataError, fix="")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)


def test_what_cannot_be_written_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is one sentence, and no piece of the new text stays behind."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DataError, match="file cannot be written: No space left on device; free"):
        write_text(path, "new", DataError, fix="free some")
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


ADDER = """
import sys
from pathlib import Path
from pytest_diversity.errors import DataError
from pytest_diversity.files import one_at_a_time, read_text, write_text
path = Path(sys.argv[1])
for _ in range(50):
    with one_at_a_time(path.parent):
        write_text(path, read_text(path, DataError) + sys.argv[2], DataError, fix="")
"""


def test_processes_that_change_a_file_at_once_lose_nothing(tmp_path: Path) -> None:
    """One reads and writes after the other, and no lock file is left in the folder."""
    path = tmp_path / "file"
    path.touch()
    adders = [
        subprocess.Popen([sys.executable, "-c", ADDER, str(path), name])  # noqa: S603 - our own
        for name in "abc"
    ]
    assert [adder.wait() for adder in adders] == [0, 0, 0]
    assert sorted(path.read_text()) == sorted("abc" * 50)
    assert [*tmp_path.iterdir()] == [path]
