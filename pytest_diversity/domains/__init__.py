"""What each kind of domain knows: how to extract, tokenise, parse and judge its answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from importlib import import_module
from typing import Any

from pytest_diversity.config.values import Domain
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.families import FAMILIES
from pytest_diversity.features import Kind
from pytest_diversity.functions import registered, same_source

__all__ = ["Kind", "kind_of", "register_kind"]

# Our own kinds: each is a file of this folder, loaded when a domain is of it, and a line here.
_OURS = {
    "answer": "ANSWER",
    "code": "CODE",
    "prose": "PROSE",
}
_registered: dict[str, Kind] = {}


def kind_of(domain: Domain) -> Kind:
    """What is known of the kind of `domain`.

    Raises:
        ConfigError: There is no such kind, or it cannot be as the domain's settings say.
    """
    kind = _find(domain.kind)
    if kind is None:
        raise ConfigError(
            f"unknown kind {domain.kind!r} of domain {domain.name!r}",
            fix=did_you_mean(domain.kind, {*_OURS, *_registered}),
        )
    return kind.chosen(kind, domain)


def register_kind(kind: Kind) -> None:
    """Make `kind` one that a domain can be of; a second one of its name must be equal.

    Args:
        kind: Its name, features and default metrics, and what else it answers for its domains.

    Raises:
        ConfigError: The name is taken or is none, or it speaks of what there is not.
    """
    if not kind.name.isidentifier():
        raise ConfigError(f"a kind cannot be named {kind.name!r}", fix='name it as in "recipe"')
    _check(kind)
    known = _find(kind.name)
    if known is not None and not same_source(_parts(known), _parts(kind)):
        raise ConfigError(f"a kind named {kind.name!r} exists already", fix="choose another name")
    if known is None:
        _registered[kind.name] = kind


def _find(name: str) -> Kind | None:
    if name not in _OURS:
        return registered(lambda: _registered.get(name))
    kind: Kind = getattr(import_module(f"{__name__}.{name}"), _OURS[name])
    return kind


def _check(kind: Kind) -> None:
    speaks_of = kind.relations | kind.within | kind.embedded | kind.executed
    words: Iterable[tuple[str, Iterable[str], Collection[str]]] = (
        ("family", kind.metrics, FAMILIES),
        ("setting", kind.settings, [field.name for field in fields(Domain)]),
        ("feature", sorted(speaks_of), kind.features),
    )
    for what, given, known in words:
        for word in given:
            if word not in known:
                raise ConfigError(
                    f"kind {kind.name!r} has the unknown {what} {word!r}",
                    fix=did_you_mean(word, known),
                )


def _parts(kind: Kind) -> dict[str, Any]:
    return {field.name: getattr(kind, field.name) for field in fields(kind)}
