"""The doctor: everything that a run needs is looked at, broken or not, and nothing is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

from pytest_diversity.baselines import stale
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config, Domain, baseline_name
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.features.parts_of_speech import demand_tagger
from pytest_diversity.findings import Finding, Findings
from pytest_diversity.session import Session
from pytest_diversity.studies import machine
from pytest_diversity.text import plural, visible
from pytest_diversity.validation import check_readable

__all__ = ["FIRST", "examine", "lines"]

# The machine, before what is to run on it.
FIRST = ("machine", "extras", "device", "engine", "sandbox", "store")

_INDENT = " " * 6  # as wide as a status with its gap
_TAGS = "tags"  # the feature that parts of speech are


def examine(config: Config, options: Options, root: Path, look: Findings) -> None:
    """Look at a machine and at one configuration on it.

    Where the store cannot be used, or would have to be made, what is looked up is forgotten again.

    Args:
        config: As far as it could be read.
        options: Settings of the run.
        root: What relative paths of sources are relative to.
        look: Notes what is found.
    """
    if config.path is not None:
        with look(config.path.name) as note:
            gates = sum(len(domain.budgets) for domain in config.domains.values())
            note(plural(len(config.checkpoints), "checkpoint"))
            note(plural(gates, "budget"))
    machine.check_versions(look)
    machine.check_extras(look)
    with TemporaryDirectory() as scratch:
        usable = machine.check_store(options.store, look)
        chosen = options if usable else replace(options, store=Path(scratch, "samples.sqlite"))
        session = Session(config, chosen, root)
        try:
            _examine(session, look)
        finally:
            session.close()


def _examine(session: Session, look: Findings) -> None:
    with look("configuration"):
        session.check(look)
    machine.check_device(session, look)
    machine.check_sandbox(session, look)
    for name in session.config.checkpoints:
        with look(f"checkpoint {name}"):
            _checkpoint(session, name, look)
    for name, domain in session.config.domains.items():
        if domain.budgets or name in session.config.written:
            with look(f"domain {name}"):
                _domain(session, session.workspace.domain(name), look)
    with look("baselines"):
        _baselines(session, look)


def _checkpoint(session: Session, name: str, look: Findings) -> None:
    """Whether it could be loaded, and can read all that it would be asked."""
    what, workspace = f"checkpoint {name}", session.workspace
    checkpoint = session.config.checkpoints[name]
    if look.failed(what):
        return
    with look(what) as note:
        note(workspace.resources.source(checkpoint).ready(checkpoint))
    gates = session.judge.multiplicity.every()
    for domain in dict.fromkeys(gate.domain for gate in gates if name in gate.sampled):
        if not look.doubted(what) and not look.failed(f"domain {domain}"):
            with look(what):
                check_readable(workspace, name, domain)


def _domain(session: Session, domain: Domain, look: Findings) -> None:
    what = f"domain {domain.name}"
    if look.failed(what):
        return
    workspace = session.workspace
    with look(what) as note:
        prompts = workspace.prompts(domain)
        asked = f"{plural(len(prompts), 'prompt')} x {domain.samples_per_prompt}"
        note(asked if prompts else "the prompts of its samples")
        note(f"gated: {', '.join(domain.budgets)}" if domain.budgets else "no budget")
    read = {feature for metric in _metrics(domain) for feature in metric}
    if _TAGS in read:
        with look(what):
            demand_tagger()
    judged = domain.quality is not None and domain.quality.judge == "adequate"
    if judged or read & kind_of(domain).embedded:
        from pytest_diversity.features import embeddings  # noqa: PLC0415 - where texts are embedded

        with look("embedder") as note:
            note(embeddings.ready(domain.embedder, domain.root))


def _metrics(domain: Domain) -> Iterator[set[str]]:
    """What each metric of a domain's budgets reads."""
    for family, budget in domain.budgets.items():
        yield {*metric_of(domain, family, budget.metric).definition.reads}


def _baselines(session: Session, look: Findings) -> None:
    """Every file, read; and what budgets compare with, where that is recorded."""
    baselines = session.judge.baselines
    for domain in baselines.domains():
        with look(f"baseline {domain}") as note:
            note(f"of {', '.join(baselines.profiles(domain))}")
    for (domain, name), checkpoint in _compared(session).items():
        what = f"baseline {domain}"
        if look.failed(f"domain {domain}") or look.failed(what):
            continue
        chosen = session.workspace.domain(domain)
        model = session.config.checkpoints[checkpoint]
        recorded = session.workspace.resources.is_recorded(model)
        with look(what):
            prompts = session.workspace.prompts(chosen)
            for fault in stale.faults(baselines, name, chosen, model, prompts, recorded=recorded):
                with look(what):
                    raise fault


def _compared(session: Session) -> Mapping[tuple[str, str], str]:
    """By domain and by whose baseline it is, a checkpoint that is compared with it."""
    found = {}
    for gate in session.judge.multiplicity.every():
        name = baseline_name(gate.budget.reference, gate.checkpoint)
        if name and gate.applicable.compares:
            found[gate.domain, name] = gate.checkpoint
    return found


def lines(found: Iterable[Finding], root: Path, width: int) -> Iterator[str]:
    """What was found, as a person reads it: a status, the thing, and the fix below.

    Args:
        found: All of it.
        root: What paths are shown relative to.
        width: Columns that a line may have.
    """
    for one in found:
        if not one.said:
            continue
        said, fix = (visible((text or "").replace(f"{root}/", "")) for text in (one.said, one.fix))
        named = said if said.startswith(f"{one.what}:") else f"{one.what}: {said}"
        yield from _wrapped(f"{one.status:<6}{named}", width)
        if fix:
            yield from _wrapped(f"{_INDENT}fix: {fix}", width)


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, subsequent_indent=_INDENT, break_on_hyphens=False)
