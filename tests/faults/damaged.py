"""Files that are broken off, or in which something has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from random import Random

from tests.faults.projects import BASELINE, JUDGE, MODEL, STORE
from tests.faults.runs import fork
from tests.faults.scenarios import Fault, Place

__all__ = ["DAMAGED_BASELINE", "DAMAGED_JUDGE", "DAMAGED_MODEL", "DAMAGED_STORE"]


def _shortened(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _flipped(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 8))):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _noisy(data: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + chance.randbytes(chance.randrange(1, 4096)) + data[start + 4096 :]


def _zeroed(data: bytes, chance: Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + bytes(min(4096, len(data) - start)) + data[start + 4096 :]


_WAYS: tuple[Callable[[bytes, Random], bytes], ...] = (_shortened, _flipped, _noisy, _zeroed)


def damage(name: str, place: Place) -> None:
    """One of the files that `name` stands for, in one of the ways."""
    path = place.random.choice(sorted(place.folder.glob(name)))
    path.write_bytes(place.random.choice(_WAYS)(path.read_bytes(), place.random))


def restore(name: str, place: Place) -> None:
    """As a person would from version control, or by a copy."""
    for path in place.usual.template.glob(name):
        shutil.copy2(path, place.folder / path.relative_to(place.usual.template))


def _of(name: str, *, unlike: bool = False) -> Fault:
    return Fault(before=partial(damage, name), after=partial(restore, name), unlike=unlike)


def recover(place: Place) -> None:
    """As the sentence says."""
    running = fork(place.folder, ("--diversity-recover",))
    assert running.wait() == 0, running.text()


DAMAGED_STORE = Fault(before=partial(damage, STORE), after=recover, loses=True)
DAMAGED_BASELINE = _of(BASELINE)
DAMAGED_MODEL = _of(f"{MODEL}/*", unlike=True)
DAMAGED_JUDGE = _of(f"{JUDGE}/*", unlike=True)
