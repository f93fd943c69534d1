"""The sample store: one SQLite file, written by several processes, that loses nothing."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from pytest_diversity.errors import StoreError
from pytest_diversity.store import locks
from pytest_diversity.store.recovery import is_damaged, recover
from pytest_diversity.store.sqlite import SCHEMA, Drawn, Losses, Store

TEXTS = (
    "plain",
    "",
    "two\r\nlines\n",
    "NUL \x00 inside",
    "lone \ud800 surrogate",
    "𝄞 é 字",
    "x" * 10**6,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store in a folder that is not there yet."""
    opened = Store(tmp_path / "folder/samples.sqlite")
    yield opened
    opened.close()


def drawn(number: int, text: str = "text") -> Drawn:
    """A finished sample."""
    return Drawn(number, text, "stop", 7, -3.5)


def test_samples_come_back_as_they_went_in(store: Store) -> None:
    """Any text survives, and what is unknown stays unknown."""
    samples = {i: drawn(i, text) for i, text in enumerate(TEXTS)}
    samples[99] = Drawn(99, "unknown", None, None, None)
    store.add("key", "{}", samples.values())
    assert store.samples("key") == samples
    store.close()
    reopened = Store(store.path)
    assert reopened.samples("key") == samples
    reopened.close()


def test_keys_do_not_mix(store: Store) -> None:
    """Samples are found under their own key alone."""
    store.add("one", "{}", [drawn(0, "a")])
    store.add("two", "{}", [drawn(0, "b")])
    assert store.samples("one")[0].text == "a"
    assert store.samples("none") == {}


def test_a_top_up_keeps_what_is_there(store: Store) -> None:
    """A sample that is there already is never replaced."""
    store.add("key", "{}", [drawn(0, "first"), drawn(1, "first")])
    store.add("key", "{}", [drawn(1, "second"), drawn(2, "second")])
    assert [sample.text for sample in store.samples("key").values()] == ["first", "first", "second"]


def test_numbers_are_known_without_samples(store: Store) -> None:
    """Those of a key's own samples, a damaged one's too, for no sample is looked at."""
    store.add("k", "{}", [Drawn(n, "a text", "stop", 2, -1.0) for n in (0, 2)])
    store.add("other", "{}", [Drawn(1, "a text", "stop", 2, -1.0)])
    with store.transaction() as connection:
        connection.execute("UPDATE sample SET text = 'another' WHERE number = 2")
    assert store.numbers("k") == {0, 2}
    assert set(store.samples("k")) == {0}
    assert store.numbers("nobody's") == set()


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    """Samples are written in one transaction: all of them, or none."""

    def break_off() -> Iterator[Drawn]:
        yield drawn(0)
        raise KeyboardInterrupt

    store.add("key", "{}", [drawn(5)])
    with pytest.raises(KeyboardInterrupt):
        store.add("key", "{}", break_off())
    assert list(store.samples("key")) == [5]


def test_nothing_is_made_before_it_is_used(tmp_path: Path) -> None:
    """A store that is never asked leaves no trace; its folder keeps itself out of git."""
    store = Store(tmp_path / "folder/samples.sqlite")
    assert not list(tmp_path.iterdir())
    store.samples("key")
    store.close()
    assert (tmp_path / "folder/.gitignore").read_text().endswith("*\n")


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    """Only a folder of our own making gets a .gitignore."""
    store = Store(tmp_path / "samples.sqlite")
    store.add("key", "{}", [drawn(0)])
    store.close()
    assert not (tmp_path / ".gitignore").exists()


def test_a_newer_store_is_refused(store: Store) -> None:
    """What a later version wrote is neither misread nor changed."""
    store.add("key", "{}", [drawn(0)])
    store.close()
    with sqlite3.connect(store.path) as connection:
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
        connection.execute(f"PRAGMA application_id = {mark + 1}")
    connection.close()
    with pytest.raises(StoreError, match=rf"newer pytest-diversity \(schema {SCHEMA + 1}.*upgrade"):
        store.samples("key")


