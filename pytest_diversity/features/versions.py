"""What values depend on beside the samples: it belongs to the fingerprint of a run."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from pytest_diversity.config.values import Domain
from pytest_diversity.features import grammars
from pytest_diversity.metrics import COMPRESSOR

__all__ = ["instruments"]


def instruments(domain: Domain) -> dict[str, str]:
    """Name and version of everything that tokens, trees, tags and compressed sizes depend on.

    The embedder has a fingerprint of its own, `Embedder.fingerprint`.
    """
    found = {"compressor": COMPRESSOR}
    if domain.kind == "code":
        return found | grammars.versions(domain.language)
    return found | {name: _version(name) for name in ("icu4py", "textblob")}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
