"""`diversity.toml` read and checked; what is wrong in it is said with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

from pytest_diversity.checkpoints.sources import is_server
from pytest_diversity.config.toml import Table, read_toml
from pytest_diversity.config.values import (
    BASELINE,
    BOUNDS,
    BUILTIN_DOMAINS,
    FAMILIES,
    Budget,
    Change,
    Checkpoint,
    Config,
    Domain,
    Server,
    add_checkpoints,
    baseline_name,
    check_passed,
)
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = ["load_config"]

EXECUTION = ("off", "sandbox")  # running without walls is never a file's to say
MODES = ("direct", "verbalized")
APIS = ("chat", "completions")
QUANTIZATIONS = ("8bit", "4bit")
# What the checkpoint, its adapter and the run's options say of vLLM's engine.
_OURS = {"model", "tokenizer", "dtype", "enable_lora", "skip_tokenizer_init", "device"}
_GENERATION: Mapping[str, type] = {
    "temperature": float,
    "top_p": float,
    "top_k": int,
    "min_p": float,
    "repetition_penalty": float,
    "max_tokens": int,
    "seed": int,
    "system": str,
    "mode": str,
    "answers_per_call": int,
    "stop": list,
}
_SERVER: Mapping[str, type] = {
    "api": str,
    "body": dict,
    "api_key_env": str,
    "concurrency": int,
    "requests_per_minute": float,
    "retries": int,
    "timeout": float,
}
_DOMAIN: Mapping[str, type] = {
    "kind": str,
    "language": str,
    "prompts": str,
    "max_prompts": int,
    "samples_per_prompt": int,
    "embedder": str,
    "execution": str,
    "same_meaning": float,
    "adaptive": bool,
}
_SETTINGS = ("device", "dtype", "store", "correction", "engine", "ray_address")
_DEFAULTS = ("reference", "vllm", *_SETTINGS)
_LOWEST: Mapping[str, float] = {
    "temperature": 0,
    "top_k": 0,
    "min_p": 0,
    "repetition_penalty": 0.01,
    "max_tokens": 1,
    "max_prompts": 1,
    "samples_per_prompt": 1,
    "same_meaning": 0,
    "answers_per_call": 1,
    "concurrency": 1,
    "requests_per_minute": 0,
    "retries": 0,
    "timeout": 0.001,
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": MODES,
    "api": APIS,
    "quantization": QUANTIZATIONS,
}


def load_config(path: Path, checkpoints: Iterable[str] = ()) -> Config:
    """Read and check a `diversity.toml`.

    Args:
        path: The file.
        checkpoints: What `--diversity-checkpoint` says.

    Raises:
        ConfigError: Anything in it is wrong; the message starts with `path:line:`.
    """
    root = read_toml(path)
    root.allow(("checkpoints", "defaults", "domains"), "table")
    defaults = root.table("defaults")
    defaults.allow((*_DEFAULTS, *_DOMAIN, *_GENERATION), "default")
    known = dict(_checkpoints(root.table("checkpoints")))
    domains = {name: _domain(name, table, defaults) for name, table in root.tables("domains")}
    config = Config(
        path=path,
        checkpoints=known,
        domains={**_builtin_domains(defaults, path.parent), **domains},
        selected=tuple(known),
        reference=defaults.value("reference", str),
        settings={key: defaults.value(key, str) for key in _SETTINGS if key in defaults.data},
        vllm=_vllm(defaults),
    )
    config = add_checkpoints(config, checkpoints)
    _check_references(root, config)
    return config


def _checkpoints(table: Table) -> Iterable[tuple[str, Checkpoint]]:
    root, names = table.path.parent, set[str]()
    for name, value in table.data.items():
        if not isinstance(value, str | dict):
            table.fail(name, f"checkpoint {name!r} has no source", fix='write it as "runs/dpo"')
        if isinstance(value, str):
            entry = Table({"model": value}, table.path, table.text, (*table.keys, name))
        else:
            entry = table.table(name)
        known = ("model", "adapter", "quantization", "vllm", *_GENERATION, *_SERVER)
        entry.allow(known, "checkpoint key")
        source, adapter = entry.value("model", str), entry.value("adapter", str)
        if not source:
            entry.fail(None, f"checkpoint {name!r} has no model", fix='add model = "..."')
        generation, server = _values(entry, _GENERATION), _server(entry, source)
        quantization = _values(entry, {"quantization": str}).get("quantization")
        found = partial(
            Checkpoint,
            adapter=adapter,
            generation=generation,
            server=server,
            quantization=quantization,
            vllm=_vllm(entry),
        )
        for expanded, path in _located(entry, None, partial(_expand, name, root), source):
            reserved = expanded in names or baseline_name(expanded, "") is not None
            if not expanded.strip() or not expanded.isprintable() or reserved:
                entry.fail(None, f"a checkpoint cannot be named {expanded!r}", fix="rename it")
            names.add(expanded)
            yield expanded, found(expanded, path)


def _server(entry: Table, source: str) -> Server:
    """How the server at `source` is spoken to; what does not fit the source is refused."""
    served = is_server(source)
    for key in entry.data:
        if served and key == "adapter":
            entry.fail(key, "a server has no adapter", fix="name what it serves: URL#ADAPTER")
        if served and key == "quantization":
            entry.fail(key, "a server quantises its own weights", fix="remove it")
        if served and key == "vllm":
            entry.fail(key, "a server has its own engine arguments", fix="remove it")
        if not served and key in _SERVER:
            entry.fail(key, f"{key!r} is for servers, http://host/v1#model", fix="remove it")
    server: Server = _located(entry, None, lambda given: Server(**given), _values(entry, _SERVER))
    return server


def _vllm(table: Table) -> Mapping[str, Any]:
    """Arguments for vLLM's engine, which vLLM itself checks where it is installed."""
    arguments = table.value("vllm", dict, {})
    check = partial(check_passed, "vllm", ours=_OURS, guide="docs/engines.md")
    passed: Mapping[str, Any] = _located(table, "vllm" if arguments else None, check, arguments)
    return passed


