"""What the name of a domain stands for, and what a family is measured by where nobody says it."""

from __future__ import annotations

from pytest_diversity.config.values import BUILTIN_DOMAINS, Domain
from pytest_diversity.domains import kind_of
from pytest_diversity.errors import ConfigError, did_you_mean
from pytest_diversity.metrics import Metric, parse

__all__ = ["domain_of", "metric_of"]


def domain_of(domain: str | Domain) -> Domain:
    """A domain, or the one of that name that is built in.

    Raises:
        ConfigError: There is none.
    """
    if isinstance(domain, Domain):
        return domain
    if domain not in BUILTIN_DOMAINS:
        raise ConfigError(f"unknown domain {domain!r}", fix=did_you_mean(domain, BUILTIN_DOMAINS))
    return BUILTIN_DOMAINS[domain]


def metric_of(domain: Domain, family: str, name: str | None = None) -> Metric:
    """The metric of a family: the one named, else the default of the domain's kind.

    Raises:
        ConfigError: The kind has none for the family, or the name is unknown or of another.
    """
    default = kind_of(domain).metrics.get(family)
    if name is None and default is None:
        raise ConfigError(
            f"domain {domain.name!r} of kind {domain.kind!r} has no {family} metric",
            fix="name one with metric = ...",
        )
    metric = parse(name or str(default))
    if metric.definition.family != family:
        raise ConfigError(
            f"{metric} measures {metric.definition.family}, not {family}",
            fix=f"move the budget to {metric.definition.family!r}, or name another metric",
        )
    return metric
