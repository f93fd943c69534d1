"""Every block of code, console, TOML, YAML and JSON in the documentation does what its page says.

The blocks of a page run in their order, in a folder of its own that has what `prepared` lays there.
Comments, which no reader sees, say what is special about the block below them:

    <!-- file: NAME -->       it is written to this file
    <!-- not run: WHY -->     it is read, and not run
    <!-- drawn: BY WHAT -->   its decimals are those of one machine, and are not compared

or are blocks themselves:

    <!-- run: COMMAND -->     a command that the page leaves to its reader, and that succeeds
    <!-- given: NAME          a file that the reader has, up to the end of the comment
"""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from functools import partial
from inspect import signature
from pathlib import Path

import pytest
import yaml
from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, FencedCodeBlockLexer

from pytest_diversity.config.file import load_config

ROOT = Path(__file__).parents[2]
NAMES = [
    *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/**/*.md"))),
    "README.md",
    "CONTRIBUTING.md",
]
# They load or draw from a real model, or run a suite of tests many times.
SLOW = {
    f"docs/{name}.md"
    for name in (
        *("help", "notebooks", "tutorial"),
        *("baselines", "before", "extending", "training", "training-run"),
    )
}
MOST_NOT_RUN = 18  # of all pages together

FENCES = FencedCodeBlockLexer(r"[^\n]*")
NOTES = DirectiveInHTMLCommentLexer(r"file|not run|drawn|run|given", arguments=r"[^\n]+?")
# What differs from run to run, and from terminal to terminal.
VARYING = {r"\bin \d+\.\d+s( \([\d:]+\))?": "in some time", r" ?(={3,}|-{3,}) ?": ""}
DRAWN = {**VARYING, r"[+-]?\d+\.\d+": "0.0"}
# A fragment of a `diversity.toml` that names no checkpoint is read as if it had these.
CHECKPOINTS = '\n[checkpoints]\nbase = "replay:base.jsonl"\ndpo = "replay:dpo.jsonl"\n'


def run_python(example: Example) -> None:
    """Execute it, in the namespace of its page, and call the tests in it that need no fixture."""
    outside, before = Context(), set(example.namespace)  # what it judges is not of this run
    outside.run(PythonEvaluator(), example)
    for name in set(example.namespace) - before:
        if name.startswith("test_") and not signature(example.namespace[name]).parameters:
            outside.run(example.namespace[name])


def run_console(example: Example, varying: Mapping[str, str] = VARYING) -> None:
    """Run each command behind a `$`; a `...` in its output stands for anything.

    A command whose output is not shown succeeds.
    """
    before, *parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n?", example.parsed, flags=re.MULTILINE)
    assert not before, "a block of the console begins with `$ `"
    for command, shown in zip(parts[::2], parts[1::2], strict=True):
        done = subprocess.run(  # noqa: S603 - the pages are ours
            ["/bin/bash", "-c", command],
            cwd=example.namespace["folder"],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        as_shown = _same(shown, done.stdout, varying) if shown.strip() else done.returncode == 0
        found = f"--- but it was, with exit code {done.returncode}:\n{done.stdout}"
        assert as_shown, f"$ {command}\n{shown}\n{found}"


def _same(shown: str, found: str, varying: Mapping[str, str]) -> bool:
    for vary, steady in varying.items():
        shown, found = re.sub(vary, steady, shown), re.sub(vary, steady, found)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown, found, flags)


def _environment() -> dict[str, str]:
    """A reader's: the installed commands first, a terminal of 100 columns, and no CI.

    `CHECKOUT` is this repository, for commands that no reader sees.
    """
    strange = ("CI", "GIT", "PYTEST")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    quiet = "-p no:hypothesispytest -p no:cacheprovider"
    return ours | {
        "PATH": path,
        "COLUMNS": "100",
        "PYTEST_ADDOPTS": quiet,
        "CHECKOUT": str(ROOT),
    }


def load_toml(example: Example, name: str = "block.toml") -> None:
    """Write it to a file, and read that as a `diversity.toml`."""
    source = str(example.parsed)
    complete = "checkpoints" in tomllib.loads(source)
    example.parsed = source if complete else source + CHECKPOINTS
    write(example, name)
    load_config(Path(example.namespace["folder"], name))


def write(example: Example, name: str) -> None:
    """Write it to a file of the page's folder."""
    path = Path(example.namespace["folder"], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.parsed, encoding="utf-8")


def load_json(example: Example) -> None:
    """One value, or one in each line."""
    try:
        json.loads(example.parsed)
    except json.JSONDecodeError:
        for line in example.parsed.splitlines():
            json.loads(line)


def load_yaml(example: Example) -> None:
    """Read it."""
    assert yaml.safe_load(example.parsed)


def read(_: Example) -> None:
    """Text and what Sphinx itself reads: nothing is run."""


LANGUAGES: dict[str, Callable[[Example], None]] = {
    "python": run_python,
    "console": run_console,
    "toml": load_toml,
    "json": load_json,
    "yaml": load_yaml,
    "text": read,
}


def blocks(document: Document) -> Iterator[Region]:
    """The blocks of a page, and the commands in its comments, each with what it is to do."""
    notes = list(NOTES(document))
    for note in notes:
        name, argument = (str(note.lexemes[of]) for of in ("directive", "arguments"))
        if name == "run":
            yield Region(note.start, note.end, f"$ {argument}\n", run_console)
        if name == "given":
            written = partial(write, name=argument)
            yield Region(note.start, note.end, note.lexemes["source"], written)
    for fence in FENCES(document):
        above = [note for note in notes if document.text[note.end : fence.start] == "-->\n"]
        said = {str(note.lexemes["directive"]): str(note.lexemes["arguments"]) for note in above}
        fence.parsed = fence.lexemes["source"]
        fence.evaluator = _evaluator(str(fence.lexemes["language"]), said)
        fence.lexemes = {**fence.lexemes, **said}
        yield fence


def _evaluator(language: str, said: dict[str, str]) -> Callable[[Example], None]:
    if language.startswith("{") or "not run" in said:
        return read
    if "drawn" in said:
        return partial(run_console, varying=DRAWN)
    if "file" in said:
        return partial(load_toml if language == "toml" else write, name=said["file"])
    return LANGUAGES.get(language, _unknown)


def _unknown(example: Example) -> None:
    language = example.region.lexemes["language"] or "no language"
    pytest.fail(f"{example.path}:{example.line}: {language}: nobody knows how to run this block")


SYBIL = Sybil(parsers=[blocks], patterns=["*.md"])


@pytest.fixture
def prepared(tmp_path: Path, record: Callable[..., Path]) -> Path:
    """A folder with recorded samples, and what a training run left."""
    for name in ("base", "dpo", "samples"):
        record(tmp_path / f"{name}.jsonl")
    for step in (100, 200):
        (tmp_path / f"runs/dpo/checkpoint-{step}").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    "page", [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name in NAMES]
)
def test_the_blocks_of_a_page_do_what_it_says(
    page: str, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its first to its last, as a reader would type them."""
    monkeypatch.chdir(prepared)
    document = SYBIL.parse(ROOT / page)
    document.namespace["folder"] = prepared
    for example in document.examples():
        example.evaluate()


def test_few_blocks_are_not_run() -> None:
    """Each says why; what takes a network, a GPU or minutes is all that there is."""
    found = [
        f"{name}:{example.line}: {example.region.lexemes['not run']}"
        for name in NAMES
        for example in SYBIL.parse(ROOT / name).examples()
        if "not run" in example.region.lexemes
    ]
    assert len(found) <= MOST_NOT_RUN, "\n".join(found)
