"""`diversity.toml`: what it means."""

from __future__ import annotations

from pathlib import Path

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.config.values import BUILTIN_DOMAINS, Generation

from .loading import load

DESIGN = """
[checkpoints]
base = "HuggingFaceTB/SmolLM2-135M-Instruct"
dpo  = { model = "HuggingFaceTB/SmolLM2-135M-Instruct", adapter = "adapters/dpo" }

[defaults]
reference = "base"
samples_per_prompt = 32

[domains.code]
kind = "code"
language = "python"
prompts = "builtin:code-python"
temperature = 0.8
[domains.code.budget]
lexical   = { min = 0.35, max_drop = "15%" }
effective = { max_drop = 0.05, reference = "dpo" }
[domains.creative_writing.budget]
syntactic = { level = "warn", max_rise = "10%" }
"""


def test_the_file_of_the_design(tmp_path: Path) -> None:
    """Checkpoints, defaults, domains and budgets are read as the design shows them."""
    config = load(tmp_path, DESIGN)
    assert config.selected == ("base", "dpo")
    assert config.checkpoints["dpo"].adapter == "adapters/dpo"
    code = config.domain("code")
    assert (code.kind, code.samples_per_prompt, code.root) == ("code", 32, tmp_path)
    assert code.generation == Generation(temperature=0.8)
    assert code.budgets == {
        "lexical": Budget(min=0.35, max_drop=Change(0.15, relative=True), reference="base"),
        "effective": Budget(max_drop=Change(0.05, relative=False), reference="dpo"),
    }
    assert config.domain("creative_writing").budgets["syntactic"].level == "warn"


def test_defaults_reach_every_domain(tmp_path: Path) -> None:
    """Built-in domains take them too, a domain's own settings win, and kinds stay as they are."""
    text = '[defaults]\nsamples_per_prompt = 3\ntemperature = 0.5\nkind = "code"\n[domains.own]\n'
    config = load(tmp_path, f"{text}temperature = 0.7\n")
    assert {domain.samples_per_prompt for domain in config.domains.values()} == {3}
    assert config.domain("own").generation.temperature == 0.7
    assert config.domain("own").kind == "code"
    assert config.domain("prose").generation.temperature == 0.5
    assert config.domain("prose").kind == "prose"


def test_defaults_say_how_a_run_is_made(tmp_path: Path) -> None:
    """Every option may stand there; what a domain may say, too, is only its default."""
    text = "[defaults]\nstrict = true\nsamples = 3\nadaptive = true\n[domains.d]\nadaptive = false"
    config = load(tmp_path, text)
    assert config.settings == {"strict": True, "samples": 3}
    assert config.domain("code").adaptive
    assert not config.domain("d").adaptive


def test_stop_strings_are_a_set(tmp_path: Path) -> None:
    """Their order and repetition mean nothing, and without any the settings do not name them."""
    head = "[checkpoints]\nm = 'x'\n[domains.d]\n"
    one = load(tmp_path, f'{head}stop = ["b", "\\n\\n", "b"]').domain("d").generation
    two = load(tmp_path, f'{head}stop = ["\\n\\n", "b"]').domain("d").generation
    assert one == two
    assert one.settings()["stop"] == ["\n\n", "b"]
    assert "stop" not in Generation().settings()


def test_an_empty_file_has_the_built_in_domains(tmp_path: Path) -> None:
    """Nothing is needed in a file; there is just no checkpoint."""
    config = load(tmp_path, "")
    assert config.selected == ()
    assert set(config.domains) == set(BUILTIN_DOMAINS)


def test_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Windows editors put one in front."""
    assert load(tmp_path, f"\ufeff{DESIGN}").selected == ("base", "dpo")
