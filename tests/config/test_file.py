"""`diversity.toml` and `--diversity-checkpoint`: what they mean, and every error at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.config.budget import Budget, Change
from pytest_diversity.config.file import load_config
from pytest_diversity.config.named import add_checkpoints
from pytest_diversity.config.values import BUILTIN_DOMAINS, Config, Generation
from pytest_diversity.errors import ConfigError


def load(folder: Path, text: str, checkpoints: Sequence[str] = ()) -> Config:
    """The configuration of a file with that text."""
    (folder / "diversity.toml").write_text(text, encoding="utf-8")
    return load_config(folder / "diversity.toml", checkpoints)


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


def test_a_budget_that_only_measures_needs_no_bound(tmp_path: Path) -> None:
    """With `level = "off"` a value is reported and nothing is asked of it."""
    config = load(tmp_path, f"{BUDGET}lexical = {{ level = 'off' }}")
    assert config.domain("d").budgets["lexical"] == Budget(level="off")


CHANGES: Mapping[str, tuple[object, Change | None]] = {
    "a share": ("5%", Change(0.05, relative=True)),
    "a share with a fraction and spaces": (" 2.5 % ", Change(0.025, relative=True)),
    "an amount": (0.02, Change(0.02, relative=False)),
    "no change": (0, Change(0.0, relative=False)),
    "an amount of a metric that counts": (5, Change(5.0, relative=False)),
    "all of it": ("100%", Change(1.0, relative=True)),
    "a negative share": ("-5%", None),
    "a negative amount": (-0.1, None),
    "more than all": ("101%", None),
    "more than any value": (float("inf"), None),
    "true": (True, None),
    "not a number": (float("nan"), None),
    "a number in quotes": ("0.02", None),
    "None": (None, None),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes(case: str) -> None:
    """A change is an amount or a share in percent, from nothing to all."""
    written, expected = CHANGES[case]
    if expected is None:
        with pytest.raises(ConfigError, match="change"):
            Change.parse(written)
    else:
        assert Change.parse(written) == expected


@given(st.integers(0, 1000), st.booleans())
def test_a_change_is_shown_as_it_is_read(thousandths: int, relative: bool) -> None:  # noqa: FBT001
    """What a message shows can be written into the file."""
    change = Change(thousandths / 1000, relative=relative)
    shown = str(change)
    read = Change.parse(shown if relative else float(shown))
    assert read.relative is relative
    assert read.amount == pytest.approx(change.amount)


def folders(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


def test_a_pattern_expands_by_step(tmp_path: Path) -> None:
    """Checkpoint directories become checkpoints in the order of their steps, not of their names."""
    folders(tmp_path, *(f"runs/checkpoint-{step}" for step in (1000, 500, 2000)), "runs/final")
    config = load(tmp_path, '[checkpoints]\nrun = "runs/checkpoint-*"\nend = "runs/fin*"')
    assert config.selected == ("run-500", "run-1000", "run-2000", "end-final")
    assert config.checkpoints["run-500"].source == (tmp_path / "runs/checkpoint-500").as_posix()


STEPS: Mapping[str, tuple[Sequence[str], str, Mapping[str, tuple[str, int | None]]]] = {
    "of one run": (
        ["runs/checkpoint-1000/", "runs/checkpoint-500/"],
        "runs/checkpoint-*",
        {"run-500": ("run", 500), "run-1000": ("run", 1000)},
    ),
    "its end is no step": (
        ["runs/checkpoint-500/", "runs/final/"],
        "runs/*",
        {"run-final": ("run", None), "run-500": ("run", 500)},
    ),
    "of several runs, side by side": (
        [f"{run}/out/checkpoint-{step}/" for run in ("seed-10", "seed-9") for step in (10, 9)],
        "*/out/checkpoint-*",
        {
            f"run-seed-{seed}-{step}": (f"run-seed-{seed}", step)
            for seed in (9, 10)
            for step in (9, 10)
        },
    ),
    "the ends of several runs": (
        ["a/final/", "b/final/"],
        "*/final",
        {"run-a-final": ("", None), "run-b-final": ("", None)},
    ),
    "nor are models with numbers": (
        ["m/llama-3/", "m/qwen-2/"],
        "m/*",
        {"run-2": ("", None), "run-3": ("", None)},
    ),
    "recorded samples": (
        ["r/step-20.jsonl", "r/step-100.jsonl.gz"],
        "replay:r/step-*",
        {"run-20": ("run", 20), "run-100": ("run", 100)},
    ),
}


@pytest.mark.parametrize("case", STEPS)
def test_the_steps_of_a_run(case: str, tmp_path: Path) -> None:
    """Matches of a pattern that differ in a number alone are a training run, by step."""
    paths, pattern, known = STEPS[case]
    folders(tmp_path, *(path for path in paths if path.endswith("/")))
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            (tmp_path / path).touch()
    config = load(tmp_path, f'[checkpoints]\nrun = "{pattern}"')
    assert {one.name: (one.run, one.step) for one in config.checkpoints.values()} == known
    assert list(config.checkpoints) == list(known)


def test_a_recording_that_a_pattern_matches_is_one(tmp_path: Path) -> None:
    """Its source says so, as if it had been named."""
    (tmp_path / "step-20.jsonl").touch()
    config = load(tmp_path, '[checkpoints]\nrun = "replay:step-*.jsonl"')
    assert config.checkpoint("run-20").source == f"replay:{(tmp_path / 'step-20.jsonl').as_posix()}"


def test_a_pattern_may_be_absolute(tmp_path: Path) -> None:
    """Runs often lie elsewhere."""
    folders(tmp_path, "elsewhere/step_7", "project")
    pattern = (tmp_path / "elsewhere/step_*").as_posix()
    config = load(tmp_path / "project", f'[checkpoints]\nrun = "{pattern}"')
    assert config.selected == ("run-7",)


def test_expanded_checkpoints_share_their_settings(tmp_path: Path) -> None:
    """Settings beside a pattern hold for all that it matches."""
    folders(tmp_path, "c-1", "c-2")
    text = '[checkpoints]\nrun = { model = "c-*", adapter = "a", temperature = 0.5 }'
    config = load(tmp_path, text)
    assert [c.adapter for c in config.checkpoints.values()] == ["a", "a"]
    assert [c.generation for c in config.checkpoints.values()] == [{"temperature": 0.5}] * 2


def test_a_pattern_on_the_command_line_expands_to_the_same_names(tmp_path: Path) -> None:
    """NAME=runs/* names what the file's { model = "runs/*" } names; nothing is an error."""
    for step in (200, 50):
        (tmp_path / "runs" / f"checkpoint-{step}").mkdir(parents=True)
    config = add_checkpoints(Config(), ["sft=runs/checkpoint-*"], tmp_path)
    assert config.selected == ("sft-50", "sft-200")
    assert config.checkpoints["sft-50"].source == (tmp_path / "runs/checkpoint-50").as_posix()
    with pytest.raises(ConfigError, match="nothing matches 'other/"):
        add_checkpoints(Config(), ["sft=other/*"], tmp_path)


def test_a_pattern_of_adapters_expands_on_one_base(tmp_path: Path) -> None:
    """The checkpoints of a run of fine-tuning, each on the model that it began with."""
    folders(tmp_path, *(f"runs/checkpoint-{step}" for step in (1000, 500)))
    text = '[checkpoints]\nsft = { model = "org/base", adapter = "runs/checkpoint-*" }'
    config = load(tmp_path, text)
    assert config.selected == ("sft-500", "sft-1000")
    assert [(c.source, c.adapter) for c in config.checkpoints.values()] == [
        ("org/base", (tmp_path / f"runs/checkpoint-{step}").as_posix()) for step in (500, 1000)
    ]


def test_two_patterns_in_one_checkpoint_are_refused(tmp_path: Path) -> None:
    """Which adapter belongs on which model is nobody's guess."""
    folders(tmp_path, "base-1", "sft-1")
    text = '[checkpoints]\nsft = { model = "base-*", adapter = "sft-*" }'
    with pytest.raises(ConfigError, match="toml:2: checkpoint 'sft' has a pattern for its model"):
        load(tmp_path, text)


def test_two_checkpoints_of_one_step_are_refused(tmp_path: Path) -> None:
    """Two checkpoints never share a name, which would silently drop one of them."""
    folders(tmp_path, "runs/checkpoint-1", "runs/checkpoint-01")
    with pytest.raises(ConfigError, match="toml:2: two checkpoints are named 'run-1'; rename one"):
        load(tmp_path, '[checkpoints]\nrun = "runs/checkpoint-*"')


def test_a_directory_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    """What exists under the very name is meant."""
    folders(tmp_path, "run [old]")
    assert load(tmp_path, '[checkpoints]\na = "run [old]"').selected == ("a",)


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


BOUNDS: Mapping[str, object] = {"text": "0.4", "not a number": float("nan"), "true": True}


@pytest.mark.parametrize("case", BOUNDS)
def test_a_bound_given_in_python_is_checked_too(case: str) -> None:
    """An assertion's `min` or `max` that is no number is refused, not compared with."""
    wrong: dict[str, object] = {"max": BOUNDS[case]}
    with pytest.raises(ConfigError, match="max must be a number"):
        Budget(**wrong)  # type: ignore[arg-type] # that is the point


def test_unknown_names_are_corrected() -> None:
    """Asking for a domain or a checkpoint that is not there suggests one that is."""
    with pytest.raises(ConfigError, match="unknown domain 'cod'; did you mean 'code'"):
        Config().domain("cod")
    with pytest.raises(ConfigError, match="unknown checkpoint 'x'; known: none"):
        Config().checkpoint("x")