def test_a_full_disk_keeps_what_was_written(store: Store) -> None:
    """The error says so, and once there is room the run goes on."""
    store.add("key", "{}", [drawn(0)])
    connection = store._open()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="disk is full; free some space and run again: everything"):
        store.add("key", "{}", [drawn(i, "x" * 5000) for i in range(1, 9)])
    assert list(store.samples("key")) == [0]
    connection.execute("PRAGMA max_page_count = 100000")
    store.add("key", "{}", [drawn(i, "x" * 5000) for i in range(1, 9)])
    assert len(store.samples("key")) == 9


def file_for_a_folder(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file/store/samples.sqlite"


def folder_for_a_file(folder: Path) -> Path:
    return folder


def other_content(folder: Path) -> Path:
    (folder / "samples.sqlite").write_text("not a database, but long enough to look like one" * 20)
    return folder / "samples.sqlite"


def other_program(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "samples.sqlite")) as connection:
        connection.execute("CREATE TABLE sample (name TEXT)")
    return folder / "samples.sqlite"


def marked_by_another(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "samples.sqlite")) as connection:
        connection.execute("PRAGMA application_id = 7")
    return folder / "samples.sqlite"


def file_for_the_locks(folder: Path) -> Path:
    (folder / "samples.sqlite.locks").touch()
    return folder / "samples.sqlite"


