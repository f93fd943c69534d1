"""Stores in which bits have flipped, pages are gone or heads are garbage: never a wrong text."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from pytest_diversity.errors import StoreError
from pytest_diversity.store.recovery import is_damaged, recover
from pytest_diversity.store.sqlite import Drawn, Losses, Store

DRAWS, SAMPLES, VALUES = 12, 10, 20
WANTED = {
    f"key {draw} " * 8: {
        number: Drawn(
            number,
            f"sample {number} of {draw} " + "word " * (1500 if number == 3 else 60),
            "stop" if number % 3 else None,
            60 + number,
            -1.5 if number % 4 else None,
        )
        for number in range(SAMPLES)
    }
    for draw in range(DRAWS)
}
FACTS = {f"fact {number}": f"value {number}" for number in range(VALUES)}
VECTORS = {f"{n:064x}": np.full(384, n, np.float32) for n in range(VALUES)}
EVERYTHING = DRAWS * SAMPLES + 2 * VALUES


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store without damage."""
    path = tmp_path_factory.mktemp("sound") / "store.sqlite"
    fill(path)
    return path.read_bytes()


def fill(path: Path) -> None:
    """Write everything that is not there."""
    with closing(Store(path)) as store:
        for key, samples in WANTED.items():
            store.add(key, '{"a": 1}', samples.values())
        store.facts.update(FACTS)
        store.embeddings("model").update(VECTORS)


def found(path: Path) -> tuple[int, Losses]:
    """How much of it can be read, all of it true; and how much was met that is damaged."""
    with closing(Store(path)) as store:
        samples = [(WANTED[key], store.samples(key)) for key in WANTED]
        facts = {name: store.facts[name] for name in FACTS if name in store.facts}
        memory = store.embeddings("model")
        vectors = {name: memory[name] for name in VECTORS if name in memory}
        losses = store.losses()
    assert all(have.items() <= wanted.items() for wanted, have in samples)
    assert facts.items() <= FACTS.items()
    assert all(vectors[name].tobytes() == VECTORS[name].tobytes() for name in vectors)
    return sum(len(have) for _, have in samples) + len(facts) + len(vectors), losses


@pytest.mark.parametrize("seed", range(200))
def test_a_flipped_bit_never_gives_a_wrong_text(sound: bytes, seed: int, tmp_path: Path) -> None:
    """A damaged row is missing, and written again; where that cannot be, an error says recover."""
    path, rng = tmp_path / "store.sqlite", random.Random(seed)  # noqa: S311 - no secret
    path.write_bytes(flipped(sound, rng))
    try:
        count, losses = found(path)
        assert sum(losses) <= EVERYTHING - count  # a key that has changed is not met at all
        assert is_damaged(path) or count == EVERYTHING
        fill(path)
        assert found(path)[0] == EVERYTHING or is_damaged(path)
    except StoreError as error:
        assert error.fix is not None  # noqa: PT017 - most bits raise nothing
        assert error.fix.endswith("pytest --diversity-recover")  # noqa: PT017
    recover(path)
    assert not is_damaged(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store of eight keys with three short samples each, on few pages."""
    path = tmp_path_factory.mktemp("small") / "store.sqlite"
    fill_small(path)
    return path.read_bytes()


SMALL = {
    hashlib.sha256(bytes([draw])).hexdigest(): {
        number: Drawn(number, f"sample {number} of {draw}", "stop", number, None)
        for number in range(3)
    }
    for draw in range(8)
}


def fill_small(path: Path) -> tuple[int, Losses]:
    """Write what is missing, as a run does: how many that was, and how many it says."""
    missing = 0
    with closing(Store(path)) as store:
        for key, wanted in SMALL.items():
            have = store.samples(key)
            assert have.items() <= wanted.items()
            missing += len(wanted) - len(have)
            if len(have) < len(wanted):
                rows = [one for number, one in wanted.items() if number not in have]
                store.add(key, '{"prompt": "..."}', rows)
        return missing, store.losses()


def test_no_flipped_bit_loses_a_sample_without_a_word(small: bytes, tmp_path: Path) -> None:
    """Wherever the damage is, in samples, their keys or the index of those: it is said."""
    path = tmp_path / "store.sqlite"
    for place in _used(small)[::5]:
        path.write_bytes(_with_bit_flipped(small, place))
        try:
            missing, said = fill_small(path)
            assert said.samples + said.lost >= missing, place
        except StoreError as error:
            assert error.fix is not None  # noqa: PT017 - most bits raise nothing
            assert error.fix.endswith("pytest --diversity-recover"), place  # noqa: PT017
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)


def _used(data: bytes) -> list[int]:
    """Places that are not in the middle of the empty part of a page."""
    return [n for n in range(100, len(data)) if any(data[max(n - 2, 0) : n + 3])]


def _with_bit_flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


def flipped(data: bytes, rng: random.Random, count: int = 1) -> bytes:
    """Bits anywhere."""
    changed = bytearray(data)
    for _ in range(count):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def shortened(data: bytes, rng: random.Random) -> bytes:
    """Broken off anywhere."""
    return data[: rng.randrange(len(data))]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """A few pages are zeros."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        page = rng.randrange(len(data) // 4096) * 4096
        changed[page : page + 4096] = bytes(4096)
    return bytes(changed)


def headless(data: bytes, rng: random.Random) -> bytes:
    """Noise in place of the first bytes."""
    count = rng.randrange(1, 200)
    return rng.randbytes(count) + data[count:]


def noisy(data: bytes, rng: random.Random) -> bytes:
    """Noise anywhere, across pages."""
    place = rng.randrange(len(data))
    return data[:place] + rng.randbytes(8192) + data[place + 8192 :]


DAMAGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "many flipped bits": lambda data, rng: flipped(data, rng, 100),
    "truncated": shortened,
    "zeroed pages": zeroed,
    "a garbage head": headless,
    "noise": noisy,
}


