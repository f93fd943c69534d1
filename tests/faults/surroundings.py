"""A machine that lacks something: room, rights, memory, descriptors, or a clock to trust.

What a run is put under happens in its own process, in a mount namespace of its own: it leaves
nothing behind.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from tests.faults.projects import STORE
from tests.faults.runs import OPERATIONS, Inside, Running, spawn
from tests.faults.scenarios import Fault, Place

__all__ = [
    "CLOCK",
    "FEW_DESCRIPTORS",
    "FULL",
    "LIMITED",
    "NO_FAKETIME",
    "NO_MEMORY",
    "NO_ROOT",
    "NO_SHM",
    "OTHER_USER",
    "READ_ONLY",
    "at_any_time",
]

_NEW_MOUNTS = 0x00020000
_NOBODY = 65534
_PAGE = 4096
_FAKETIME = os.environ.get("LIBFAKETIME") or next(
    map(str, sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None
)
NO_ROOT = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root"
NO_FAKETIME = "" if _FAKETIME else "needs libfaketime"


def _unshare() -> None:
    """What is mounted from now on is mounted for this process alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no mount namespace")
    _mount("--make-rprivate", "/")


def _mount(*arguments: str) -> None:
    subprocess.run(["/bin/mount", *arguments], check=True)  # noqa: S603 - our own command


@contextmanager
def _small_disk(room: int, folder: Path) -> Iterator[None]:
    """The project is on a disk with so many bytes; what is written to it is kept."""
    away = folder.with_suffix(".copy")
    shutil.copytree(folder, away)
    _unshare()
    _mount("-t", "tmpfs", "-o", f"size={room}", "none", str(folder))
    shutil.copytree(away, folder, dirs_exist_ok=True)
    os.chdir(folder)
    try:
        yield
    finally:
        shutil.rmtree(away)
        shutil.copytree(folder, away)


def _take_back(place: Place) -> None:
    """The same files, on a disk with room."""
    away = place.folder.with_suffix(".copy")
    shutil.rmtree(place.folder)
    away.rename(place.folder)


def on_a_small_disk(place: Place) -> Inside:
    """With room for a part of what an undisturbed run writes."""
    pages = sum(-(-path.stat().st_size // _PAGE) + 1 for path in place.folder.rglob("*"))
    more = place.random.randrange(place.usual.growth // _PAGE)
    return partial(_small_disk, (pages + more) * _PAGE)


@contextmanager
def _limit(what: int, value: int, _: Path) -> Iterator[None]:
    resource.setrlimit(what, (value, resource.getrlimit(what)[1]))
    yield


def file_size(place: Place) -> Inside:
    """No file can grow beyond some bytes, as with a quota; what it prints has room."""
    return partial(_limit, resource.RLIMIT_FSIZE, place.random.randrange(16_384, 200_000))


def _later(operation: int, action: Callable[[], None]) -> AbstractContextManager[object]:
    """Do it when the process comes to that operation on files."""
    left = operation

    def hear(event: str, _: tuple[object, ...]) -> None:
        nonlocal left
        if event.startswith(OPERATIONS):
            left -= 1
            if left == 0:
                action()

    sys.addaudithook(hear)
    return nullcontext()


def _memory(more: int, operation: int, _: Path) -> AbstractContextManager[object]:
    def take() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more,) * 2)

    return _later(operation, take)


def memory(place: Place) -> Inside:
    """From some moment on there are so many bytes more than it takes."""
    return partial(_memory, int(10 ** place.random.uniform(4, 8)), _some_operation(place))


def _descriptors(more: int, operation: int, _: Path) -> AbstractContextManager[object]:
    def take() -> None:
        used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + more,) * 2)

    return _later(operation, take)


def descriptors(place: Place) -> Inside:
    """From some moment on it can have a few files open beside what it has, or none."""
    return partial(_descriptors, place.random.randrange(1, 12), _some_operation(place))


def _some_operation(place: Place) -> int:
    """One that is not pytest's own start."""
    return place.random.randrange(place.usual.operations // 8, place.usual.operations)


@contextmanager
def _without_shm(_: Path) -> Iterator[None]:
    _unshare()
    _mount("-t", "tmpfs", "-o", "ro,mode=000", "none", "/dev/shm")  # noqa: S108 - what is to be gone
    yield


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    _unshare()
    _mount("--bind", str(folder), str(folder))
    _mount("-o", "remount,bind,ro", str(folder))
    os.chdir(folder)
    yield


@contextmanager
def _nobody(folder: Path) -> Iterator[None]:
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    os.environ["HOME"] = str(folder.parent)
    yield


def of_nobody(place: Place) -> None:
    """What is beside the project may be written by everyone; the project by its owner alone."""
    for one in (place.folder.parent, place.folder.with_suffix(".drawn")):
        one.touch(exist_ok=True)
        one.chmod(0o777)


def at_any_time(place: Place, arguments: Sequence[str]) -> Running:
    """A run whose clock is ahead or behind, and jumps."""
    jump(place)
    away = place.folder.with_suffix(".clock")
    environment = {
        "LD_PRELOAD": str(_FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(away),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return spawn(place.folder, arguments, environment)


def jump(place: Place) -> None:
    """The clock is some seconds to some years off."""
    off = int(10 ** place.random.uniform(0, 9)) * place.random.choice((-1, 1))
    away = place.folder.with_suffix(".clock")
    new = away.with_suffix(".new")
    new.write_text(f"{off:+d}")
    new.replace(away)


def jump_while_it_runs(place: Place, running: Running) -> None:
    """Some times."""
    for _ in range(3):
        time.sleep(place.random.random() / 2)
        jump(place)
    running.wait()


def partly(place: Place) -> None:
    """A part of the samples is not in the store yet."""
    with closing(sqlite3.connect(place.folder / STORE)) as connection:
        rows = connection.execute("SELECT draw, number FROM sample").fetchall()
        gone = place.random.sample(rows, place.random.randrange(len(rows)))
        connection.executemany("DELETE FROM sample WHERE draw = ? AND number = ?", gone)
        connection.commit()


def as_nobody(place: Place) -> None:
    """Likewise; what is beside the project may be written by everyone, the project by its owner."""
    partly(place)
    log = place.folder.with_suffix(".drawn")
    log.touch()
    for one in (place.folder.parent, log):
        one.chmod(0o777)


FULL = Fault(inside=on_a_small_disk, after=_take_back)
LIMITED = Fault(inside=file_size)
READ_ONLY = Fault(before=partly, inside=lambda _: _read_only, loses=True)
OTHER_USER = Fault(before=as_nobody, inside=lambda _: _nobody, loses=True)
NO_MEMORY = Fault(inside=memory, crashes=True)
FEW_DESCRIPTORS = Fault(inside=descriptors, crashes=True)
NO_SHM = Fault(inside=lambda _: _without_shm, harmless=True)
CLOCK = Fault(during=jump_while_it_runs, harmless=True)