UNUSABLE: Mapping[str, tuple[Callable[[Path], Path], str]] = {
    "a folder that cannot be made": (
        file_for_a_folder,
        r"folder .*file/store cannot be made: Not a directory; name a writable file with --div",
    ),
    "a folder in the file's place": (
        folder_for_a_file,
        "unable to open database file; name a writable file with --diversity-store",
    ),
    "another file": (
        other_content,
        "file is not a database; if it was one, pytest --diversity-recover saves",
    ),
    "another program's database": (
        other_program,
        r"the store .*samples\.sqlite is a database of another program; name another file with --d",
    ),
    "a database that another program has marked": (
        marked_by_another,
        r"the store .*samples\.sqlite is a database of another program; name another file with --d",
    ),
    "a file where its locks belong": (
        file_for_the_locks,
        r"the lock .*samples\.sqlite\.locks/create\.lock cannot be taken: File exists; make .* a f",
    ),
    "a name that is too long": (
        lambda folder: folder / ("x" * 300),
        r"the store '.*xxx' cannot be opened: File name too long; name a writable file",
    ),
    "a name that leaves no room for its locks": (
        lambda folder: folder / ("x" * 250),
        r"the lock .*xxx.locks/create.lock cannot be taken: File name too long; make",
    ),
    "a name that no file can have": (
        lambda folder: folder / "a\0b",
        r"the store '.*a\\x00b' cannot be opened: embedded null",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_store_that_cannot_be_used(tmp_path: Path, case: str) -> None:
    """One sentence names the file and the way out."""
    prepare, message = UNUSABLE[case]
    store = Store(prepare(tmp_path))
    with pytest.raises(StoreError, match=message) as caught:
        store.add("key", "{}", [drawn(0)])
    assert "\n" not in str(caught.value)
    store.close()


def test_another_programs_database_is_not_changed(tmp_path: Path) -> None:
    """Neither by a run nor by a recovery."""
    path = other_program(tmp_path)
    before = path.read_bytes()
    for action in (Store(path).samples, lambda _: recover(path)):
        with pytest.raises(StoreError, match="of another program"):
            action("key")
    assert path.read_bytes() == before


def old_store(path: Path) -> None:
    """As schema 1 was: no digests, no mark."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD)
        connection.execute("INSERT INTO draw VALUES (4, 'key', '{}')")
        rows = [
            (n, text.encode("utf-8", "surrogatepass") if "\ud800" in text else text)
            for n, text in enumerate(TEXTS)
        ]
        connection.executemany("INSERT INTO sample VALUES (4, ?, ?, 'stop', 7, -3.5)", rows)
        connection.execute("INSERT INTO sample VALUES (4, 99, 'unknown', NULL, NULL, NULL)")
        connection.execute("INSERT INTO memory VALUES ('facts', 'a', CAST('1' AS BLOB))")
        connection.commit()


OLD = """
CREATE TABLE draw (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, detail TEXT);
CREATE TABLE sample (
    draw INTEGER NOT NULL REFERENCES draw, number INTEGER NOT NULL, text NOT NULL,
    finish_reason TEXT, tokens INTEGER, logprob REAL, PRIMARY KEY (draw, number)
) WITHOUT ROWID;
CREATE TABLE memory (
    space TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, name)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


def test_an_old_store_is_taken_over_with_all_it_holds(tmp_path: Path) -> None:
    """Every sample and fact stays, and gets a digest that a later change does not fit."""
    path = tmp_path / "samples.sqlite"
    old_store(path)
    samples = {n: drawn(n, text) for n, text in enumerate(TEXTS)}
    samples[99] = Drawn(99, "unknown", None, None, None)
    for _ in range(2):
        with closing(Store(path)) as store:
            assert store.samples("key") == samples
            assert dict(store.facts) == {"a": "1"}
            assert store.losses() == Losses(0, 0)
    assert not is_damaged(path)
    with closing(Store(path)) as store, store.transaction() as connection:
        connection.execute("UPDATE sample SET text = 'other' WHERE number = 0")
        connection.execute("UPDATE memory SET value = CAST('2' AS BLOB)")
    with closing(Store(path)) as store:
        assert 0 not in store.samples("key")
        assert "a" not in store.facts
        assert store.losses() == Losses(1, 1)


def test_what_sqlite_cannot_hold_is_no_damage(store: Store) -> None:
    """It has no NaN and no negative zero, and a reason is UTF-8."""
    odd = [Drawn(0, "a", "\ud800", 1, float("nan")), Drawn(1, "b", "", 0, -0.0)]
    store.add("key", "{}", odd)
    kept = store.samples("key")
    assert kept == {0: Drawn(0, "a", "?", 1, None), 1: Drawn(1, "b", "", 0, 0.0)}
    assert store.losses() == Losses(0, 0)


WAITER = """
import sys, time
from pathlib import Path
from pytest_diversity.store import locks
from pytest_diversity.store.sqlite import Store
with Store(Path(sys.argv[1])).lock("device", "draws the samples of base"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_waits_says_for_whom(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process, its machine and what it does; once, until another one has it."""
    monkeypatch.setattr(locks, "SAID_AFTER", 0.2)
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", WAITER, str(store.path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        Timer(1, holder.kill).start()
        with Store(store.path, said.append).lock("device"):
            pass
    line = f"process {holder.pid} on {socket.gethostname()}, which draws the samples of base"
    assert said == [f"waiting for {line}"]


WRITER = """
import sys
from pathlib import Path
from pytest_diversity.store.sqlite import Drawn, Store
store = Store(Path(sys.argv[1]))
for number in range(100):
    with store.lock("device"):
        if number not in store.samples("key"):
            store.add("key", "{}", [Drawn(number, sys.argv[2], None, None, None)])
store.close()
"""


def test_processes_write_at_the_same_time(tmp_path: Path) -> None:
    """Three processes that make and fill one store together lose nothing and draw nothing twice."""
    path = tmp_path / "new/samples.sqlite"
    writers = [
        subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-c", WRITER, str(path), name], stderr=subprocess.PIPE
        )
        for name in "abc"
    ]
    errors = [writer.communicate()[1] for writer in writers]
    assert errors == [b"", b"", b""]
    store = Store(path)
    assert list(store.samples("key")) == list(range(100))
    store.close()


def test_facts_are_a_mapping(store: Store) -> None:
    """Small facts are kept between runs like in a dictionary."""
    store.facts["a"] = "1"
    store.facts["a"] = "2"
    store.facts.update({"b": "é", "c": ""})
    assert dict(store.facts) == {"a": "2", "b": "é", "c": ""}
    del store.facts["a"]
    assert len(store.facts) == 2
    assert store.facts.get("a") is None


def test_embeddings_are_kept_by_model(store: Store) -> None:
    """A vector comes back bit for bit, and only for the model that made it."""
    vector = np.array([1 / 3, -0.0, 1e-30], dtype=np.float32)
    store.embeddings("one")["text"] = vector
    assert store.embeddings("one")["text"].tobytes() == vector.tobytes()
    assert "text" not in store.embeddings("two")
