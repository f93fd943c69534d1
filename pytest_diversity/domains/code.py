"""What the kind `code` knows: programs in answers, their tokens, trees, validity and meaning."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import cache
from itertools import islice

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.common import COMMON
from pytest_diversity.features import Features, Kind, UndefinedFeatureError
from pytest_diversity.features.grammars import load
from pytest_diversity.features.syntax import Syntax, analyse
from pytest_diversity.judges.well_formed import defines
from pytest_diversity.metrics import Corpus, Forest
from pytest_diversity.prompts import Prompt
from pytest_diversity.sandbox import Execution, Program

__all__ = ["CODE", "extract_program"]

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n", re.MULTILINE)
_START = re.compile(r"(?:async\s+def|def|class|import|from|@|if\s+__name__)\b|@\w")
_SENTENCE = re.compile(r"[A-Z\"'*#>-][^=()\[\]]*[.:!?*]?$")


def extract_program(answer: str, entry_point: str | None = None) -> str:
    """The program in an answer: of its fenced blocks the first that defines the entry point.

    Where no block does, the longest one; a block that the answer leaves open runs to its end.
    Without any block the whole answer is the program, less sentences before and after it.
    """
    if defines(answer, None):  # all of it is code, whatever fences its docstrings hold
        return answer
    blocks = _blocks(answer)
    if not blocks:
        return _without_sentences(answer)
    if entry_point is not None:
        blocks = [block for block in blocks if _names(block, entry_point)][:1] or blocks
    return max(blocks, key=len)


def _names(block: str, entry_point: str) -> bool:
    """Whether a line of `block`, which need not parse, defines `entry_point`."""
    name = re.escape(entry_point)
    pattern = rf"^(?:async\s+def|def|class)\s+{name}\b|^{name}\s*[:=]"
    return re.search(pattern, block, re.MULTILINE) is not None


def _blocks(answer: str) -> list[str]:
    blocks = []
    position = 0
    while opening := _FENCE.search(answer, position):
        indent, fence, _ = opening.groups()
        end = re.compile(rf"^[ \t]*{fence}{fence[0]}*[ \t\r]*$", re.MULTILINE)
        closing = end.search(answer, opening.end())
        stop, position = closing.span() if closing else (len(answer), len(answer))
        margin = re.compile(rf"^[ \t]{{0,{len(indent)}}}", re.MULTILINE)
        blocks.append(margin.sub("", answer[opening.end() : stop]))
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
    """Whether a program parses and defines what was asked for and, where run, gives answers."""
    sound = _sound(features)
    if features.execute is None or not any(prompt.inputs for prompt in features.prompts.values()):
        return sound
    executions = features["executions"]
    return {
        name: [
            parses and execution.valid
            for parses, execution in zip(group, executions[name], strict=True)
        ]
        for name, group in sound.items()
    }


def _sound(features: Features) -> Mapping[str, list[bool]]:
    python = features.domain.language == "python"
    return {
        name: [
            defines(program, features.prompt(name).entry_point)
            if python
            else one.tree is not None and len(one.tokens) > 0
            for program, one in zip(programs, features["syntax"][name], strict=True)
        ]
        for name, programs in features["programs"].items()
    }


def _executions(features: Features) -> Mapping[str, list[Execution]]:
    """What each program does on its prompt's inputs, and whether its check passes."""
    if features.execute is None:
        raise UndefinedFeatureError(
            f"the meaning of programs in domain {features.domain.name!r} is what they do, "
            "and running generated programs is off",
            fix='opt in with execution = "sandbox" in the domain, or --diversity-allow-execution',
        )
    programs = {
        name: [_program(source, features.prompt(name)) for source in sources]
        for name, sources in features["programs"].items()
    }
    executions = iter(features.execute([one for group in programs.values() for one in group]))
    return {name: list(islice(executions, len(group))) for name, group in programs.items()}


def _program(source: str, prompt: Prompt) -> Program:
    return Program(source, prompt.entry_point, prompt.inputs, prompt.check)


def _labels(features: Features) -> Mapping[str, list[Hashable]]:
    """The outcomes on the prompt's inputs: programs that did the same mean the same."""
    executions = features["executions"]
    for name in executions:
        if not features.prompt(name).inputs:
            raise UndefinedFeatureError(
                f"prompt {name!r} has no inputs to tell programs apart by", fix='add "inputs" to it'
            )
    return {name: [one.meaning for one in group] for name, group in executions.items()}


def _correct(features: Features) -> Mapping[str, list[bool]]:
    executions = features["executions"]
    for name in executions:
        if features.prompt(name).check is None:
            raise UndefinedFeatureError(
                f"prompt {name!r} has no check to judge programs by", fix='add "check" to it'
            )
    return {name: [bool(one.correct) for one in group] for name, group in executions.items()}


def _notes(features: Features) -> Mapping[str, str]:
    if features.execute is None:
        return {"quality": "validity of code is that it parses and defines the entry point"}
    executions = [one for group in features["executions"].values() for one in group]
    unstable = sum(one.nondeterministic for one in executions)
    if not unstable:
        return {}
    note = (
        f"{unstable} of {len(executions)} programs answer differently when they run again: "
        "they count as invalid"
    )
    return dict.fromkeys(("semantic", "effective", "quality"), note)


def _check(domain: Domain) -> None:
    load(domain.language)


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
        "executions": _executions,
        "labels": _labels,
        "correct": _correct,
    },
    metrics={
        "lexical": "pair_distinct(n=4)",
        "syntactic": "pair_subtree(height=4)",
        "semantic": "pair_semantic()",
        "effective": "effective_pairs()",
        "quality": "validity()",
    },
    notes=_notes,
    # what a program does is its outcomes on the inputs of its own prompt
    within=frozenset({"labels"}),
    check=_check,
)
