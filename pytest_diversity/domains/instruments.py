"""What values depend on beside the samples: it belongs to the fingerprint of a run."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from pytest_diversity import metrics
from pytest_diversity.config.values import Domain
from pytest_diversity.domains import kind_of

__all__ = ["instruments"]

_ALWAYS = ("numpy", "pytest-diversity")


def instruments(domain: Domain) -> dict[str, str]:
    """Name and version of everything that the values of a domain depend on, its embedder apart.

    The embedder has a fingerprint of its own, `Embedder.fingerprint`, and so has the sandbox.
    """
    kind = kind_of(domain)
    packages = {package: _version(package) for package in (*_ALWAYS, *kind.packages(domain))}
    return {"compressor": metrics.COMPRESSOR, **kind.versions, **packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
