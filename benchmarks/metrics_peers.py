"""Ours and the peers' values of the same texts, timed for `benchmarks/metrics.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import chdir
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np

from pytest_diversity import metrics as m

WORDS = 150  # of a text
PEERS = (
    "diversity",
    "emb-diversity",
    "fast-bleu",
    "lexicalrichness",
    "linguistic-diversity",
    "nltk",
    "rapidfuzz",
    "rouge-score",
    "rouge-score-rs",
    "vendi-score",
)


@cache
def texts(count: int) -> list[list[str]]:
    """Texts of 150 words of a Zipf source, of which every third repeats a part of another."""
    rng = np.random.default_rng(0)
    numbers = rng.zipf(1.25, size=(count, WORDS)) % 30_000
    for row in range(3, count, 3):
        source, start = rng.integers(0, row), rng.integers(0, WORDS - 30)
        numbers[row, start : start + 30] = numbers[source, start : start + 30]
    return [[_word(number) for number in row] for row in numbers.tolist()]


@cache
def _word(number: int) -> str:
    """Letters alone, which every peer keeps as they are."""
    return chr(97 + number % 26) + (_word(number // 26) if number >= 26 else "")


def strings(count: int) -> list[str]:
    """The same texts, for peers that split for themselves."""
    return [" ".join(text) for text in texts(count)]


def split(found: Sequence[str]) -> list[list[str]]:
    """What they do, so that it is in our time too."""
    return [text.split() for text in found]


def seconds(
    call: Callable[[], object], times: int = 3, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The shortest of some runs, by the wall clock."""
    spent = []
    for _ in range(times):
        start = clock()
        call()
        spent.append(clock() - start)
    return min(spent)


def line(name: str, ours: float, peer: str, theirs: float | None, wanted: str = "") -> None:
    """Print one comparison."""
    if theirs is None:
        print(f"{name:<34} ours {ours:9.4f} s   {peer} is not installed")
        return
    ratio = theirs / ours
    print(
        f"{name:<34} ours {ours:9.4f} s   {peer} {theirs:10.4f} s   ratio {ratio:9.2f}"
        f"{f'   wanted {wanted}' if wanted else ''}"
    )


def peer(module: str) -> bool:
    """Whether a peer is installed."""
    return find_spec(module.partition(".")[0]) is not None


def diversity(name: str) -> ModuleType:
    """A module of the package `diversity`, without the package, whose import tries a download."""
    package = find_spec("diversity")
    assert package is not None  # noqa: S101 - asked before
    assert package.origin is not None  # noqa: S101 - it is a package of files
    spec = spec_from_file_location(name, Path(package.origin).parent / f"{name}.py")
    assert spec is not None  # noqa: S101 - a path of a file
    assert spec.loader is not None  # noqa: S101 - likewise
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def versions() -> str:
    """A line: what is measured beside."""
    return "peers: " + ", ".join(f"{name} {_version(name)}" for name in PEERS)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def self_bleu() -> None:
    """2,000 texts against NLTK, extrapolated from what fits, and fast-bleu."""
    found = texts(2_000)
    ours = seconds(lambda: m.self_bleu(found))
    line("self_bleu, 2,000 texts", ours, "NLTK (extrapolated)", _nltk(2_000), ">= 1000")
    line("self_bleu, 2,000 texts", ours, "fast-bleu", fast_bleu(found), ">= 15")


def _nltk(count: int, fits: int = 100) -> float | None:
    if not peer("nltk"):
        return None
    from nltk.translate.bleu_score import (  # noqa: PLC0415 - a peer
        SmoothingFunction,
        sentence_bleu,
    )

    found, smooth = texts(fits), SmoothingFunction().method1

    def run() -> None:
        for i, text in enumerate(found):
            references = found[:i] + found[i + 1 :]
            sentence_bleu(references, text, smoothing_function=smooth)

    return seconds(run, 1) * (count / fits) ** 2  # each text is compared with each other


def fast_bleu(found: list[list[str]]) -> float | None:
    """Seconds of fast-bleu."""
    if not peer("fast_bleu"):
        return None
    from fast_bleu import SelfBLEU  # noqa: PLC0415 - a peer

    return seconds(lambda: SelfBLEU(found, {4: (0.25,) * 4}).get_score(), 1)


