"""`diversity.toml` read and checked; what is wrong in it is said with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from pytest_diversity.config.budget import BOUNDS, CHANGES, Budget, Change
from pytest_diversity.config.checks import check, check_passed
from pytest_diversity.config.keys import (
    BUDGET,
    CHECKPOINT,
    DEFAULTS,
    DOMAIN,
    ENVIRONMENT,
    KEYS,
    SERVER,
    keys_of,
    places,
)
from pytest_diversity.config.named import add_checkpoints, check_name, matching
from pytest_diversity.config.options import Options
from pytest_diversity.config.quality import Alike, Quality
from pytest_diversity.config.recorded import Recorded
from pytest_diversity.config.server import Endpoint, is_server
from pytest_diversity.config.toml import Table, read_toml
from pytest_diversity.config.values import (
    BASELINE,
    BUILTIN_DOMAINS,
    Checkpoint,
    Config,
    Domain,
    Generation,
    baseline_name,
)
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.families import FAMILIES
from pytest_diversity.findings import Look, strictly

__all__ = ["load_config"]

# What the checkpoint, its adapter and the run's options say of vLLM's engine.
_OURS = {"model", "tokenizer", "dtype", "enable_lora", "skip_tokenizer_init", "device"}
# What stands in place of a chat template's keys.
_OWN_TEMPLATE = (
    "a server has its own chat template",
    'set body = { chat_template_kwargs = {...} }, or api = "completions" to use none',
)
# Keys of a checkpoint that one on a server cannot have: why not, and the fix.
_NOT_SERVED = {
    "adapter": ("a server has no adapter", "name what it serves: URL#ADAPTER"),
    "quantization": ("a server quantises its own weights", "remove it"),
    "vllm": ("a server has its own engine arguments", "remove it"),
    **dict.fromkeys(("template", "chat_template_kwargs", "today"), _OWN_TEMPLATE),
}


def load_config(path: Path, checkpoints: Iterable[str] = (), look: Look = strictly) -> Config:
    """Read and check a `diversity.toml`.

    Args:
        path: The file.
        checkpoints: What `--diversity-checkpoint` says.
        look: What becomes of an error in a part of it, which is left out if it is not raised.

    Raises:
        ConfigError: Anything in it is wrong; the message starts with `path:line:`.
    """
    root = read_toml(path, look)
    root.allow(("checkpoints", "defaults", "domains"), "table")
    defaults = root.table("defaults")
    _allow(defaults, (DEFAULTS,), "default")
    known = dict(_checkpoints(root.table("checkpoints")))
    domains = dict(_domains(root, defaults))
    config = Config(
        path=path,
        checkpoints=known,
        domains={**_builtin_domains(defaults, path.parent), **domains},
        selected=tuple(name for name in known if name not in _judging(domains)),
        reference=_reference(defaults),
        settings=_settings(defaults),
        vllm=_vllm(defaults),
        written=tuple(domains),
    )
    with look("--diversity-checkpoint"):
        config = add_checkpoints(config, checkpoints, path.parent)
    _check_references(root, config)
    return config


def _reference(*tables: Table) -> str | None:
    """Of the last table that says one."""
    found: str | None = None
    for table in tables:
        with table.looking():
            found = table.value("reference", str, found)
    return found


def _judging(domains: Mapping[str, Domain]) -> set[str]:
    """Names of the checkpoints that judge others: they are not under test themselves."""
    ways = (way for domain in domains.values() for way in (domain.quality, domain.equivalence))
    judges = (way.judge for way in ways if isinstance(way, Quality))
    return {judge.removeprefix("llm:") for judge in judges if judge.startswith("llm:")}


def _settings(defaults: Table) -> Mapping[str, Any]:
    """Options of the run; a default that a domain may also say is no more than that."""
    own = {key.name for key in keys_of(ENVIRONMENT) if DOMAIN not in key.where}
    return {name: value for name, value in _values(defaults, Options).items() if name in own}


def _checkpoints(table: Table) -> Iterable[tuple[str, Checkpoint]]:
    root, names = table.path.parent, set[str]()
    for name in table.data:
        with table.looking():
            entry, found = _checkpoint(name, table)
            for one in entry.read(None, partial(matching, name, root), found):
                expanded = one.name
                entry.read(None, check_name, expanded)
                if expanded in names:
                    entry.fail(None, f"two checkpoints are named {expanded!r}", fix="rename one")
                names.add(expanded)
                yield expanded, one


def _checkpoint(name: str, table: Table) -> tuple[Table, Checkpoint]:
    """A checkpoint as it is written, with its entry."""
    value = table.data[name]
    if not isinstance(value, str | dict):
        table.fail(name, f"checkpoint {name!r} has no source", fix='write it as "runs/dpo"')
    if isinstance(value, str):
        keys = (*table.keys, name)
        entry = Table({"model": value}, table.path, table.text, keys, table.look)
    else:
        entry = table.table(name)
    _allow(entry, (CHECKPOINT, SERVER), "checkpoint key")
    values = {**_values(entry, Checkpoint), "vllm": _vllm(entry)}
    source = _source(name, entry, values.get("replay"))
    generation, server = _values(entry, Generation), _server(entry, source)
    values |= {"generation": generation, "server": server}
    return entry, entry.read(None, lambda given: Checkpoint(name, source, **given), values)


def _source(name: str, entry: Table, recorded: Recorded | None) -> str:
    """Where a checkpoint is: its model, or the recording in place of one."""
    source: str | None = entry.value("model", str)
    if source and recorded is not None:
        entry.fail("replay", f"checkpoint {name!r} has a model, too", fix="remove one of them")
    if recorded is not None:
        return f"replay:{recorded.path}"
    if not source:
        entry.fail(None, f"checkpoint {name!r} has no model", fix='add model = "..."')
    return source


def _server(entry: Table, source: str) -> Endpoint:
    """How the server at `source` is spoken to; what does not fit the source is refused."""
    served = is_server(source)
    for key in entry.data:
        with entry.looking():
            if served and key in _NOT_SERVED:
                said, fix = _NOT_SERVED[key]
                entry.fail(key, said, fix=fix)
            if not served and key in KEYS and SERVER in KEYS[key].where:
                entry.fail(key, f"{key!r} is for servers, http://host/v1#model", fix="remove it")
    return entry.read(None, lambda given: Endpoint(**given), _values(entry, Endpoint))


def _vllm(table: Table) -> Mapping[str, Any]:
    """Arguments for vLLM's engine, which vLLM itself checks where it is installed."""
    arguments = table.value("vllm", dict, {})
    passed = partial(check_passed, "vllm", ours=_OURS, guide="docs/engines.md")
    return table.read("vllm", passed, arguments)


