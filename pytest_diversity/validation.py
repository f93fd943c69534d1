"""Everything about a configuration that can be found wrong is, before anything is drawn.

Each error says who said what is wrong: a line of the file, a variable, or the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from pytest_diversity.checkpoints.sources import is_hub_name
from pytest_diversity.config.toml import located
from pytest_diversity.config.values import BUILTIN_DOMAINS, Checkpoint, Domain
from pytest_diversity.domains import Kind, kind_of
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.errors import CheckpointError, ConfigError
from pytest_diversity.findings import Look, strictly
from pytest_diversity.gate.bounds import Gate, check_reachable
from pytest_diversity.metrics import Metric
from pytest_diversity.text import plural
from pytest_diversity.workspace import Workspace

__all__ = ["check_prompts", "check_readable", "validate"]

_CHECKED = (
    "kind",
    "language",
    "extract",
    "prompts",
    "embedder",
    "quality",
    "equivalence",
    "surprise",
)


def validate(workspace: Workspace, look: Look = strictly) -> None:
    """Check options, checkpoints, domains and budgets; load and download nothing.

    Args:
        workspace: With all of them.
        look: What becomes of an error; the first one is raised, unless it notes them.

    Raises:
        DiversityError: A path does not exist, a prompt file or a metric cannot be used, a number
            of samples is too small, or a device is not here.
    """
    _options(workspace, look)
    _checkpoints(workspace, look)
    for name, domain in workspace.config.domains.items():
        if not _is_ours(domain):
            _domain(workspace, workspace.domain(name), look)


def _checkpoints(workspace: Workspace, look: Look) -> None:
    """Each by itself, but for earlier steps that nothing is compared with; and those of a run."""
    config = workspace.config
    needless = {*config.earlier} - {one.name for one in _needed(workspace)}
    runs: dict[str, list[Checkpoint]] = {}
    for name, checkpoint in config.checkpoints.items():
        if name not in needless:
            looking = partial(_saved, checkpoint, look, config.path)
            workspace.resources.source(checkpoint).check(checkpoint, looking)
            runs.setdefault(checkpoint.run, []).append(checkpoint)
    for run in filter(None, runs):
        from pytest_diversity.checkpoints.adapters import demand_one_base  # noqa: PLC0415 - of runs alone

        with _at(look, f"run {run}", config.path, "checkpoints", run):
            demand_one_base(runs[run], workspace.root)


@contextmanager
def _saved(checkpoint: Checkpoint, look: Look, path: Path | None) -> Iterator[None]:
    """Look at a part of a checkpoint; one of a training run may be there in part so far."""
    with _at(look, f"checkpoint {checkpoint.name}", path, "checkpoints", checkpoint.name):
        try:
            yield
        except CheckpointError as error:
            if not checkpoint.run:
                raise
            wait = f"{error.fix}, or wait where its run is still saving it"
            raise CheckpointError(error.message, fix=wait) from None


def _at(look: Look, what: str, path: Path | None, *keys: str) -> AbstractContextManager[object]:
    """Look at something, and let an error say on which line of the file it stands."""
    both = ExitStack()
    both.enter_context(look(what))
    both.enter_context(located(path, *keys))
    return both


def check_prompts(workspace: Workspace, gates: Iterable[Gate]) -> None:
    """Refuse prompts that checkpoints cannot read, where gates need samples that are not drawn yet.

    Raises:
        DiversityError: A chat template refuses one, or one leaves no room for its answer.
    """
    pairs = {(name, gate.domain): None for gate in gates for name in gate.sampled}
    for name, domain in pairs:
        if name in workspace.config.checkpoints:
            check_readable(workspace, name, domain)


def check_readable(workspace: Workspace, name: str, domain: str) -> None:
    """Refuse the prompts of a domain that a checkpoint cannot read; a recording reads none.

    Raises:
        DiversityError: As `check_prompts`.
    """
    checkpoint, chosen = workspace.config.checkpoints[name], workspace.domain(domain)
    if not workspace.resources.is_recorded(checkpoint):
        with located(workspace.config.path, "checkpoints", name):
            workspace.resources.sampler.check_prompts(checkpoint, chosen, workspace.prompts(chosen))


def _options(workspace: Workspace, look: Look) -> None:
    options = workspace.options
    if "engine" in options.origins:
        from pytest_diversity.sampling.engines import check_engine  # noqa: PLC0415 - rarely said

        with look("engine"), _option(workspace, "engine"):
            check_engine(options)
    if not {"device", "dtype", "require_gpu"} & options.origins.keys():
        return
    from pytest_diversity.sampling import device  # noqa: PLC0415 - rarely said

    with look("device"), _option(workspace, "dtype"):
        device.check_dtype(options.dtype)
    with look("device"), _option(workspace, "device"):
        device.check_device(options.device)
        if options.require_gpu:
            device.require_gpu(options.device)
        drawn = [one for one in _needed(workspace) if not workspace.resources.is_recorded(one)]
        if drawn and options.device not in {"auto", "cpu"}:
            workspace.resources.sampler.check_device(drawn)


def _needed(workspace: Workspace) -> Iterator[Checkpoint]:
    """The checkpoints under test, and those that budgets compare them with."""
    config = workspace.config
    budgets = [one for domain in config.domains.values() for one in domain.budgets.values()]
    references = [str(budget.reference) for budget in budgets if budget.compares]
    for name in dict.fromkeys([*config.selected, *references]):
        if name in config.checkpoints:
            yield config.checkpoints[name]


def _is_ours(domain: Domain) -> bool:
    """Whether a domain is one of ours that the file says nothing of which could be wrong."""
    ours = BUILTIN_DOMAINS.get(domain.name)
    if ours is None or domain.budgets:
        return False
    return all(getattr(domain, key) == getattr(ours, key) for key in _CHECKED)


def _domain(workspace: Workspace, domain: Domain, look: Look) -> None:
    name, kind = domain.name, None
    what = f"domain {name}"
    with look(what), _key(workspace, name, "kind"):
        kind = kind_of(replace(domain, equivalence=None, same_meaning=None))
    if kind is not None:  # else nothing that rests on it could be said
        said = "equivalence" if domain.equivalence else "same_meaning"
        with look(what), _key(workspace, name, said):
            kind = _with_equivalence(workspace, domain)
        with look(what), _key(workspace, name, next(iter(kind.settings), "kind")):
            kind.check(domain)
    with look(what), _key(workspace, name, "prompts"):
        workspace.prompts(domain)
    with look(what), _key(workspace, name, "quality"):
        workspace.check_judge(domain, domain.quality)
    if domain.surprise is not None:
        from pytest_diversity.domains import surprise  # noqa: PLC0415 - where a model is named

        with look(what), _key(workspace, name, "surprise"):
            workspace.check_judge(domain, surprise.asked(domain))
    if domain.embedder and not is_hub_name(domain.embedder, domain.root):
        from pytest_diversity.features import embeddings  # noqa: PLC0415 - where one is named

        with look(what), _key(workspace, name, "embedder"):
            embeddings.find(domain.embedder, domain.root)
    for family, budget in domain.budgets.items() if kind else ():
        with look(what):
            _gate(workspace, Gate("", name, family, budget))


def _with_equivalence(workspace: Workspace, domain: Domain) -> Kind:
    """The kind of a domain, with what tells its meanings apart."""
    kind = kind_of(domain)
    if domain.equivalence is not None:
        from pytest_diversity.domains.meaning import asked  # noqa: PLC0415 - where one is chosen

        workspace.check_judge(domain, asked(domain))
    return kind


def _gate(workspace: Workspace, gate: Gate) -> None:
    domain, path = workspace.domain(gate.domain), workspace.config.path
    keys = ("domains", gate.domain, "budget", gate.family)
    with located(path, *keys, "metric"):
        metric = metric_of(domain, gate.family, gate.budget.metric)
    with located(path, *keys):
        check_reachable(gate.budget, metric)
    with _key(workspace, domain.name, "samples_per_prompt", option="samples"):
        _check_enough(domain, metric)


def _check_enough(domain: Domain, metric: Metric) -> None:
    """Refuse a number of samples a prompt for which a metric is never defined."""
    count, fewest = domain.samples_per_prompt, metric.definition.fewest
    if count < fewest and not metric.across:
        raise ConfigError(
            f"domain {domain.name!r} has {plural(count, 'sample')} of each prompt, and {metric} "
            f"needs {fewest} or more",
            fix=f"raise samples_per_prompt, or measure among the prompts: metric = "
            f'"{replace(metric, across=True)}"',
        )


def _key(
    workspace: Workspace, domain: str, key: str, option: str | None = None
) -> AbstractContextManager[None]:
    """Let errors say who said a key of a domain: an option of the run, or a line of the file.

    Args:
        workspace: With the file and the options.
        domain: Its name.
        key: As the file spells it.
        option: The option that overrides it, if it has another name.
    """
    if (option or key) in workspace.options.origins:
        return _option(workspace, option or key)
    return located(workspace.config.path, "domains", domain, key, default=("defaults", key))


@contextmanager
def _option(workspace: Workspace, name: str) -> Iterator[None]:
    """Let errors say who said an option: the command line, a variable, a line of the file."""
    path, origin = workspace.config.path, workspace.options.origins.get(name)
    if origin is None or (path and origin == path.name):
        with located(path if origin else None, "defaults", name):
            yield
        return
    try:
        yield
    except (CheckpointError, ConfigError) as error:
        message = f"{error.message} ({workspace.options.source(name)})"
        raise type(error)(message, fix=error.fix) from None
