"""Speed and memory of the metrics beside their peers: `make bench-metrics`.

One run, the same inputs, one process: every line prints ours, the peer's, the ratio and the ratio
that is wanted. Peers (extra `bench-metrics`) that are missing are named as such. DATA is a JSON
Lines file with `prompt` and `samples`; without it the profile of programs is left out.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pytest_diversity import metrics as m
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.estimate import estimate
from pytest_diversity.features import Features
from pytest_diversity.features.parts_of_speech import parts_of_speech
from pytest_diversity.samples import SampleSet

DATA = Path(__file__).parents[2] / "shared/data/humaneval_codegen16b_even.jsonl"
SIZES = (500, 1_000, 2_000, 4_000, 8_000)
LEXICAL = (
    *(f"distinct(n={n})" for n in (1, 2, 3, 4)),
    *("pair_distinct", "ead", "self_bleu", "self_repetition", "jaccard", "homogenization"),
    *("compression_ratio", "hdd"),
)
SYNTACTIC = ("pair_subtree", "subtree", "format_dominance")
_WORDS = 150


@cache
def texts(count: int) -> list[list[str]]:
    """Texts of 150 words of a Zipf source, of which every third repeats a part of another."""
    rng = np.random.default_rng(0)
    numbers = rng.zipf(1.25, size=(count, _WORDS)) % 30_000
    for row in range(3, count, 3):
        source, start = rng.integers(0, row), rng.integers(0, _WORDS - 30)
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


def self_bleu() -> None:
    """2,000 texts against NLTK, extrapolated from what fits, and fast-bleu."""
    found = texts(2_000)
    ours = seconds(lambda: m.self_bleu(found))
    line("self_bleu, 2,000 texts", ours, "NLTK (extrapolated)", _nltk(2_000), ">= 1000")
    line("self_bleu, 2,000 texts", ours, "fast-bleu", _fast_bleu(found), ">= 15")


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


def _fast_bleu(found: list[list[str]]) -> float | None:
    if not peer("fast_bleu"):
        return None
    from fast_bleu import SelfBLEU  # noqa: PLC0415 - a peer

    return seconds(lambda: SelfBLEU(found, {4: (0.25,) * 4}).get_score(), 1)


def homogenization() -> None:
    """100 texts against `diversity`, and 2,000 against nothing but rapidfuzz."""
    from rapidfuzz.distance import LCSseq  # noqa: PLC0415 - only here
    from rapidfuzz.process import cdist  # noqa: PLC0415 - only here

    few = strings(100)
    ours = seconds(lambda: m.homogenization(split(few)))
    theirs = None
    if peer("diversity") and peer("evaluate"):
        score = diversity("homogenization").homogenization_score
        theirs = seconds(lambda: score(few, verbose=False), 1)
    line("homogenization, 100 texts", ours, "diversity", theirs, ">= 300")
    found = texts(2_000)
    ours = seconds(lambda: m.homogenization(found), 2)
    bare = seconds(lambda: cdist(found, found, scorer=LCSseq.similarity, workers=-1), 2)
    line("homogenization, 2,000 texts", ours, "bare cdist", bare, ">= 0.67")


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
    import scipy.sparse  # noqa: PLC0415 - a peer's need

    # vendi-score still looks for the place that SciPy moved this class from
    sys.modules.setdefault("scipy.sparse.csr", scipy.sparse)
    from vendi_score.vendi import score_dual  # noqa: PLC0415 - a peer

    result: Callable[[Any], float] = score_dual
    return result


def programs(data: Path) -> SampleSet:
    """82 prompts with 100 programs each."""
    rows = [json.loads(text) for text in data.read_text().splitlines()]
    return SampleSet.of(
        {row["task_id"]: [row["prompt"] + text for text in row["samples"]] for row in rows}
    )


def profile(data: Path) -> tuple[float, float]:
    """Seconds for tokenising and parsing alone, and for the whole lexical and syntactic profile."""
    samples = programs(data)
    alone = seconds(lambda: _parsed(samples))

    def whole() -> None:
        features = _parsed(samples)
        for name in (*LEXICAL, *SYNTACTIC):
            estimate(features, m.parse(name))

    return alone, seconds(whole)


def _parsed(samples: SampleSet) -> Features:
    features = features_of(samples, Domain("code", kind="code"))
    for name in ("tokens", "trees"):
        features[name]
    return features


def growing(name: str, count: int) -> Callable[[], object]:
    """The call of a metric on so many samples of one prompt."""
    metric = m.parse(name)
    known = _inputs()
    given = {feature: known[feature][:count] for feature in metric.definition.features}
    given |= {"billions": 1.0} if "billions" in given else {}
    return lambda: metric(**given)


@cache
def _inputs() -> Mapping[str, Any]:
    """Every feature that a metric reads, of as many samples as the table ends with."""
    most = SIZES[-1]
    rng = np.random.default_rng(0)
    labels = rng.zipf(1.5, most).tolist()
    valid = (rng.random(most) < 0.8).tolist()
    return {
        **dict.fromkeys(("tokens", "tags"), texts(most)),
        **dict.fromkeys(("labels", "utilities", "formats"), labels),
        **dict.fromkeys(("valid", "correct"), valid),
        "texts": strings(most),
        "trees": _trees(most),
        "embeddings": rng.normal(size=(most, 384)),
        "billions": (),
    }


def _trees(count: int) -> list[m.Tree]:
    """Random trees of 60 nodes of 20 kinds."""
    rng = np.random.default_rng(0)
    nodes = 60
    parents = (rng.random((count, nodes)) * np.arange(nodes)).astype(int)
    kinds = rng.integers(0, 20, size=(count, nodes)).astype(str)
    parents.sort(axis=1)
    parents[:, 0] = -1
    return [_preorder(k, p) for k, p in zip(kinds.tolist(), parents.tolist(), strict=True)]


def _preorder(kinds: list[str], parents: list[int]) -> m.Tree:
    below: list[list[int]] = [[] for _ in kinds]
    for node, parent in enumerate(parents[1:], start=1):
        below[parent].append(node)
    order, places, stack = list[int](), list[int](), [(0, -1)]
    while stack:
        node, place = stack.pop()
        order.append(node)
        places.append(place)
        stack.extend((child, len(order) - 1) for child in below[node])
    return m.Tree([kinds[node] for node in order], places)


def growth() -> None:
    """CPU seconds by number of texts, and the exponent from the smallest to the largest.

    CPU time, since what else a machine does would change from one size to the next.
    """
    print(
        f"\n{'CPU seconds at':<24}" + "".join(f"{size:>10,}" for size in SIZES) + "   grows as N^"
    )
    for name in sorted(m.definitions()):
        slow = name == "homogenization"  # quadratic, and exact
        spent = [
            seconds(growing(name, size), 1 if slow else 5, time.process_time) for size in SIZES
        ]
        exponent = math.log(spent[-1] / spent[0]) / math.log(SIZES[-1] / SIZES[0])
        print(f"{name:<24}" + "".join(f"{one:10.4f}" for one in spent) + f"{exponent:12.2f}")
    tagged = seconds(lambda: [parts_of_speech(text) for text in texts(500)], 1)
    print(f"tagging parts of speech: {500 * _WORDS / tagged:,.0f} tokens/s")


def memory(task: str, data: Path) -> float | None:
    """Megabytes that a task adds to the peak of a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, str(data), "--peak", task]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return float(done.stdout) if done.returncode == 0 else None