def _expand(name: str, root: Path, source: str) -> list[tuple[str, str]]:
    """A pattern stands for the directories it matches, ordered by the number in their names."""
    plain = not any(character in source for character in "*?[")
    if plain or is_server(source) or (root / source).exists():
        return [(name, source)]
    pattern = str(Path(source).expanduser())
    matches = glob(pattern, root_dir=root)  # noqa: PTH207 - pathlib's takes no absolute pattern
    found = sorted((root / match for match in matches), key=_step)
    if not found:
        raise ConfigError(
            f"checkpoint {name!r}: nothing matches {source!r} in {root}", fix="check the pattern"
        )
    return [(f"{name}-{_label(path)}", path.as_posix()) for path in found]


def _step(path: Path) -> tuple[int, str]:
    return (int(number[1]) if (number := re.search(r"(\d+)$", path.name)) else -1, path.name)


def _label(path: Path) -> str:
    step, name = _step(path)
    return str(step) if step >= 0 else name


def _domain(name: str, table: Table, defaults: Table) -> Domain:
    table.allow((*_DOMAIN, *_GENERATION, "budget", "reference"), f"key of domain {name!r},")
    base = BUILTIN_DOMAINS.get(name, Domain(name))
    values = {**_values(defaults, _DOMAIN), **_values(table, _DOMAIN)}
    if values.get("execution", "off") not in EXECUTION:
        table.fail(
            "execution",
            f"unknown execution {values['execution']!r}",
            fix=did_you_mean(values["execution"], EXECUTION),
        )
    generation = {**_values(defaults, _GENERATION), **_values(table, _GENERATION)}
    reference = table.value("reference", str, defaults.value("reference", str))
    budgets = table.table("budget")
    budgets.allow(FAMILIES, "family")
    return replace(
        base,
        **values,
        generation=replace(base.generation, **generation),
        budgets={family: _budget(budget, reference) for family, budget in table.tables("budget")},
        root=table.path.parent,
    )


