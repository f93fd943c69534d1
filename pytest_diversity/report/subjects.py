"""What a run has sampled, for its reports: how it was drawn, and what its values depend on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from pytest_diversity.baselines.file import digest
from pytest_diversity.baselines.record import settings
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.instruments import instruments
from pytest_diversity.errors import DiversityError
from pytest_diversity.events import Drawn, Judged
from pytest_diversity.features import Features
from pytest_diversity.metrics import parse
from pytest_diversity.report.run import Subject
from pytest_diversity.workspace import Workspace

__all__ = ["subjects"]


def subjects(
    workspace: Workspace, drawings: Iterable[Drawn], judged: Iterable[Judged]
) -> Iterator[Subject]:
    """Each checkpoint in each domain that a workspace has sampled, in the order of the first time.

    No model is loaded and nothing is drawn for it, here or when its features are asked for.

    Args:
        workspace: Where it was sampled.
        drawings: What was drawn there; of samples looked at in steps, the last look counts.
        judged: What was judged there.
    """
    last: dict[tuple[str, str], Drawn] = {}
    for drawn in drawings:
        before = last.get((drawn.checkpoint, drawn.domain))
        if before is None or before.count <= drawn.count:
            last[drawn.checkpoint, drawn.domain] = drawn
    metrics: dict[str, list[str]] = {}
    for one in judged:
        metrics.setdefault(one.verdict.domain, []).append(one.verdict.metric)
    for (_, domain), drawn in last.items():
        yield _subject(workspace, drawn, metrics.get(domain, []))


def _subject(workspace: Workspace, drawn: Drawn, metrics: Iterable[str]) -> Subject:
    checkpoint, domain = (
        workspace.config.checkpoint(drawn.checkpoint),
        workspace.domain(drawn.domain),
    )
    samples = -(-(drawn.drawn + drawn.stored) // max(1, drawn.prompts))
    found = {**settings(domain, checkpoint, (samples, samples)), "prompts": domain.prompts}
    return Subject(
        config=drawn.config,
        checkpoint=drawn.checkpoint,
        domain=drawn.domain,
        source=" + ".join(filter(None, (checkpoint.source, checkpoint.adapter))),
        prompts=drawn.prompts,
        samples=samples,
        settings=json.loads(json.dumps(found, default=str)),
        fingerprints=_fingerprints(workspace, drawn, metrics),
        features=partial(_features, workspace, drawn),
    )


def _fingerprints(workspace: Workspace, drawn: Drawn, metrics: Iterable[str]) -> Mapping[str, str]:
    """Each that can be known; a checkpoint that has moved since has no digest any more."""
    domain = workspace.domain(drawn.domain)
    provenance = workspace.provenance(drawn.checkpoint, domain)
    embedded = any(
        kind_of(domain).embedded.intersection(one.definition.reads) for one in map(parse, metrics)
    )
    asked: list[Callable[[], Mapping[str, str]]] = [
        lambda: {"weights": provenance.weights()},
        lambda: {"prompts": digest(workspace.prompts(domain))} if domain.prompts else {},
        lambda: {"embedder": provenance.embedder()} if embedded else {},
        provenance.origin,
    ]
    known = {name: value for ask in asked for name, value in _known(ask).items()}
    return {**known, **instruments(domain)}


def _known(ask: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    try:
        return ask()
    except (DiversityError, OSError):
        return {}


def _features(workspace: Workspace, drawn: Drawn) -> Features | None:
    """The samples that were judged, where they are at hand."""
    name, domain, count = drawn.checkpoint, drawn.domain, drawn.count
    try:
        at_hand = drawn.replayed or workspace.stored(name, domain, count)
        return workspace.features(name, domain, count) if at_hand else None
    except DiversityError:
        return None