def _domains(root: Table, defaults: Table) -> Iterable[tuple[str, Domain]]:
    for name, table in root.tables("domains"):
        with table.looking():
            yield name, _domain(name, table, defaults)


def _domain(name: str, table: Table, defaults: Table) -> Domain:
    _allow(table, (DOMAIN,), f"key of domain {name!r},")
    if not name.strip() or not name.isprintable():
        table.fail(None, f"a domain cannot be named {name!r}", fix="rename it")
    base = BUILTIN_DOMAINS.get(name, Domain(name))
    generation = {**_values(defaults, Generation), **_values(table, Generation)}
    reference = _reference(defaults, table)
    table.table("budget").allow(FAMILIES, "family")
    values = {**_values(defaults, Domain), **_values(table, Domain)}
    return replace(
        base,
        **values,
        generation=replace(base.generation, **generation),
        budgets=dict(_budgets(table, reference)),
        root=table.path.parent,
        chosen=frozenset(values),
    )


def _builtin_domains(defaults: Table, root: Path) -> dict[str, Domain]:
    """The built-in domains take the file's defaults, but for what makes them what they are."""
    values = _values(defaults, Domain)
    for own in ("kind", "language", "prompts"):
        values.pop(own, None)
    generation = _values(defaults, Generation)
    return {
        name: replace(
            domain,
            **values,
            generation=replace(domain.generation, **generation),
            root=root,
            chosen=frozenset(values),
        )
        for name, domain in BUILTIN_DOMAINS.items()
    }


