"""Samples and features are released when their last gate was judged, where there are many."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

CHECKPOINTS = ("base", "sft", "dpo")
# Before each test: which features are there, whoever holds them, and how many recordings.
WATCH = """
import gc
from pytest_diversity.features import Features
from pytest_diversity.formats.reading import Recording

def found():
    return [one for one in gc.get_objects() if isinstance(one, (Features, Recording))]

seen, others = [], found()  # of the runs before this one

def pytest_runtest_setup(item):
    gc.collect()
    there = [one for one in found() if not any(one is other for other in others)]
    features = [one for one in there if isinstance(one, Features)]
    texts = {(one.domain.name, next(one.samples.samples).text[:3]) for one in features}
    seen.append((item.nodeid, sorted(texts), len(there) - len(features)))

def pytest_sessionfinish():
    print(*(f"before {name}: {texts} {count}" for name, texts, count in seen), sep="\\n")
"""
BUDGETS = """
[defaults]
reference = "base"
[domains.code.budget]
lexical = { min = 0.1, max_drop = "90%" }
quality = { min = 0 }
[domains.prose.budget]
lexical = { min = 0.1, max_drop = "90%" }
syntactic = { min = 0 }
"""
IN_PYTHON = """
def test_one(diversity):
    diversity.assert_lexical_diversity(domain="code", min=0.1)

def test_two(diversity):
    diversity.assert_lexical_diversity(domain="prose", min=0.1)
"""


@pytest.fixture
def many(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Three recorded checkpoints whose texts begin with their names, where any sample is many."""
    for name in CHECKPOINTS:
        lines = [
            f'{{"prompt": "p{prompt}", "text": "{name} says {prompt} and {index} of it"}}\n'
            for prompt in range(8)
            for index in range(2)
        ]
        (pytester.path / f"{name}.jsonl").write_text("".join(lines))
    sources = "\n".join(f'{name} = "replay:{name}.jsonl"' for name in CHECKPOINTS)
    (pytester.path / "diversity.toml").write_text(f"[checkpoints]\n{sources}\n{BUDGETS}")
    pytester.makeconftest(WATCH)
    monkeypatch.setattr("pytest_diversity.workspace._HELD", 0)
    monkeypatch.setattr("pytest_diversity.sampling.replay._HELD", 0)
    return pytester


def watched(project: pytest.Pytester, *arguments: str) -> Mapping[str, str]:
    """What was there before each test: domains with the first letters of checkpoints."""
    result = project.runpytest_inprocess("-q", "-s", "-p", "no:cacheprovider", *arguments)
    assert result.ret == 0
    lines = (line.removeprefix("before ") for line in result.outlines if "before " in line)
    return dict(line.rsplit(": ", 1) for line in lines)


def test_only_the_reference_outlives_its_gates(many: pytest.Pytester) -> None:
    """Gates of one domain share its features, and two recordings are held at most."""
    seen = watched(many)
    assert len(seen) == 12
    assert seen["diversity.toml::code::lexical[dpo]"] == "[('code', 'bas'), ('prose', 'bas')] 2"
    assert "('prose', 'dpo')" in seen["diversity.toml::prose::syntactic[dpo]"]
    assert {there[-1] for there in seen.values()} == {"2"}


def test_tests_in_python_release_too(many: pytest.Pytester) -> None:
    """When pytest sets up the test of the next checkpoint."""
    many.makepyfile(test_it=IN_PYTHON)
    seen = watched(many, "test_it.py")
    assert "sft" in seen["test_it.py::test_one[dpo]"]
    assert "sft" not in seen["test_it.py::test_two[dpo]"]


def test_little_is_kept(many: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report shows what is known of it."""
    monkeypatch.setattr("pytest_diversity.workspace._HELD", 25_000)
    assert "('code', 'sft')" in watched(many)["diversity.toml::prose::syntactic[dpo]"]


@pytest.mark.long
def test_a_worker_checks_nothing_again(many: pytest.Pytester) -> None:
    """A recording that the first process has read is read by the worker that needs it alone."""
    opened = "import pytest_diversity.sampling.replay as r\nread = r.read_samples\n"
    opened += "def said(path, *rest):\n"
    opened += "    open('opened.txt', 'a').write(f'{path.name}\\n')\n    return read(path, *rest)\n"
    many.makeconftest(f"{opened}r.read_samples = said\n")
    result = many.runpytest_subprocess("-n1", "-p", "no:cacheprovider", "-k", "sft")
    result.assert_outcomes(passed=4)
    lines = (many.path / "opened.txt").read_text().split()
    assert lines.count("dpo.jsonl") == 1
    assert lines.count("sft.jsonl") == 2
