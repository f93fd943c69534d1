"""Stores that are damaged or cannot be written to: what can be read is, and nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from pytest_diversity.errors import StoreError
from pytest_diversity.store.recovery import is_damaged, recover
from pytest_diversity.store.sqlite import Drawn, Store

DRAWS, SAMPLES = 30, 20


def text(draw: int, number: int) -> str:
    """What was drawn; long enough for the samples to fill many pages."""
    return f"sample {number} of {draw} " + "word " * 60


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The path of a closed store with 600 samples."""
    store = Store(tmp_path / "store.sqlite")
    for draw in range(DRAWS):
        samples = [Drawn(i, text(draw, i), "stop", 60, -1.5) for i in range(SAMPLES)]
        store.add(f"key{draw}", '{"a": 1}', samples)
    store.facts["fact"] = "kept"
    store.close()
    return store.path


def found(path: Path) -> dict[tuple[int, int], str]:
    """Every sample of a store."""
    with closing(Store(path)) as store:
        return {
            (draw, number): sample.text
            for draw in range(DRAWS)
            for number, sample in store.samples(f"key{draw}").items()
        }


def truncate(path: Path) -> None:
    """The last third is gone, as after a copy that broke off."""
    os.truncate(path, path.stat().st_size * 2 // 3)


def scribble(path: Path) -> None:
    """Four pages in the middle are noise."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(random.Random(0).randbytes(4 * 4096))  # noqa: S311 - noise


def wipe_the_start(path: Path) -> None:
    """The first page, which says what is where, is zeros."""
    with path.open("r+b") as file:
        file.write(bytes(4096))


def replace(path: Path) -> None:
    """It is a text file."""
    path.write_text("not a database " * 500)


# What is done to the file, and how many of the 600 samples are saved at least.
DAMAGES: Mapping[str, tuple[Callable[[Path], None], int]] = {
    "a truncated file": (truncate, 100),
    "noise in the middle": (scribble, 400),
    "a wiped first page": (wipe_the_start, 0),
    "another file": (replace, 0),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_what_can_be_read_of_a_damaged_store_is_saved(filled: Path, case: str) -> None:
    """The new store holds true samples alone, works, and the damaged file is kept beside it."""
    damage, fewest = DAMAGES[case]
    damage(filled)
    damaged = filled.read_bytes()
    assert is_damaged(filled)
    line = recover(filled)
    saved = found(filled)
    assert len(saved) >= fewest
    assert all(saved[draw, number] == text(draw, number) for draw, number in saved)
    assert line.startswith(f"{len(saved)} samples recovered into {filled}; ")
    assert filled.with_name("store.sqlite.damaged").read_bytes() == damaged
    assert not is_damaged(filled)


def killed_at(operation: int, action: Callable[[], object]) -> bool:
    """Run `action` in a child that dies at its n-th operation on files; whether it came to that."""

    def fall() -> None:
        left = operation

        def hear(event: str, _: tuple[object, ...]) -> None:
            nonlocal left
            left -= event.startswith(("open", "os.", "shutil.", "tempfile.", "sqlite3."))
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hear)
        action()

    child = multiprocessing.get_context("fork").Process(target=fall)
    child.start()
    child.join()
    return child.exitcode == -signal.SIGKILL


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a forked child to kill")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_recovery_that_is_killed_anywhere_loses_nothing(filled: Path, tmp_path: Path) -> None:
    """Until the new store is whole the damaged one is in its place, with what its log held."""
    with closing(sqlite3.connect(filled)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("DELETE FROM sample WHERE number = 19")
        writer.commit()
        scribble(filled)
        before = {
            name: (tmp_path / name).read_bytes() for name in ("store.sqlite", "store.sqlite-wal")
        }
    recover(filled)
    expected = found(filled)
    for operation in range(1, 10_000):
        home = tmp_path / f"{operation}"
        home.mkdir()
        for name, content in before.items():
            (home / name).write_bytes(content)
        path = home / "store.sqlite"
        killed = killed_at(operation, partial(recover, path))
        assert path.exists(), operation
        recover(path)
        assert found(path) == expected, operation
        assert not list(home.glob("*recovering*")), operation
        shutil.rmtree(home)
        if not killed:
            break
    assert operation > 10


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_store_names_the_way_out(filled: Path, case: str) -> None:
    """Whoever meets the damage gets one sentence with the command."""
    damage, _ = DAMAGES[case]
    damage(filled)
    with pytest.raises(StoreError, match=r"failed: .*pytest --diversity-recover"):
        found(filled)


def test_a_second_damage_overwrites_nothing(filled: Path) -> None:
    """Each damaged file gets a name of its own."""
    for _ in range(2):
        replace(filled)
        recover(filled)
    names = sorted(path.name for path in filled.parent.glob("*.damaged*"))
    assert names == ["store.sqlite.damaged", "store.sqlite.damaged-1"]


@pytest.mark.parametrize("there", [True, False], ids=["a sound file", "no file"])
def test_a_sound_store_is_left_as_it_is(filled: Path, there: bool) -> None:  # noqa: FBT001
    """Asking for a recovery that is not needed changes nothing."""
    path = filled if there else filled.with_name("none.sqlite")
    assert recover(path).endswith("is sound: there was nothing to recover")
    assert path.exists() is there
    assert len(found(filled)) == DRAWS * SAMPLES


def as_nobody(action: Callable[[], None]) -> int:
    """Run `action` in a child that may not do what root may; its exit code, 0 if it held."""

    def unprivileged() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        action()

    child = multiprocessing.get_context("fork").Process(target=unprivileged)
    child.start()
    child.join()
    return int(child.exitcode or 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a forked child to drop rights in")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("unfinished", [False, True], ids=["closed", "with a log beside it"])
def test_a_store_that_can_only_be_read_is_read(
    filled: Path,
    unfinished: bool,  # noqa: FBT001
) -> None:
    """Samples and facts come from it, nothing is made beside it, and drawing is refused."""
    with (
        tempfile.TemporaryDirectory() as place,  # pytest's own folder is closed to others
        closing(sqlite3.connect(shutil.copy(filled, place))) as writer,
    ):
        path = Path(place, filled.name)
        if unfinished:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM sample WHERE number = 19")
            writer.commit()
        for file in path.parent.iterdir():
            file.chmod(0o444)
        path.parent.chmod(0o555)
        before = sorted(path.parent.iterdir())

        def read() -> None:
            assert len(found(path)) == DRAWS * (SAMPLES - unfinished)
            with closing(Store(path)) as store:
                assert not store.writable
                store.facts["new"] = "for this run"
                assert store.facts["new"] == "for this run"
                assert store.facts["fact"] == "kept"
                with store.lock("any"), pytest.raises(StoreError, match="make it writable"):
                    store.add("key", "{}", [Drawn(0, "x", None, None, None)])
            assert sorted(path.parent.iterdir()) == before

        assert as_nobody(read) == 0
        path.parent.chmod(0o755)
