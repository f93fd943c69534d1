"""Preference pairs by rule from the base's own samples, written to `data/`; nobody is asked.

`own.jsonl` is what `own.toml` draws. Its prompts are none that a gate uses.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

from pytest_diversity import Sample, SampleSet
from pytest_diversity.prompts import load_prompts

from .common import FOLDER

__all__ = ["canonical", "first_function", "own_answers", "runnable", "varied"]

Pair = dict[str, Any]
Groups = Mapping[str, Sequence[Sample]]


class Answer(NamedTuple):
    """A text, and whether it ended by itself."""

    text: str
    ended: bool


def first_function(text: str) -> str | None:
    """The first function of an answer that parses, alone, as `ast.unparse` writes it.

    Comments and docstrings are gone with that; a function that does nothing is none.
    """
    begin = re.search(r"^def \w+\(", text, re.MULTILINE)
    lines = text[begin.start() :].splitlines() if begin else []
    for end in range(len(lines), 1, -1):
        try:
            [function, *_] = ast.parse("\n".join(lines[:end])).body
        except (SyntaxError, ValueError):
            continue
        if not isinstance(function, ast.FunctionDef):
            return None
        body = [one for one in function.body if not _says_nothing(one)]
        function.body = body
        return ast.unparse(function) if body else None
    return None


def _says_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def runnable(groups: Groups) -> list[Pair]:
    """Chosen: a first function, alone, and ended. Rejected: the longest answers as they were.

    The shortest functions of a prompt stand against its longest answers, two pairs at most.
    """
    rows = []
    for name, samples in groups.items():
        shortest = sorted(dict.fromkeys(_functions(samples)), key=len)
        longest = sorted(samples, key=lambda one: -len(one.text))
        rows += [
            _pair(name, _program(function), _as_drawn(other))
            for function, other in islice(zip(shortest, longest, strict=False), 2)
        ]
    return rows


def canonical(groups: Groups, sharp: Groups) -> list[Pair]:
    """Chosen: one function a prompt, the commonest. Rejected: each other function of it.

    Both are written alike and end alike, so that nothing but the choice of the program is learnt.
    """
    rows = []
    for name, samples in groups.items():
        counts = Counter(_functions([*sharp[name], *samples])).most_common(5)
        programs = [_program(function) for function, _ in counts]
        rows += [_pair(name, programs[0], other) for other in programs[1:]]
    return rows


def varied(groups: Groups, sharp: Groups) -> list[Pair]:
    """Chosen: what was drawn at temperature 1. Rejected: what was drawn at 0.2.

    Only answers that were cut, so that all are of one length; few strange signs among the chosen.
    """
    return [
        _pair(name, _as_drawn(one), _as_drawn(dull))
        for name, samples in groups.items()
        for one, dull in product(samples, sharp[name])
        if one.finish_reason == dull.finish_reason == "length" and _plain(one.text) > 0.95
    ]


def own_answers(*domains: Groups) -> list[Pair]:
    """Answers as they were drawn, one a prompt, to go on as before with."""
    return [
        {"id": name, "answer": one.text, "ended": one.finish_reason == "stop"}
        for groups in domains
        for name, [one, *_] in groups.items()
    ]


def _pair(name: str, chosen: Answer, rejected: Answer) -> Pair:
    return {
        "id": name,
        "chosen": chosen.text,
        "rejected": rejected.text,
        "ends": [chosen.ended, rejected.ended],
    }


def _as_drawn(sample: Sample) -> Answer:
    return Answer(sample.text, sample.finish_reason == "stop")


def _program(function: str) -> Answer:
    return Answer(f"```python\n{function}\n```", ended=True)


def _functions(samples: Iterable[Sample]) -> list[str]:
    """The first function of each answer that has one of a few lines."""
    found = (first_function(one.text) for one in samples)
    return [function for function in found if function and len(function) < 260]


def _plain(text: str) -> float:
    """The share of ASCII letters, spaces and common stops."""
    return len(re.findall(r"[a-zA-Z .,'\n]", text)) / max(1, len(text))


def main(samples: Path) -> None:
    """Write all files of pairs."""
    drawn: dict[str, defaultdict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for one in SampleSet.from_jsonl(samples).samples:
        drawn[str(one.domain)][one.prompt].append(one)
    prompts = {
        **load_prompts("prompts/prose.jsonl", FOLDER),
        **load_prompts("builtin:code-python-medium", FOLDER),
    }
    files: dict[str, Iterable[Pair]] = {
        "runnable": runnable(drawn["code"]),
        "canonical": canonical(drawn["code"], drawn["code_sharp"]),
        "varied": varied(drawn["prose"], drawn["prose_sharp"]),
        "own": own_answers(drawn["prose"], drawn["code"]),
    }
    for name, rows in files.items():
        shuffled = [{"id": row["id"], "prompt": prompts[row["id"]].prompt, **row} for row in rows]
        random.Random(0).shuffle(shuffled)
        text = json.dumps(shuffled, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / "data" / f"{name}.json").write_text(text, encoding="utf-8")
        print(name, len(shuffled), "rows of", len({row["id"] for row in shuffled}), "prompts")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