def _budgets(domain: Table, reference: str | None) -> Iterable[tuple[str, Budget]]:
    for family, table in domain.tables("budget"):
        if family in FAMILIES:
            with table.looking():
                yield family, _budget(table, reference)


def _budget(table: Table, reference: str | None) -> Budget:
    _allow(table, (BUDGET,), "budget key")
    values = {"reference": reference, **_values(table, Budget)}
    for key in CHANGES:
        if key in values:
            values[key] = table.read(key, Change.parse, values[key])
    budget = table.read(None, lambda given: Budget(**given), values)
    if not budget.bounds and budget.level != "off":
        table.fail(
            None,
            f"the budget {table.keys[-1]!r} has no bound",
            fix=f'give {", ".join(BOUNDS)}, or level = "off" to only measure',
        )
    if budget.compares and budget.reference is None:
        table.fail(
            None,
            f"{', '.join(budget.changes)}: a change needs a reference",
            fix='add reference = "NAME"',
        )
    return budget


def _allow(table: Table, here: Sequence[str], what: str) -> None:
    """Refuse keys that are unknown, or known elsewhere."""
    known = [key.name for place in here for key in keys_of(place)]
    elsewhere = [name for name in table.data if name in KEYS and name not in known]
    for name in elsewhere:
        with table.looking():
            fix = f"it may stand {places(KEYS[name])}"
            table.fail(name, f"{name!r} cannot stand in {here[0]}", fix=fix)
    table.allow([*known, *elsewhere], what)


def _values(table: Table, settings: type) -> dict[str, Any]:
    """What a table says of the fields of a class of settings, each checked by its row."""
    names = [field.name for field in fields(settings) if field.name in KEYS]
    values: dict[str, Any] = {}
    for name in names:
        if name in table.data:
            with table.looking():
                value = table.read(name, partial(check, KEYS[name]), table.data[name])
                value = table.read(name, _PARSED.get(name, _as_it_is), value)
                values[name] = tuple(value) if isinstance(value, list) else value
    return values


def _as_it_is(value: Any) -> Any:
    return value


def _stops(strings: list[Any]) -> tuple[str, ...]:
    """In one order and once each: the same strings are the same setting."""
    for string in strings:
        if not isinstance(string, str) or not string:
            raise ConfigError(
                f"'stop' holds {string!r}, which no text ends at", fix='write ["\\n\\n"]'
            )
    return tuple(sorted(set(strings)))


# What a value is made of beside being checked by its row.
_PARSED: Mapping[str, Callable[[Any], Any]] = {
    "quality": Quality.parse,
    "equivalence": Alike.parse,
    "stop": _stops,
    "replay": Recorded.parse,
}


def _is_reference(name: str, config: Config) -> bool:
    return name in config.checkpoints or baseline_name(name, "") is not None


def _check_references(root: Table, config: Config) -> None:
    known = (*config.checkpoints, BASELINE)
    if config.reference is not None and not _is_reference(config.reference, config):
        with root.looking():
            root.table("defaults").fail(
                "reference",
                f"unknown reference checkpoint {config.reference!r}",
                fix=did_you_mean(config.reference, known),
            )
    for name, domain in config.domains.items():
        for family, budget in domain.budgets.items():
            if budget.compares and not _is_reference(str(budget.reference), config):
                own = root.table("domains").table(name)
                said = [own.table("budget").table(family), own]
                table = next((one for one in said if "reference" in one.data), said[0])
                with root.looking():
                    table.fail(
                        "reference" if "reference" in table.data else None,
                        f"unknown reference checkpoint {budget.reference!r}",
                        fix=did_you_mean(str(budget.reference), known),
                    )
