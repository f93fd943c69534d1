"""What values depend on beside the samples: said with a baseline, and compared as notes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.instruments import instruments

CONFIG = """
[checkpoints]
base = "replay:base.jsonl"
[domains.prose.budget]
lexical = { max_drop = "1%", reference = "baseline" }
"""


def test_instruments_have_versions() -> None:
    """Values of two taggers, grammars or compressors must never be compared."""
    prose, code = (instruments(Domain("d", kind=kind)) for kind in ("prose", "code"))
    common = {"compressor", "numpy", "pytest-diversity"}
    assert prose.keys() == common | {"icu4py", "textblob"}
    assert code.keys() == common | {"extraction", "tree-sitter", "tree-sitter-python"}
    assert all(prose.values())
    assert all(code.values())


def test_a_baseline_of_fewer_instruments(
    pytester: pytest.Pytester, record: Callable[..., Path]
) -> None:
    """Baselines of older versions name fewer: they are compared as ever, and nothing is said."""
    record(pytester.path / "base.jsonl")
    pytester.makefile(".toml", diversity=CONFIG)
    pytester.runpytest_inprocess("--diversity-record").assert_outcomes(passed=1)
    path = pytester.path / "tests/__diversity__/prose.json"
    recorded = json.loads(path.read_text())
    versions = recorded["checkpoints"]["base"]["versions"]
    assert versions.keys() >= instruments(Domain("prose")).keys()
    for package in ("compressor", "textblob"):
        del versions[package]
    del recorded["checkpoints"]["base"]["checksum"]  # which older versions had none of
    path.write_text(json.dumps(recorded))
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*was recorded with*")


def test_a_baseline_of_another_extraction(
    pytester: pytest.Pytester, record: Callable[..., Path]
) -> None:
    """It says so, also where it is older than the versions of extractions."""
    record(pytester.path / "base.jsonl")
    config = CONFIG.replace(
        "[domains.prose.budget]", '[domains.prose]\nkind = "code"\n[domains.prose.budget]'
    )
    pytester.makefile(".toml", diversity=config)
    pytester.runpytest_inprocess("--diversity-record").assert_outcomes(passed=1)
    path = pytester.path / "tests/__diversity__/prose.json"
    recorded = json.loads(path.read_text())
    del recorded["checkpoints"]["base"]["versions"]["extraction"]
    del recorded["checkpoints"]["base"]["checksum"]  # which older versions had none of
    path.write_text(json.dumps(recorded))
    result = pytester.runpytest_inprocess("-rA")
    result.stdout.fnmatch_lines(["*the baseline was recorded with extraction 1, this is 2*"])
