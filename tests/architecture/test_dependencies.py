"""What is declared is needed, what is needed is declared, and the page about it knows each."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement

import pytest_diversity
from pytest_diversity.features.grammars import GRAMMARS

from .imports import imports, modules

PACKAGE = Path(pytest_diversity.__file__).parent
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Needed though no line of ours imports them, and by what.
FOR_OTHERS: Mapping[str, str] = {
    "gguf": "transformers, to read GGUF files",
    "bitsandbytes": "transformers, for 8 and 4 bits",
    "accelerate": "transformers, to load such weights",
}
# Used where a suite has them, and in no extra of ours.
AT_HAND = {"allure", "inspect_ai", "pandas", "polars"}


def _declared() -> set[str]:
    """What the package and its extras require; the benchmarks' peers apart."""
    extras = PROJECT["optional-dependencies"]
    lines = [
        *PROJECT["dependencies"],
        *(one for name, many in extras.items() if not name.startswith("bench") for one in many),
    ]
    return {Requirement(line).name for line in lines} - {PROJECT["name"]}


def _imported() -> set[str]:
    """The libraries that the package names, by their module."""
    known = modules(PACKAGE)
    named = {other for name, path in known.items() for other in imports(name, path, known)[1]}
    return named - set(sys.stdlib_module_names)


def _modules_of(packages: set[str]) -> set[str]:
    return {name.lower().replace("-", "_") for name in packages}


def test_what_is_declared_is_needed() -> None:
    """Each is imported somewhere, is the grammar of a language, or is what another needs."""
    grammars = {grammar.package for grammar in GRAMMARS.values()}
    left = _modules_of(_declared() - grammars - set(FOR_OTHERS)) - _imported()
    assert left == set()


def test_what_is_imported_is_declared() -> None:
    """Nothing comes only because another library happens to bring it."""
    assert _imported() - _modules_of(_declared()) == AT_HAND


def test_all_is_every_extra_that_runs_everywhere() -> None:
    """Clusters, vLLM and quantised weights ask for more than pip can bring."""
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    apart = {"all", "vllm", "ray", "quantized", "bench-execution", "bench-metrics"}
    assert Requirement(everything).extras == set(extras) - apart


def test_the_page_reviews_each() -> None:
    """`docs/dependencies.md` has a row for every requirement, and none for what is none."""
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)
    reviewed = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]
    assert sorted(reviewed) == sorted(_declared())
