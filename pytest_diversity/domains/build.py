"""The features of samples in a domain, with what they are computed by looked for late."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence, Sized
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pytest_diversity.cluster import Spread, in_process
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.common import fault_notes, of_answers
from pytest_diversity.errors import ConfigError
from pytest_diversity.features import Assess, Embed, Execute, Features
from pytest_diversity.prompts import Prompt, load_prompts
from pytest_diversity.samples import SampleSet
from pytest_diversity.thinking import with_thought, without_thought

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pytest_diversity.judges.protocol import Assessed, Texts
    from pytest_diversity.sandbox import Execution, Program

__all__ = ["features_of"]


def features_of(
    samples: SampleSet,
    domain: Domain,
    embed: Embed | None = None,
    prompts: Mapping[str, Prompt] | None = None,
    *,
    execute: Execute | None = None,
    assess: Assess | None = None,
    spread: Spread = in_process,
    given: Mapping[str, Any] | None = None,
    whose: str = "",
) -> Features:
    """The lazily computed features of `samples`, of the checkpoint `whose`, in `domain`.

    Raises:
        ConfigError: There are no samples, or a given feature does not fit them.
    """
    if not len(samples):
        raise ConfigError(
            f"domain {domain.name!r} has no samples to measure", fix="draw some first"
        )
    if prompts is None:
        prompts = load_prompts(domain.prompts, domain.root) if domain.prompts else {}
    if assess is None:
        assess = _late_assess(domain, embed)
    if embed is None:
        embed = _late_embedder(domain)
    samples, kind = _said(samples, domain.thinking), kind_of(domain)
    if execute is None and kind.runs_programs and domain.execution == "sandbox":
        execute = _late_executor(domain)
    features = Features(
        samples,
        domain,
        of_answers(kind),
        {name: prompts.get(name, Prompt(prompt=name, id=name)) for name in samples},
        embed,
        execute=execute,
        assess=assess,
        spread=spread,
        given={name: _by_prompt(name, value, samples) for name, value in (given or {}).items()},
    )
    features.notes = fault_notes(samples, whose)
    return features


def _said(samples: SampleSet, thinking: str) -> SampleSet:
    """The answers alone, with their thoughts beside them; or all that was said, as the answers."""
    read = with_thought if thinking == "keep" else without_thought
    given, found = list(samples.samples), list(map(read, samples.samples))
    return samples if all(map(operator.is_, given, found)) else SampleSet(found)


def _by_prompt(name: str, value: Any, samples: SampleSet) -> Mapping[str, Any]:
    """A given feature of each prompt."""
    if not isinstance(value, Mapping):
        if len(samples) > 1 and isinstance(value, Sized):
            raise ConfigError(
                f"feature {name!r} is given once for {len(samples)} prompts",
                fix="give a mapping from prompts to values",
            )
        return dict.fromkeys(samples, value)
    missing = [prompt for prompt in samples if prompt not in value]
    if missing:
        raise ConfigError(
            f"feature {name!r} is not given for prompt {missing[0]!r}", fix="give it for each"
        )
    return value


def _late_executor(domain: Domain) -> Execute:
    """Look for a sandbox only when a program is to be run; nothing is remembered."""

    def execute(programs: Sequence[Program]) -> list[Execution]:
        from pytest_diversity.features.outcomes import Executor  # noqa: PLC0415 - rarely run
        from pytest_diversity.sandbox import Sandbox  # noqa: PLC0415 - rarely run

        return Executor(Sandbox(language=domain.language), {}, nullcontext)(programs)

    return execute


def _late_assess(domain: Domain, embed: Embed | None) -> Assess:
    """Look for a judge only when quality is asked for; nothing is remembered."""
    own = embed or _late_embedder(domain)

    def embedder() -> str:
        from pytest_diversity.features.embeddings import shared_embedder  # noqa: PLC0415 - heavy

        return "given" if embed else shared_embedder(domain.embedder, domain.root).fingerprint({})

    def assess(quality: Quality, pairs: Sequence[Texts]) -> Assessed:
        from pytest_diversity.judges import protocol, registry  # noqa: PLC0415 - where it is asked
        from pytest_diversity.judges.tools import Tools  # noqa: PLC0415 - likewise

        tools = Tools(own, embedder, "auto", domain.root, dict)
        return protocol.assess(registry.find(quality, tools), pairs, quality)

    return assess


def _late_embedder(domain: Domain) -> Embed:
    """Look for the embedder only when a text is to be embedded: most metrics need none."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        from pytest_diversity.features.embeddings import shared_embedder  # noqa: PLC0415 - heavy

        return shared_embedder(domain.embedder, domain.root)(texts)

    return embed