def peak(task: str, data: Path) -> None:
    """Run a task and print by how much it raised the peak."""
    found = texts(2_000) if task != "profile" else None
    before = _peak()
    tasks: Mapping[str, Callable[[], object]] = {
        "ours": lambda: m.self_bleu(found or []),
        "fast-bleu": lambda: _fast_bleu(found or []),
        "profile": lambda: profile(data),
    }
    tasks[task]()
    print(_peak() - before)


def _peak() -> float:
    """The highest memory of this process, in MB; rusage would start from that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def report(data: Path) -> Iterator[str]:
    """The lines that are not a comparison of seconds."""
    ours = memory("ours", data)
    theirs = memory("fast-bleu", data) if peer("fast_bleu") else None
    yield f"self_bleu, 2,000 texts, memory     {_megabytes(ours)}, fast-bleu {_megabytes(theirs)}"
    if not data.exists():
        yield f"the profile of programs needs {data}"
        return
    alone, whole = profile(data)
    yield f"profile of 82 x 100 programs       {whole:.2f} s, tokens and trees alone {alone:.2f} s"
    yield f"                                   {whole / alone:.2f} times as long, wanted <= 2"
    yield f"                                   {_megabytes(memory('profile', data))}, wanted < 500"


def _megabytes(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:.0f} MB"


def main() -> None:
    """Print everything."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--peak", help="for the benchmark's own use")
    parser.add_argument("--no-growth", action="store_true", help="leave out the table of growth")
    options = parser.parse_args()
    if options.peak:
        peak(options.peak, options.data)
        return
    for part in (self_bleu, homogenization, self_repetition, hdd, distinct, vendi):
        part()
    for text in report(options.data):
        print(text)
    if not options.no_growth:
        growth()


if __name__ == "__main__":
    main()
