"""What the kind `code` knows: programs in answers, their tokens, trees, validity and meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING

from pytest_diversity import metrics
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.common import COMMON
from pytest_diversity.domains.extract import EXTRACTION, Extraction, extract, extract_continuation
from pytest_diversity.features import Features, Kind, UndefinedFeatureError
from pytest_diversity.features.grammars import load, packages
from pytest_diversity.features.syntax import Syntax, analyse
from pytest_diversity.judges.defines import DEFINES_NOTE, defines
from pytest_diversity.prompts import Prompt
from pytest_diversity.thinking import split

if TYPE_CHECKING:
    from pytest_diversity.sandbox import Execution, Program

__all__ = ["CODE"]


def _extractions(features: Features) -> Mapping[str, list[Extraction]]:
    return features.each(partial(_extraction, features.domain))


def _extraction(domain: Domain, text: str, prompt: Prompt) -> Extraction:
    """The program in an answer, which counts as one if Python agrees that it is."""
    found = _extracted(domain, text, prompt)
    if found.missing or domain.language != "python" or defines(found.program, prompt.entry_point):
        return found
    return found._replace(missing="broken code")


def _extracted(domain: Domain, text: str, prompt: Prompt) -> Extraction:
    """What there is in an answer with its given beginning; there is none in an empty answer."""
    if domain.style == "continuation" and prompt.entry_point:
        before = "\n\n".join(filter(None, (prompt.prompt, prompt.prefill)))
        return extract_continuation(text, before, prompt.entry_point, domain.language)
    beginning = split(prompt.prefill).answer if text else ""
    return extract(beginning + text, prompt.entry_point, domain.language, shown=prompt.prompt)


def _programs(features: Features) -> Mapping[str, list[str]]:
    return {name: [one.program for one in group] for name, group in features["extractions"].items()}


def _syntax(features: Features) -> Mapping[str, list[Syntax]]:
    """What each program parses to; models repeat themselves, and a program is parsed once."""
    language = features.domain.language

    @cache
    def parsed(program: str) -> Syntax:
        return analyse(program, language)

    return {name: list(map(parsed, programs)) for name, programs in features["programs"].items()}


def _tokens(features: Features) -> Mapping[str, metrics.Corpus]:
    return {
        name: metrics.Corpus([one.tokens for one in group])
        for name, group in features["syntax"].items()
    }


def _trees(features: Features) -> Mapping[str, metrics.Forest]:
    return {
        name: metrics.Forest([one.tree for one in group])
        for name, group in features["syntax"].items()
    }


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
    """Whether a program defines what was asked for; of other languages, whether it parses, too."""
    sound = {
        name: [one.missing is None for one in group]
        for name, group in features["extractions"].items()
    }
    if features.domain.language == "python":
        return sound
    return {
        name: [
            there and one.tree is not None and len(one.tokens) > 0
            for there, one in zip(group, features["syntax"][name], strict=True)
        ]
        for name, group in sound.items()
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
    from pytest_diversity.sandbox import Program  # noqa: PLC0415 - most programs are not run

    return Program(source, prompt.entry_point, prompt.inputs, prompt.check)


def _labels(features: Features) -> Mapping[str, list[Hashable]]:
    """The outcomes on the prompt's inputs: programs that did the same mean the same.

    What cannot be compared equals nothing but the same program.
    """
    executions = features["executions"]
    for name in executions:
        if not features.prompt(name).inputs:
            raise UndefinedFeatureError(
                f"prompt {name!r} has no inputs to tell programs apart by", fix='add "inputs" to it'
            )
    programs = features["programs"]
    return {
        name: [
            (one.meaning, source if one.opaque else None)
            for one, source in zip(group, programs[name], strict=True)
        ]
        for name, group in executions.items()
    }


def _correct(features: Features) -> Mapping[str, list[bool | None]]:
    """Whether each program passes its check; None for all of a prompt whose check is at fault."""
    executions = features["executions"]
    for name in executions:
        if features.prompt(name).check is None:
            raise UndefinedFeatureError(
                f"prompt {name!r} has no check to judge programs by", fix='add "check" to it'
            )
    if len(bad := _bad_checks(features)) == len(executions):
        raise UndefinedFeatureError(
            "; ".join(f"the check of prompt {name!r} {why}" for name, why in bad.items()),
            fix="correct it",
        )
    return {
        name: [None if name in bad else bool(one.correct) for one in group]
        for name, group in executions.items()
    }


def _bad_checks(features: Features) -> Mapping[str, str]:
    """What is wrong with the check of each prompt whose check is itself at fault."""
    return {
        name: one.verdict.value or "cannot be used"
        for name, group in features["executions"].items()
        for one in group
        if one.verdict is not None and one.verdict.kind == "bad-check"
    }


def _notes(features: Features) -> Mapping[str, str]:
    without, executed = _without_program(features), _execution_notes(features)
    judged = {"quality", "effective"} if without else set()
    return {
        family: "; ".join(filter(None, (executed.get(family), without)))
        for family in sorted(executed.keys() | judged)
    }


def _without_program(features: Features) -> str:
    """How many answers hold no program, and why, where any do not."""
    found = [
        one.missing
        for name, group in features.samples.items()
        for one, sample in zip(features["extractions"][name], group, strict=True)
        if sample.fault is None  # what is no answer is counted as that
    ]
    reasons = Counter(filter(None, found))
    if not reasons:
        return ""
    named = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total()} of {len(found)} answers hold no program ({named})"


def _execution_notes(features: Features) -> Mapping[str, str]:
    if features.execute is None:
        return {"quality": DEFINES_NOTE}
    executions = [one for group in features["executions"].values() for one in group]
    said = {
        "answer differently when they run again: they count as invalid": sum(
            one.nondeterministic for one in executions
        ),
        "give something that cannot be compared: each counts as a meaning of its own": sum(
            one.opaque for one in executions
        ),
        "pass by a verdict that could not be cross-checked": sum(
            bool(one.correct) and not one.cross_checked for one in executions
        ),
        "forged the verdict of their check: they count as failing": sum(
            one.verdict is not None and one.verdict.kind == "forged" for one in executions
        ),
    }
    sentences = [
        *(f"{count} of {len(executions)} programs {what}" for what, count in said.items() if count),
        *(
            f"the check of prompt {name!r} {why}: the prompt is left out of what checks tell"
            for name, why in _bad_checks(features).items()
        ),
    ]
    note = "; ".join(sentences)
    return dict.fromkeys(("semantic", "effective", "quality"), note) if note else {}


def _check(domain: Domain) -> None:
    load(domain.language)


CODE = Kind(
    name="code",
    features={
        **COMMON,
        "texts": lambda features: features["programs"],
        "extractions": _extractions,
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
    check=_check,
    settings=("language", "style"),
    packages=lambda domain: packages(domain.language),
    versions={"extraction": EXTRACTION},
    # what a program does is its outcomes on the inputs of its own prompt
    within=frozenset({"labels"}),
    executed=frozenset({"valid", "executions", "labels", "correct"}),
)