@pytest.mark.parametrize("case", DAMAGES)
@pytest.mark.parametrize("seed", range(20))
def test_recovery_always_ends_in_a_store_that_can_be_read(
    sound: bytes, seed: int, case: str, tmp_path: Path
) -> None:
    """What it holds is true, and it takes everything that is missing."""
    path, rng = tmp_path / "store.sqlite", random.Random(seed)  # noqa: S311 - no secret
    path.write_bytes(DAMAGES[case](sound, rng))
    recover(path)
    assert not is_damaged(path)
    assert found(path)[1] == Losses(0, 0)
    fill(path)
    assert found(path) == (EVERYTHING, Losses(0, 0))


@pytest.mark.parametrize("case", DAMAGES)
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_log_loses_what_it_held(case: str, seed: int, tmp_path: Path) -> None:
    """What a killed run had not yet moved into the file is lost at worst, and never wrong."""
    path, rng = tmp_path / "store.sqlite", random.Random(seed)  # noqa: S311 - no secret
    with closing(Store(tmp_path / "live.sqlite")) as live:
        for key, samples in WANTED.items():
            live.add(key, "{}", samples.values())
        path.write_bytes(live.path.read_bytes())
        log = live.path.with_name("live.sqlite-wal").read_bytes()
    path.with_name("store.sqlite-wal").write_bytes(DAMAGES[case](log, rng))
    recover(path)
    found(path)
    assert not is_damaged(path)


def test_a_store_with_a_damaged_row_is_not_sound(sound: bytes, tmp_path: Path) -> None:
    """SQLite finds nothing wrong with another letter; recovery does, and drops that row alone."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(sound.replace(b"sample 5 of 7 ", b"sample 5 of 6 "))
    assert found(path) == (EVERYTHING - 1, Losses(1, 0))
    assert recover(path).startswith(f"{DRAWS * SAMPLES - 1} samples recovered")
    assert found(path) == (EVERYTHING - 1, Losses(0, 0))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("number", 77),
        ("text", "another"),
        ("finish_reason", "length"),
        ("tokens", 3),
        ("tokens", None),
        ("logprob", -2.5),
        ("digest", None),
        ("draw", 5),
    ],
)
def test_every_column_of_a_sample_is_covered(
    sound: bytes, column: str, value: object, tmp_path: Path
) -> None:
    """Whatever has changed, the sample is missing under its key and under any other."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(sound)
    with closing(Store(path)) as store, store.transaction() as connection:
        place = "draw = 1 AND number = 7"
        connection.execute("DELETE FROM sample WHERE draw = 5 AND number = 7")
        connection.execute(f"UPDATE sample SET {column} = ? WHERE {place}", (value,))  # noqa: S608
    assert found(path) == (EVERYTHING - 2, Losses(1, 0))


@pytest.mark.parametrize("column", ["space", "name", "value", "digest"])
def test_every_column_of_a_memory_is_covered(sound: bytes, column: str, tmp_path: Path) -> None:
    """A fact that is not what was written is none."""
    path = tmp_path / "store.sqlite"
    path.write_bytes(sound)
    moved = {"space": "embeddings of other", "name": "fact x", "value": b"x", "digest": 1}[column]
    with closing(Store(path)) as store:
        with store.transaction() as connection:
            change = f"UPDATE memory SET {column} = ? WHERE name = 'fact 3'"  # noqa: S608 - ours
            connection.execute(change, (moved,))
        assert store.facts.get("fact 3") is None
        assert store.facts.get("fact x") is None
        assert store.embeddings("other").get("fact 3") is None
    assert is_damaged(path)


PROJECT = {
    "conftest.py": """
from pytest_diversity import Sample, register_sampler

def draw(name, requests):
    for request in requests:
        for number in request.numbers:
            yield Sample(request.prompt, number, f"answer {number} to {request.prompt}")

def pytest_diversity_register_samplers():
    register_sampler("dealt", draw, version="1")
""",
    "diversity.toml": """
[checkpoints]
one = "dealt:one"
[domains.nature]
prompts = "nature.jsonl"
samples_per_prompt = 4
[domains.nature.budget]
lexical = { min = 0.0 }
""",
    "nature.jsonl": "".join(f'{{"id": "p{n}", "prompt": "say {n}"}}\n' for n in range(6)),
}


@pytest.mark.parametrize("arguments", [(), ("--diversity-plan",)], ids=["a run", "a study"])
def test_a_run_draws_again_what_is_damaged_and_says_so(
    pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    """One line in the summary, once; then the store is whole."""
    for name, text in PROJECT.items():
        (pytester.path / name).write_text(text)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    path = pytester.path / ".diversity" / "samples.sqlite"
    whole = path.read_bytes()
    damaged = whole.replace(b"answer 2 to p4", b"answer 7 to p4")
    path.write_bytes(damaged.replace(b"answer 0 to p5", b"answer 0 to p6"))
    line = "damaged in the store, and made again: 2 samples"
    for count in (1, 0):
        result = pytester.runpytest_inprocess(*arguments)
        assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
        assert result.outlines.count(line) == count
    with closing(Store(path)) as store:
        rows = store.rows("SELECT text FROM sample")
    assert {b"answer 2 to p4", b"answer 0 to p5"} <= {text for (text,) in rows}
    assert not is_damaged(path)
