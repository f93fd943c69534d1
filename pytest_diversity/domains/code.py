"""What the kind `code` knows: programs in answers, their tokens, trees, validity and meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from pytest_diversity.domains.common import COMMON
from pytest_diversity.features import Features, Kind, UndefinedFeatureError
from pytest_diversity.features.quality import defines
from pytest_diversity.features.syntax import Syntax, analyse
from pytest_diversity.metrics import Corpus, Forest

__all__ = ["CODE", "extract_program"]

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n", re.MULTILINE)
_START = re.compile(r"(?:async\s+def|def|class|import|from|@|if\s+__name__)\b|@\w")
_SENTENCE = re.compile(r"[A-Z\"'*#>-][^=()\[\]]*[.:!?*]?$")


def extract_program(answer: str, entry_point: str | None = None) -> str:
    """The program in an answer: of its fenced blocks the first that defines the entry point.

    Where no block does, the longest one; a block that the answer leaves open runs to its end.
    Without any block the whole answer is the program, less sentences before and after it.
    """
    blocks = _blocks(answer)
    if not blocks:
        return _without_sentences(answer)
    for block in blocks:
        if entry_point is not None and re.search(rf"\b{re.escape(entry_point)}\b", block):
            return block
    return max(blocks, key=len)


def _blocks(answer: str) -> list[str]:
    blocks = []
    position = 0
    while opening := _FENCE.search(answer, position):
        closing = re.compile(rf"^[ \t]*{opening[1]}[ \t]*$", re.MULTILINE).search(
            answer, opening.end()
        )
        end, position = closing.span() if closing else (len(answer), len(answer))
        blocks.append(answer[opening.end() : end])
    return [block for block in blocks if block.strip()]


def _without_sentences(answer: str) -> str:
    """Drop sentences before the first line that can only be code, and after the last line."""
    lines = answer.split("\n")
    first = next((i for i, line in enumerate(lines) if _START.match(line)), None)
    if first is None or not any(_SENTENCE.match(line) for line in lines[:first] if line.strip()):
        first = 0
    last = len(lines)
    while last > first and (not lines[last - 1].strip() or _is_sentence(lines[last - 1])):
        last -= 1
    kept = "\n".join(lines[first:last])
    return kept if kept.strip() else answer


def _is_sentence(line: str) -> bool:
    return bool(_SENTENCE.match(line)) and len(line.split()) > 2 and not line.startswith(("#", '"'))


def _programs(features: Features) -> Mapping[str, list[str]]:
    return features.each(lambda text, prompt: extract_program(text, prompt.entry_point))


def _syntax(features: Features) -> Mapping[str, list[Syntax]]:
    """What each program parses to; models repeat themselves, and a program is parsed once."""
    language = features.domain.language

    @cache
    def parsed(program: str) -> Syntax:
        return analyse(program, language)

    return {name: list(map(parsed, programs)) for name, programs in features["programs"].items()}


def _tokens(features: Features) -> Mapping[str, Corpus]:
    return {
        name: Corpus([one.tokens for one in group]) for name, group in features["syntax"].items()
    }


def _trees(features: Features) -> Mapping[str, Forest]:
    return {name: Forest([one.tree for one in group]) for name, group in features["syntax"].items()}


def _valid(features: Features) -> Mapping[str, list[bool]]:
    python = features.domain.language == "python"
    return {
        name: [
            defines(program, features.prompt(name).entry_point) if python else one.tree is not None
            for program, one in zip(programs, features["syntax"][name], strict=True)
        ]
        for name, programs in features["programs"].items()
    }


def _labels(features: Features) -> NoReturn:
    raise UndefinedFeatureError(
        f"the meaning of programs in domain {features.domain.name!r} is what they do, "
        "and running generated programs is off",
        fix='opt in with execution = "sandbox" in the domain, or --diversity-allow-execution',
    )


CODE = Kind(
    name="code",
    features={
        **COMMON,
        "texts": lambda features: features["programs"],
        "programs": _programs,
        "syntax": _syntax,
        "tokens": _tokens,
        "trees": _trees,
        "valid": _valid,
        "labels": _labels,
    },
    metrics={
        "lexical": "pair_distinct(n=4)",
        "syntactic": "pair_subtree(height=4)",
        "semantic": "pair_semantic()",
        "effective": "effective_pairs()",
        "quality": "validity()",
    },
    notes={"quality": "validity of code is that it parses and defines the entry point"},
    # what a program does is its outcomes on the inputs of its own prompt
    within=frozenset({"labels"}),
)