def _builtin_domains(defaults: Table, root: Path) -> dict[str, Domain]:
    """The built-in domains take the file's defaults, but for what makes them what they are."""
    values = _values(defaults, _DOMAIN)
    for own in ("kind", "language", "prompts"):
        values.pop(own, None)
    generation = _values(defaults, _GENERATION)
    return {
        name: replace(
            domain, **values, generation=replace(domain.generation, **generation), root=root
        )
        for name, domain in BUILTIN_DOMAINS.items()
    }


def _budget(table: Table, reference: str | None) -> Budget:
    table.allow([part.name for part in fields(Budget)], "budget key")
    values: dict[str, Any] = {
        **_values(table, {"min": float, "max": float, "worst_group_min": float}),
        **_values(table, {"metric": str, "level": str}),
        "reference": table.value("reference", str, reference),
    }
    for key in ("max_drop", "max_rise"):
        if key in table.data:
            values[key] = _located(table, key, Change.parse, table.data[key])
    budget: Budget = _located(table, None, lambda given: Budget(**given), values)
    if not budget.bounds and budget.level != "off":
        table.fail(
            None,
            f"the budget {table.keys[-1]!r} has no bound",
            fix=f'give {", ".join(BOUNDS)}, or level = "off" to only measure',
        )
    if budget.compares and budget.reference is None:
        table.fail(None, "max_drop and max_rise need a reference", fix='add reference = "NAME"')
    return budget


def _located(table: Table, key: str | None, read: Any, value: Any) -> Any:
    try:
        return read(value)
    except ConfigError as error:
        table.fail(key, error.message, fix=error.fix or "change it")


def _values(table: Table, kinds: Mapping[str, type]) -> dict[str, Any]:
    values = {key: table.value(key, kind) for key, kind in kinds.items() if key in table.data}
    for key, value in values.items():
        if value is not None and key in _LOWEST and value < _LOWEST[key]:
            table.fail(key, f"{key!r} must be at least {_LOWEST[key]:g}", fix="raise it")
        if key in _CHOICES and value not in _CHOICES[key]:
            table.fail(key, f"unknown {key} {value!r}", fix=did_you_mean(value, _CHOICES[key]))
        if key == "top_p" and not 0 < value <= 1:
            table.fail(key, "'top_p' must be above 0 and at most 1", fix="1 keeps every token")
        if key == "stop":
            values[key] = _stops(table, value)
    return values


def _stops(table: Table, strings: list[Any]) -> tuple[str, ...]:
    """In one order and once each: the same strings are the same setting."""
    for string in strings:
        if not isinstance(string, str) or not string:
            table.fail(
                "stop", f"'stop' holds {string!r}, which no text ends at", fix='write ["\\n\\n"]'
            )
    return tuple(sorted(set(strings)))


def _is_reference(name: str, config: Config) -> bool:
    return name in config.checkpoints or baseline_name(name, "") is not None


def _check_references(root: Table, config: Config) -> None:
    known = (*config.checkpoints, BASELINE)
    if config.reference is not None and not _is_reference(config.reference, config):
        root.table("defaults").fail(
            "reference",
            f"unknown reference checkpoint {config.reference!r}",
            fix=did_you_mean(config.reference, known),
        )
    for name, domain in config.domains.items():
        for family, budget in domain.budgets.items():
            if budget.compares and not _is_reference(str(budget.reference), config):
                table = root.table("domains").table(name).table("budget").table(family)
                table.fail(
                    "reference" if "reference" in table.data else None,
                    f"unknown reference checkpoint {budget.reference!r}",
                    fix=did_you_mean(str(budget.reference), known),
                )