def homogenization() -> None:
    """100 texts against `diversity` and its Rust twin, and 2,000 against nothing but rapidfuzz."""
    from rapidfuzz.distance import LCSseq  # noqa: PLC0415 - only here
    from rapidfuzz.process import cdist  # noqa: PLC0415 - only here

    few = strings(100)
    ours = seconds(lambda: m.homogenization(split(few)))
    theirs = None
    if peer("diversity") and peer("evaluate"):
        score = diversity("homogenization").homogenization_score
        theirs = seconds(lambda: score(few, verbose=False), 1)
    line("homogenization, 100 texts", ours, "diversity", theirs, ">= 300")
    line("homogenization, 100 texts", ours, "rouge-score-rs", _rouge_in_rust(few), ">= 1")
    found = texts(2_000)
    ours = seconds(lambda: m.homogenization(found), 2)
    bare = seconds(lambda: cdist(found, found, scorer=LCSseq.similarity, workers=-1), 2)
    line("homogenization, 2,000 texts", ours, "bare cdist", bare, ">= 0.67")


def _rouge_in_rust(found: list[str]) -> float | None:
    if not peer("rouge_score_rs"):
        return None
    from rouge_score_rs.rouge_scorer import RougeScorer  # noqa: PLC0415 - a peer

    first, second = zip(*combinations(found, 2), strict=True)
    return seconds(lambda: RougeScorer(["rougeL"]).score_batch(first, second))


def self_repetition() -> None:
    """2,000 texts against `diversity`."""
    found = strings(2_000)
    ours = seconds(lambda: m.self_repetition(split(found)))
    theirs = None
    if peer("diversity"):
        score = diversity("self_repetition").self_repetition_score
        theirs = seconds(lambda: score(found, verbose=False), 1)
    line("self_repetition, 2,000 texts", ours, "diversity", theirs, ">= 3")


def hdd() -> None:
    """Each of 2,000 texts by itself, against lexicalrichness."""
    found = strings(2_000)
    ours = seconds(lambda: [m.hdd([text.split()]) for text in found])
    theirs = None
    if peer("lexicalrichness"):
        from lexicalrichness import LexicalRichness  # noqa: PLC0415 - a peer

        theirs = seconds(lambda: [LexicalRichness(text).hdd(draws=42) for text in found], 1)
    line("hdd, 2,000 texts one by one", ours, "lexicalrichness", theirs, ">= 30")


def distinct() -> None:
    """All orders from 1 to 4 of 2,000 texts, against linguistic-diversity."""
    found = strings(2_000)

    def run() -> None:
        corpus = m.Corpus(split(found))
        for n in (1, 2, 3, 4):
            m.distinct(corpus, n=n)

    theirs = None
    if peer("linguistic_diversity"):
        from linguistic_diversity.diversities.lexical import DistinctN  # noqa: PLC0415 - a peer

        theirs = seconds(lambda: DistinctN({"n": (1, 2, 3, 4)})(found))
    line("distinct(1..4), 2,000 texts", seconds(run), "linguistic-diversity", theirs, ">= 1.5")


def vendi() -> None:
    """2,000 embeddings of 384 numbers, in both precisions, against vendi-score's dual."""
    rows = np.random.default_rng(0).normal(size=(2_000, 384))
    for precision in (np.float32, np.float64):
        given = rows.astype(precision)
        theirs = None
        if peer("vendi_score"):
            theirs = seconds(partial(_score_dual(), given), 15)
        ours = seconds(partial(m.vendi, given), 15)
        name = f"vendi, 2,000 x 384 {np.dtype(precision)}"
        line(name, ours, "vendi-score dual", theirs, ">= 1")


def _score_dual() -> Callable[[Any], float]:
    from vendi_score.vendi import score_dual  # noqa: PLC0415 - a peer

    result: Callable[[Any], float] = score_dual
    return result


def embedding_distance() -> None:
    """2,000 embeddings of 384 numbers against `diversity` without its model, and emb-diversity."""
    rows = np.random.default_rng(0).normal(size=(2_000, 384))
    ours = seconds(lambda: m.embedding_distance(rows))
    name = "embedding_distance, 2,000 x 384"
    line(name, ours, "diversity remote_clique", _remote_clique(rows), ">= 1")
    line(name, ours, "emb-diversity", _mean_distance(rows), ">= 1")


def _remote_clique(rows: Any) -> float | None:
    if not (peer("diversity") and peer("sentence_transformers")):
        return None

    class Embedded:
        """In place of its model: the embeddings as they are."""

        def __init__(self, name: str) -> None: ...

        def encode(self, data: Any, **_: Any) -> Any:
            return data

    module: Any = diversity("embedding")
    module.SentenceTransformer = Embedded
    return seconds(lambda: module.remote_clique(rows))


def _mean_distance(rows: Any) -> float | None:
    if not peer("emb_diversity"):
        return None
    from emb_diversity import clear_distance_cache, mean_pw_dist  # noqa: PLC0415 - a peer

    with TemporaryDirectory() as folder, chdir(folder):  # where it keeps distances
        clear_distance_cache()
        return seconds(lambda: mean_pw_dist(rows), 1)


COMPARISONS = (
    self_bleu,
    homogenization,
    self_repetition,
    hdd,
    distinct,
    vendi,
    embedding_distance,
)
