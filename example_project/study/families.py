"""The tables of adapters against their base: each domain and family, and what was predicted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from example_project.study import words
from example_project.study.changes import Change, Changes, merged, together
from example_project.study.predictions import PREDICTED, Prediction, outcome
from example_project.study.project import PROJECT, adapters, domains
from pytest_diversity.families import FAMILIES
from pytest_diversity.statistics.mean import Mean

_BLIND = ("lexical", "syntactic", "semantic")  # which no judge of quality is part of
_TUNED = ("DPOTrainer", "GRPOTrainer", "KTOTrainer")  # by preferences or rewards


def by_family(changes: Changes) -> str:
    """A table for each adapter: raw, at equal length, and what the founding note predicted."""
    head = ("domain", "family", "base", "change, raw", "change, at equal length", "predicted",
            "outcome", "prompts x samples")  # fmt: skip
    return "\n\n".join(
        f"**{name}** ({_trainer(name)})\n\n{words.table(head, _rows(changes, name))}"
        for name in adapters(changes.config)
    )


def _rows(changes: Changes, name: str) -> Iterator[Sequence[str]]:
    for domain in domains(changes.config, name):
        for family in FAMILIES:
            compared = changes.comparison(name, domain, family)
            found = Change.of(compared)
            predicted = _predicted(changes, name, domain, family)
            before = compared.as_written.before if compared.as_written else compared.before
            yield (
                domain,
                family,
                words.level(before),
                words.change(changes.raw(name, domain, family).mean),
                words.change(found.mean) if compared.as_written else "as raw",
                predicted or "-",
                outcome(predicted, found),
                f"{len(found.per_prompt)} x {before.samples_per_prompt[1]}",
            )


def splits(changes: Changes) -> str:
    """Validity and length, and the change of effective diversity in its two parts."""
    head = ("adapter", "domain", "quality: base", "adapter", "tokens", "effective",
            "of it quality", "of it narrowing", "prompts")  # fmt: skip
    return words.table(
        head,
        (_split(changes, name, domain) for name, domain in _places(changes)),
    )


def _split(changes: Changes, name: str, domain: str) -> Sequence[str]:
    quality = changes.comparison(name, domain, "quality")
    effective = changes.comparison(name, domain, "effective")
    old, new = quality.before, quality.after
    lost = [*zip(*effective.parts.values(), strict=True)] or [(), ()]
    return (
        name,
        domain,
        words.level(old),
        words.level(new),
        f"{old.mean_tokens or 0:.0f} → {new.mean_tokens or 0:.0f}",
        words.change(Change.of(effective).mean),
        *(words.change(Mean.of([0 - loss for loss in part]) if part else None) for part in lost),
        str(len(Change.of(effective).per_prompt)),
    )


def predictions(changes: Changes) -> str:
    """What was predicted of preference tuning, and which adapters bear it out."""
    tuned = [name for name in adapters(changes.config) if _trainer(name) in _TUNED]
    rows = []
    for (kind, family), predicted in PREDICTED.items():
        of_kind = [name for name in changes.config.written if _kind(changes, name) == kind]
        for domain in of_kind:
            cells = [_outcome(changes, name, domain, family) for name in tuned]
            rows.append([domain, family, predicted, *cells])
    return words.table(("domain", "family", "predicted", *tuned), rows)


def _outcome(changes: Changes, name: str, domain: str, family: str) -> str:
    if domain not in domains(changes.config, name):
        return "-"
    found = changes.change(name, domain, family)
    return (
        f"{outcome(_predicted(changes, name, domain, family), found)}: {words.change(found.mean)}"
    )


def resolved(changes: Changes) -> str:
    """How many intervals leave zero out, and how many would by chance alone."""
    every = [
        changes.change(name, domain, family).direction
        for name, domain in _places(changes)
        for family in FAMILIES
    ]
    defined = [one for one in every if one != "undefined"]
    out = sum(one != "unresolved" for one in defined)
    return (
        f"{out} of {len(defined)} intervals leave zero out; {len(defined) / 20:.0f} would if no "
        "adapter had changed anything."
    )


def averaged(changes: Changes) -> str:
    """What one mean over the prompts of all domains says, beside the domains: the mistake."""
    config = changes.config
    head = ("adapter", "family", *config.written, "all domains in one", "what the one hides")
    rows = []
    for name in adapters(config):
        places = domains(config, name)
        found = {(d, f): changes.change(name, d, f) for f in FAMILIES for d in places}
        for family in FAMILIES:
            of = {domain: found[domain, family] for domain in places}
            rows.append([name, family, *_averaged(config.written, of, of)])
        every = {domain: merged([found[domain, f] for f in FAMILIES]) for domain in places}
        named = {" ".join(at): one for at, one in found.items()}
        rows.append([name, "all five in one", *_averaged(config.written, every, named)])
    return words.table(head, rows)


def _averaged(
    columns: Sequence[str], of: Mapping[str, Change], told: Mapping[str, Change]
) -> Sequence[str]:
    """A cell for each domain, the mean over all, and what of `told` it hides."""
    one = together([*of.values()])
    cells = [words.change(of[at].mean) if at in of else "-" for at in columns]
    return [*cells, words.change(one.mean), hidden(told, one)]


def hidden(found: Mapping[str, Change], one: Change) -> str:
    """Where an interval of its own says something else than that of the mean over all."""
    told = [
        f"{place} {change.direction}"
        for place, change in found.items()
        if change.direction in {"falls", "rises"} and change.direction != one.direction
    ]
    return ", ".join(told) or "-"


def blind(changes: Changes) -> str:
    """What effective diversity says, beside the families that no quality is part of."""
    head = ("adapter", "domain", *_BLIND, "effective", "say otherwise")
    rows = []
    for name, domain in _places(changes):
        says = {one: changes.change(name, domain, one).direction for one in (*_BLIND, "effective")}
        others = [one for one in _BLIND if says[one] not in {"undefined", says["effective"]}]
        rows.append([name, domain, *says.values(), ", ".join(others) or "-"])
    return words.table(head, rows)


def _places(changes: Changes) -> list[tuple[str, str]]:
    names = adapters(changes.config)
    return [(name, domain) for name in names for domain in domains(changes.config, name)]


def _predicted(changes: Changes, name: str, domain: str, family: str) -> Prediction | None:
    if _trainer(name) not in _TUNED:
        return None
    return PREDICTED.get((_kind(changes, domain), family))


def _kind(changes: Changes, domain: str) -> str:
    return changes.config.domain(domain).kind


@cache
def _trainer(name: str) -> str:
    record = (PROJECT / "adapters" / name / "training.json").read_text(encoding="utf-8")
    return str(json.loads(record)["trainer"])
