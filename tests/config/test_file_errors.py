"""Every error of `diversity.toml` is one sentence at its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity.config.file import load_config
from pytest_diversity.errors import ConfigError

from .loading import load

HEAD = '[checkpoints]\nbase = "x/y"\n'
BUDGET = f"{HEAD}[domains.d.budget]\n"  # the next line is the fourth
ERRORS: Mapping[str, tuple[str, str]] = {
    "an unknown table": (f"{HEAD}[domain.d]", "3: unknown table 'domain'; did you mean 'domains'?"),
    "a budget outside of a domain": (
        f"{HEAD}[budget]\n",
        "3: unknown table 'budget'; known: checkpoints, defaults, domains",
    ),
    "an unknown default": (
        f"{HEAD}[defaults]\nreferense = 'base'",
        "4: unknown default 'referense'; did you mean 'reference'?",
    ),
    "an unknown key of a domain": (
        f"{HEAD}[domains.d]\nsample_per_prompt = 4",
        "4: unknown key of domain 'd', 'sample_per_prompt'; did you mean 'samples_per_prompt'?",
    ),
    "an unknown family": (
        f"{BUDGET}lexcal = {{ min = 0.4 }}",
        "4: unknown family 'lexcal'; did you mean 'lexical'?",
    ),
    "an unknown key of a budget": (
        f"{BUDGET}lexical = {{ mim = 0.4 }}",
        "4: unknown budget key 'mim'; did you mean 'min'?",
    ),
    "an unknown level": (
        f"{BUDGET}lexical = {{ min = 0.4, level = 'warning' }}",
        "4: unknown level 'warning'; did you mean 'warn'?",
    ),
    "an unknown key of a checkpoint": (
        '[checkpoints]\nbase = { modell = "x" }',
        "2: unknown checkpoint key 'modell'; did you mean 'model'?",
    ),
    "an unknown way of running programs": (
        f"{HEAD}[defaults]\nexecution = 'unsafe'\n[domains.d]",
        "4: unknown execution 'unsafe'; known: off, sandbox",
    ),
    "a number for a budget": (f"{BUDGET}lexical = 0.4", "4: 'lexical' must be a table, not 0.4"),
    "a list for the budgets": (
        f"{HEAD}[domains.d]\nbudget = [1]",
        "4: 'budget' must be a table, not [1]",
    ),
    "a list of domains": (f"{HEAD}[[domains]]\nname = 'd'", "3: 'domains' must be a table, not [{"),
    "a list of checkpoints": ("checkpoints = ['a']", "1: 'checkpoints' must be a table, not ['a']"),
    "a number for a checkpoint": (
        "[checkpoints]\na = 3",
        "2: checkpoint 'a' has no source; write it as \"runs/dpo\"",
    ),
    "an empty source": ("[checkpoints]\na = ''", "2: checkpoint 'a' has no model; add model ="),
    "a checkpoint without model": (
        "[checkpoints]\n[checkpoints.a]\nadapter = 'b'",
        "2: checkpoint 'a' has no model; add model =",
    ),
    "an empty name": ('[checkpoints]\n"" = "x"', "2: a checkpoint cannot be named ''; rename it"),
    "a domain with an escape sequence": (
        f'{HEAD}[domains."a\\u001b[2J"]',
        r"3: a domain cannot be named 'a\x1b[2J'; rename it",
    ),
    "a name of two lines": (
        '[checkpoints]\n"a\\nb" = "x"',
        "2: a checkpoint cannot be named 'a\\nb'",
    ),
    "a number in quotes": (
        f"{HEAD}[domains.d]\nsamples_per_prompt = '8'",
        "4: 'samples_per_prompt' must be a whole number, not '8'",
    ),
    "a bound in quotes": (
        f"{BUDGET}lexical = {{ min = '0.4' }}",
        "4: 'min' must be a number, not '0.4'",
    ),
    "a bound that is true": (
        f"{BUDGET}lexical = {{ min = true }}",
        "4: 'min' must be a number, not True",
    ),
    "a bound that is no number": (
        f"{BUDGET}lexical = {{ min = nan }}",
        "4: 'min' must be a finite number, not nan",
    ),
    "an infinite temperature": (
        f"{HEAD}[domains.d]\ntemperature = inf",
        "4: 'temperature' must be a finite number, not inf",
    ),
    "a negative temperature": (
        f"{HEAD}[domains.d]\ntemperature = -1",
        "4: 'temperature' must be at least 0; raise it",
    ),
    "no samples": (
        f"{HEAD}[domains.d]\nsamples_per_prompt = 0",
        "4: 'samples_per_prompt' must be at least 1; raise it",
    ),
    "a fraction of a sample": (
        f"{HEAD}[domains.d]\nsamples_per_prompt = 4.0",
        "4: 'samples_per_prompt' must be a whole number, not 4.0",
    ),
    "a nucleus of nothing": (
        f"{HEAD}[domains.d]\ntop_p = 0",
        "4: 'top_p' must be above 0; raise it",
    ),
    "a nucleus of more than everything": (
        f"{HEAD}[domains.d]\ntop_p = 1.5",
        "4: 'top_p' must be at most 1; lower it",
    ),
    "a share above 1": (f"{HEAD}[defaults]\nmin_p = 2", "4: 'min_p' must be at most 1; lower it"),
    "a cosine distance above 2": (
        f"{HEAD}[defaults]\nsame_meaning = 2.5",
        "4: 'same_meaning' must be at most 2; lower it",
    ),
    "more tokens than there can be": (
        f"{HEAD}[domains.d]\nmax_tokens = 1{30 * '0'}",
        "4: 'max_tokens' must be at most 1000000; lower it",
    ),
    "more samples than there can be": (
        f"{HEAD}[domains.d]\nsamples_per_prompt = 0x{500 * 'f'}",
        "4: 'samples_per_prompt' must be at most 1000000; lower it",
    ),
    "more requests than there can be": (
        f"[checkpoints]\na = {{ model = 'http://h/v1#m', concurrency = 1{30 * '0'} }}",
        "2: 'concurrency' must be at most 10000; lower it",
    ),
    "a seed beyond 64 bits": (
        f"{HEAD}[defaults]\nseed = {2**63}",
        "4: 'seed' must be at most 9223372036854775807; lower it",
    ),
    "a temperature beyond every float": (
        f"{HEAD}[domains.d]\ntemperature = 1{400 * '0'}",
        "4: 'temperature' must be a finite number, not inf",
    ),
    "a bound beyond every float": (
        f"{BUDGET}lexical = {{ max_drop = 1{400 * '0'}, reference = 'base' }}",
        "4: a change of ",
    ),
    "a number that cannot be written out": (
        f"{HEAD}[domains.d]\nsystem = 0x{5000 * 'f'}",
        "4: 'system' must be a string, not what is too long to show: a whole number; change",
    ),
    "a value of a page": (
        f"{HEAD}[domains.d]\nmax_tokens = '{500 * 'x'}'",
        f"4: 'max_tokens' must be a whole number, not '{59 * 'x'}...; change its value",
    ),
    "a switch that is a word": (
        f"{HEAD}[defaults]\nstrict = 'yes'",
        "4: 'strict' must be true or false, not 'yes'; change its value",
    ),
    "an unknown correction": (
        f"{HEAD}[defaults]\ncorrection = 'bonferoni'",
        "4: unknown correction 'bonferoni'; known: holm, none",
    ),
    "no actors": (f"{HEAD}[defaults]\nactors = 0", "4: 'actors' must be at least 1; raise it"),
    "running without walls, from a file": (
        f"{HEAD}[defaults]\nunsafe_code = true",
        (
            "4: 'unsafe_code' cannot stand in [defaults]; it may stand on the command line as "
            "--diversity-unsafe-code or in the environment as PYTEST_DIVERSITY_UNSAFE_CODE"
        ),
    ),
    "a study in every run": (
        f"{HEAD}[defaults]\nplan = true",
        "4: 'plan' cannot stand in [defaults]; it may stand on the command line as --diversity-pl",
    ),
    "an option of the run in a domain": (
        f"{HEAD}[domains.d]\nstrict = true",
        "4: 'strict' cannot stand in a domain; it may stand on the command line as --diversity-st",
    ),
    "a bound outside of a budget": (
        f"{HEAD}[domains.d]\nmin = 0.4",
        "4: 'min' cannot stand in a domain; it may stand in a budget",
    ),
    "a stop string without its list": (
        f"{HEAD}[domains.d]\nstop = 'x'",
        "4: 'stop' must be a list, not 'x'",
    ),
    "an empty stop string": (
        f"{HEAD}[domains.d]\nstop = ['x', '']",
        "4: 'stop' holds '', which no text ends at; write",
    ),
    "a stop string that is a number": (
        f"{HEAD}[checkpoints.own]\nmodel = 'x'\nstop = [3]",
        "5: 'stop' holds 3, which no text ends at; write",
    ),
    "bounds that contradict each other": (
        f"{BUDGET}lexical = {{ min = 0.4, max = 0.2 }}",
        "4: min 0.4 is above max 0.2; swap them",
    ),
    "a budget without a bound": (
        f"{BUDGET}lexical = {{}}",
        (
            "4: the budget 'lexical' has no bound; give min, max, max_drop, max_rise, "
            "max_quality_loss, max_narrowing, worst_group_min"
        ),
    ),
    "a change without a reference": (
        f"{BUDGET}lexical = {{ max_drop = '5%' }}",
        '4: max_drop: a change needs a reference; add reference = "NAME"',
    ),
    "a change in words": (
        f"{BUDGET}lexical = {{ max_drop = '5 percent', reference = 'base' }}",
        "4: '5 percent' is not a change; write it as 0.02 or as \"5%\"",
    ),
    "a change above all there is": (
        f"{BUDGET}lexical = {{ max_drop = '500%', reference = 'base' }}",
        "4: a change of '500%' is out of range; 0% to 100%",
    ),
    "an unknown reference": (
        f"{BUDGET}lexical = {{ max_drop = '5%', reference = 'bsae' }}",
        "4: unknown reference checkpoint 'bsae'; did you mean 'base'?",
    ),
    "an unknown default reference": (
        f"{HEAD}[defaults]\nreference = 'bsae'",
        "4: unknown reference checkpoint 'bsae'; did you mean 'base'?",
    ),
    "a pattern of adapters that matches nothing": (
        "[checkpoints]\nrun = { model = 'base', adapter = 'runs/checkpoint-*' }",
        "2: checkpoint 'run': nothing matches 'runs/checkpoint-*'",
    ),
    "a pattern that matches nothing": (
        "[checkpoints]\nrun = 'runs/checkpoint-*'",
        "2: checkpoint 'run': nothing matches 'runs/checkpoint-*'",
    ),
    "malformed TOML": (f"{HEAD}[domains.d", "3: not TOML: Expected ']' at the end of a table"),
    "a string without end": (f'{HEAD}x = "', "3: not TOML: Unterminated string; correct that line"),
    "a string of many lines without end": (
        f"{HEAD}x = '''\n[domains.d]\ny = []\n\n",
        "3: not TOML: Expected \"'''\"; correct that line",
    ),
    "a number of thousands of digits": (
        f"{HEAD}[domains.d]\nseed = {5000 * '9'}\nstop = []",
        "4: not TOML: a number has too many digits; correct that line",
    ),
    "lists a thousand deep": (
        f"{HEAD}[domains.d]\nstop = {2000 * '['}{2000 * ']'}\ntop_k = 1",
        "4: not TOML: lists or tables are nested too deeply; correct that line",
    ),
    "a key given twice": (f"{HEAD}base = 'x'", "3: not TOML: Cannot overwrite a value"),
    "a quoted name with a dot": (
        f'{HEAD}[domains."my.d"]\n[domains."my.d".budget]\nlexical = {{ mim = 1 }}',
        "5: unknown budget key 'mim'",
    ),
    "a dotted key": (
        f"{HEAD}[domains.d]\nbudget.lexical.min = 'x'",
        "4: 'min' must be a number, not 'x'",
    ),
    "a table of its own": (
        f"{HEAD}[domains.d.budget.lexical]\nmin = 0.4\nmim = 0.3",
        "5: unknown budget key 'mim'",
    ),
    "an argument of vLLM that the run says": (
        f"{HEAD}[defaults]\nvllm = {{ dtype = 'float16' }}",
        "4: vllm must not set 'dtype', which the run sets; see docs/engines.md",
    ),
    "arguments of vLLM that are none": (
        "[checkpoints]\nbase = { model = 'x', vllm = 'fast' }",
        "2: 'vllm' must be a table, not 'fast'",
    ),
    "an argument of vLLM that is a date": (
        "[checkpoints]\nbase = { model = 'x', vllm = { seed = 2026-01-01 } }",
        "2: vllm holds what JSON cannot; no dates, no inf, no nan",
    ),
    "the second of two domains": (
        f"{HEAD}[domains.a]\nmode = 'direct'\n[domains.b]\nmode = 'x'",
        "6: unknown mode 'x'",
    ),
    "a template of a server": (
        "[checkpoints]\na = { model = 'http://h/v1#m', template = 'none' }",
        "2: a server has its own chat template; set body = { chat_template_kwargs = {...} }, or",
    ),
    "a template told what the run says": (
        "[checkpoints]\na = { model = 'x/y', chat_template_kwargs = { messages = [] } }",
        "2: chat_template_kwargs must not set 'messages', which the run sets; see docs/prompts.md",
    ),
    "a day that is none": (
        "[checkpoints]\na = { model = 'x/y', today = '31 Jan 2026' }",
        "2: today is no date: '31 Jan 2026'; write 2026-01-31",
    ),
    "thoughts that are neither kept nor not": (
        f"{HEAD}[domains.d]\nthinking = 'on'",
        "4: unknown thinking 'on'; known: keep, strip",
    ),
    "an unknown reference of a domain": (
        f"{HEAD}[domains.d]\nreference = 'bsae'\nbudget.lexical.max_drop = '5%'",
        "4: unknown reference checkpoint 'bsae'; did you mean 'base'?",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_point_at_their_line(tmp_path: Path, case: str) -> None:
    """Every error starts with `path:line:`, which editors can open, and says what to do."""
    text, message = ERRORS[case]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'diversity.toml'}:{message}")


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    """The line of the first wrong byte is named."""
    path = tmp_path / "diversity.toml"
    path.write_bytes(b"[checkpoints]\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"diversity.toml:2: not UTF-8; save the file as UTF-8"):
        load_config(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a folder in its place are told apart."""
    with pytest.raises(ConfigError, match=r"none.toml does not exist; check the path"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
