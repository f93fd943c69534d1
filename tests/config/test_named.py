"""`--diversity-checkpoint`: what it adds and chooses, and names that nothing has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pytest_diversity.config.named import add_checkpoints
from pytest_diversity.config.values import Config
from pytest_diversity.errors import ConfigError

from .loading import load

FILE = '[checkpoints]\nbase = "x/base"\ndpo = "x/dpo"\n'
SELECTIONS: Mapping[str, tuple[Sequence[str], tuple[str, ...]]] = {
    "nothing said": ((), ("base", "dpo")),
    "one chosen": (("dpo",), ("dpo",)),
    "two chosen, in that order": (("dpo", "base"), ("dpo", "base")),
    "one chosen twice": (("dpo", "dpo"), ("dpo",)),
    "one added": (("new=runs/new",), ("base", "dpo", "new")),
    "one chosen and one added": (("dpo", "new=runs/new"), ("dpo", "new")),
    "one replaced": (("dpo=runs/dpo",), ("base", "dpo")),
    "spaces around": ((" new = runs/new ",), ("base", "dpo", "new")),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_checkpoints_of_the_command_line(tmp_path: Path, case: str) -> None:
    """NAME=SOURCE adds, NAME chooses; what is not chosen stays there as a reference."""
    options, selected = SELECTIONS[case]
    config = load(tmp_path, FILE, options)
    assert config.selected == selected
    assert {"base", "dpo"} <= set(config.checkpoints)


def test_a_source_may_have_an_equals_sign() -> None:
    """Only the first one divides."""
    assert add_checkpoints(Config(), ["a=b=c"], Path()).checkpoints["a"].source == "b=c"


def test_a_reference_may_come_from_the_command_line(tmp_path: Path) -> None:
    """A file may hold budgets alone, and CI say which checkpoints they are for."""
    text = '[defaults]\nreference = "base"\n[domains.prose.budget]\nlexical = { max_drop = "5%" }'
    config = load(tmp_path, text, ["base=x/base", "dpo=x/dpo"])
    assert config.selected == ("base", "dpo")


BAD_OPTIONS: Mapping[str, tuple[Sequence[str], str]] = {
    "no name": (("=x",), "--diversity-checkpoint '=x' is incomplete; write NAME=SOURCE"),
    "no source": (("x=",), "--diversity-checkpoint 'x=' is incomplete; write NAME=SOURCE"),
    "nothing": (("",), "unknown checkpoint ''; known: base, dpo"),
    "unknown": (("dpp",), "unknown checkpoint 'dpp'; did you mean 'dpo'?"),
    "two sources": (("a=b", "a=c"), "--diversity-checkpoint gives 'a' two sources; rename one"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_wrong_checkpoints_of_the_command_line(tmp_path: Path, case: str) -> None:
    """The message names the option or the checkpoint that was meant."""
    options, message = BAD_OPTIONS[case]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, FILE, options)
    assert str(caught.value) == message


def test_unknown_names_are_corrected() -> None:
    """Asking for a domain or a checkpoint that is not there suggests one that is."""
    with pytest.raises(ConfigError, match="unknown domain 'cod'; did you mean 'code'"):
        Config().domain("cod")
    with pytest.raises(ConfigError, match="unknown checkpoint 'x'; known: none"):
        Config().checkpoint("x")
