"""What is wrong with a configuration: one sentence, exit code 4, and no test has run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

NO_CACHE = ("-p", "no:cacheprovider")
HEAD = '[checkpoints]\nbase = "replay:base.jsonl"\n'
OWN = f'{HEAD}[domains.own]\nprompts = "own.jsonl"\n'
GATE = "[domains.prose.budget]\nlexical = { min = 0.1 }\n"

# name -> (files, arguments, message)
CASES: Mapping[str, tuple[Mapping[str, str], Sequence[str], str]] = {
    "an unknown key": (
        {"diversity.toml": f"{HEAD}[domains.prose]\nkid = 'code'\n"},
        (),
        "ROOT/diversity.toml:4: unknown key of domain 'prose', 'kid'; did you mean 'kind'?",
    ),
    "an unknown table": (
        {"diversity.toml": f"{HEAD}[domain.prose]\n"},
        (),
        "ROOT/diversity.toml:3: unknown table 'domain'; did you mean 'domains'?",
    ),
    "an unknown kind": (
        {"diversity.toml": f"{HEAD}[domains.prose]\nkind = 'coding'\n"},
        (),
        "ROOT/diversity.toml:4: unknown kind 'coding' of domain 'prose'; did you mean 'code'?",
    ),
    "an unknown engine": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-engine", "vlm"),
        "unknown engine 'vlm' (command line); did you mean 'vllm'?",
    ),
    "an unknown family": (
        {"diversity.toml": f"{HEAD}[domains.prose.budget]\nlexcal = {{ min = 0.1 }}\n"},
        (),
        "ROOT/diversity.toml:4: unknown family 'lexcal'; did you mean 'lexical'?",
    ),
    "an unknown metric": (
        {"diversity.toml": HEAD + GATE.replace("min", "metric = 'distinkt', min")},
        (),
        "ROOT/diversity.toml:4: unknown metric 'distinkt'; did you mean 'distinct'?",
    ),
    "a metric of another family": (
        {"diversity.toml": HEAD + GATE.replace("min", "metric = 'validity', min")},
        (),
        "ROOT/diversity.toml:4: validity() measures quality, not lexical; move the budget to *",
    ),
    "a language without a grammar": (
        {"diversity.toml": f"{HEAD}[domains.code]\nlanguage = 'cobol'\n"},
        (),
        "ROOT/diversity.toml:4: no grammar for language 'cobol'; known: *python*",
    ),
    "an adapter on top of a recording": (
        {
            "diversity.toml": "[checkpoints]\n"
            f"x = {{ model = 'replay:base.jsonl', adapter = '.' }}\n{GATE}"
        },
        (),
        "ROOT/diversity.toml:2: checkpoint 'x' is recorded: an adapter changes nothing in it; *",
    ),
    "a bound above all values": (
        {"diversity.toml": HEAD + GATE.replace("0.1", "40")},
        (),
        "ROOT/diversity.toml:4: min 40 is out of range: pair_distinct(n=4) is at most 1; write a *",
    ),
    "a drop larger than all values": (
        {"diversity.toml": HEAD + GATE.replace("min = 0.1", "max_drop = 1.5, reference = 'base'")},
        (),
        "ROOT/diversity.toml:4: max_drop 1.5 is out of range: pair_distinct(n=4) is at most 1; *",
    ),
    "a drop of more than everything": (
        {"diversity.toml": HEAD + GATE.replace("min = 0.1", "max_drop = '120%', reference='base'")},
        (),
        "ROOT/diversity.toml:4: a change of '120%' is out of range; 0% to 100%",
    ),
    "bounds that contradict each other": (
        {"diversity.toml": HEAD + GATE.replace("0.1", "0.6, max = 0.5")},
        (),
        "ROOT/diversity.toml:4: min 0.6 is above max 0.5; swap them",
    ),
    "malformed TOML": (
        {"diversity.toml": f"{HEAD}[domains.prose\n"},
        (),
        "ROOT/diversity.toml:3: not TOML: Expected ']' at the end of a table declaration; *",
    ),
    "an empty file": (
        {"diversity.toml": ""},
        (),
        "there is no checkpoint to test; add [[]checkpoints[]] to diversity.toml, or --div*",
    ),
    "malformed recorded samples": (
        {"diversity.toml": f"{HEAD}{GATE}", "base.jsonl": '{"prompt": "p"\n'},
        (),
        "ROOT/base.jsonl:1: not JSON: *; one JSON object a line",
    ),
    "recorded samples that are not there": (
        {"diversity.toml": '[checkpoints]\na = "replay:none.jsonl"\n'},
        (),
        "ROOT/diversity.toml:2: checkpoint 'replay:none.jsonl': ROOT/none.jsonl does not exist; *",
    ),
    "malformed prompts": (
        {"diversity.toml": OWN, "own.jsonl": '{"prompt": "x"}\n[1]'},
        (),
        "ROOT/own.jsonl:2: not a JSON object; one JSON object a line",
    ),
    "no prompts": (
        {"diversity.toml": OWN, "own.jsonl": "\n"},
        (),
        "ROOT/diversity.toml:4: ROOT/own.jsonl has no prompts; write one JSON object a line *",
    ),
    "prompts that are not there": (
        {"diversity.toml": OWN},
        (),
        "ROOT/diversity.toml:4: there is no prompt file ROOT/own.jsonl; check the path",
    ),
    "a model directory that is not there": (
        {"diversity.toml": '[checkpoints]\nok = "replay:base.jsonl"\ndpo = "./runs/dpo"\n'},
        (),
        "ROOT/diversity.toml:3: checkpoint './runs/dpo': ROOT/runs/dpo does not exist; check the *",
    ),
    "an adapter that is not there": (
        {"diversity.toml": '[checkpoints]\na = { model = "o/m", adapter = "./adapters/dpo" }\n'},
        (),
        "ROOT/diversity.toml:2: adapter './adapters/dpo': ROOT/adapters/dpo does not exist; *",
    ),
    "a folder that is no model": (
        {"diversity.toml": '[checkpoints]\na = "./run"\n', "run/notes.txt": "epoch 1"},
        (),
        "ROOT/diversity.toml:2: checkpoint 'ROOT/run' has no settings (config.json); name a *",
    ),
    "a model without weights": (
        {"diversity.toml": '[checkpoints]\na = "./run"\n', "run/config.json": "{}"},
        (),
        "ROOT/diversity.toml:2: checkpoint 'ROOT/run' has no weights as safetensors; name a *",
    ),
    "a model without a tokenizer": (
        {
            "diversity.toml": '[checkpoints]\na = "./run"\n',
            "run/config.json": "{}",
            "run/model.safetensors": "",
        },
        (),
        "ROOT/diversity.toml:2: checkpoint 'ROOT/run' has no tokenizer; name a folder *",
    ),
    "a model whose settings were cut off": (
        {
            "diversity.toml": '[checkpoints]\na = "./run"\n',
            "run/config.json": "{",
            "run/model.safetensors": "",
            "run/tokenizer.json": "{}",
        },
        (),
        "ROOT/diversity.toml:2: ROOT/run/config.json is not a JSON object; save the model again",
    ),
    "a model in place of an adapter": (
        {
            "diversity.toml": '[checkpoints]\na = { model = "o/m", adapter = "./run" }\n',
            "run/config.json": "{}",
        },
        (),
        "ROOT/diversity.toml:2: adapter 'ROOT/run' has no settings (adapter_config.json); name a *",
    ),
    "a file in place of a model": (
        {"diversity.toml": '[checkpoints]\na = "./own.jsonl"\n', "own.jsonl": ""},
        (),
        "ROOT/diversity.toml:2: checkpoint 'ROOT/own.jsonl' is a file; name its folder, or *",
    ),
    "an embedder that is not there": (
        {"diversity.toml": f"{HEAD}[domains.prose]\nembedder = './none'\n"},
        (),
        "ROOT/diversity.toml:4: embedder './none': ROOT/none does not exist; check the path",
    ),
    "an embedder of all domains that is not there": (
        {"diversity.toml": f"{HEAD}[defaults]\nembedder = './none'\n"},
        (),
        "ROOT/diversity.toml:4: embedder './none': ROOT/none does not exist; check the path",
    ),
    "an embedder that is a file": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-embedder", "./base.jsonl"),
        "embedder './base.jsonl' is not a model directory (command line); give a hub name, *",
    ),
    "an unknown device": (
        {"diversity.toml": f"{HEAD}[defaults]\ndevice = 'gpu'\n"},
        (),
        "ROOT/diversity.toml:4: unknown device 'gpu'; one of auto, cuda, mps, xpu, cpu",
    ),
    "an unknown number format": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-dtype", "fp16"),
        "unknown dtype 'fp16' (command line); one of auto, bfloat16, float16, float32",
    ),
    "a device that is not there": (
        {"diversity.toml": "[checkpoints]\na = 'o/m'\n[defaults]\ndevice = 'xpu'\n"},
        (),
        "ROOT/diversity.toml:4: device 'xpu' is not available here; use *",
    ),
    "a kind of all domains that is unknown": (
        {"diversity.toml": f"{HEAD}[domains.own]\n[defaults]\nkind = 'coding'\n"},
        (),
        "ROOT/diversity.toml:5: unknown kind 'coding' of domain 'own'; did you mean 'code'?",
    ),
    "one sample of each prompt": (
        {"diversity.toml": f"{HEAD}{GATE}[domains.prose]\nsamples_per_prompt = 1\n"},
        (),
        "ROOT/diversity.toml:6: domain 'prose' has 1 sample of each prompt, and pair_distinct*",
    ),
    "one sample of each prompt by default": (
        {"diversity.toml": f"{HEAD}[defaults]\nsamples_per_prompt = 1\n{GATE}"},
        (),
        "ROOT/diversity.toml:4: domain 'prose' has 1 sample of each prompt, and * needs 2 or *",
    ),
    "one sample of each prompt on the command line": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-samples", "1"),
        "domain 'prose' has 1 sample of each prompt, and * needs 2 or more (command line); raise *",
    ),
    "a bound below all values": (
        {"diversity.toml": HEAD + GATE.replace("0.1", "-0.5")},
        (),
        "ROOT/diversity.toml:4: min -0.5 is out of range: pair_distinct(n=4) is at least 0; *",
    ),
    "a path at the home of nobody": (
        {"diversity.toml": f"{HEAD}[domains.own]\nprompts = '~nobody-here/p.jsonl'\n"},
        (),
        "ROOT/diversity.toml:4: there is no prompt file ROOT/~nobody-here/p.jsonl; check the path",
    ),
    "a checkpoint at the home of nobody": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-checkpoint", "a=~nobody-here/runs"),
        "checkpoint '~nobody-here/runs': ROOT/~nobody-here/runs does not exist; check the path",
    ),
    "a path that is too long": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-checkpoint", f"a=replay:{'x' * 300}"),
        "checkpoint 'replay:xxx*': ROOT/xxx*xxx does not exist; check the path",
    ),
    "a checkpoint on the command line named like a baseline": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-checkpoint", "baseline=replay:base.jsonl"),
        "a checkpoint cannot be named 'baseline'; rename it",
    ),
    "a domain whose name cannot be shown": (
        {"diversity.toml": f'{HEAD}[domains."a\\u001b[31m"]\n'},
        (),
        "ROOT/diversity.toml:3: a domain cannot be named 'a\\x1b[[]31m'; rename it",
    ),
    "a package that is not installed": (
        {"diversity.toml": '[checkpoints]\na = "package:none-such/x.gguf"\n'},
        (),
        "ROOT/diversity.toml:2: source 'package:none-such/x.gguf': the package 'none-such' is *",
    ),
    "zero samples in the file": (
        {"diversity.toml": f"{HEAD}[defaults]\nsamples_per_prompt = 0\n"},
        (),
        "ROOT/diversity.toml:4: 'samples_per_prompt' must be at least 1; raise it",
    ),
    "zero samples on the command line": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-samples", "0"),
        "'samples' must be at least 1 (command line); raise it",
    ),
    "an unknown checkpoint on the command line": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-checkpoint", "bsae"),
        "unknown checkpoint 'bsae'; did you mean 'base'?",
    ),
    "a checkpoint without a name": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-checkpoint", "=x"),
        "--diversity-checkpoint '=x' is incomplete; write NAME=SOURCE",
    ),
    "a missing directory on the command line": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-checkpoint", "a=./none"),
        "checkpoint './none': ROOT/none does not exist; check the path",
    ),
    "a configuration that is not there": (
        {"diversity.toml": f"{HEAD}{GATE}"},
        ("--diversity-config", "none.toml"),
        "ROOT/none.toml does not exist; check the path",
    ),
    "a configuration in a sub-folder": (
        {"diversity.toml": f"{HEAD}{GATE}", "sub/diversity.toml": "[domain]\n"},
        (),
        "ROOT/sub/diversity.toml:1: unknown table 'domain'; did you mean 'domains'?",
    ),
    "samples of a configuration in a sub-folder": (
        {"sub/diversity.toml": f"{HEAD}{GATE}"},
        (),
        "ROOT/sub/diversity.toml:2: checkpoint 'replay:base.jsonl': ROOT/sub/base.jsonl does not *",
    ),
    "a test that needs a checkpoint": (
        {"test_it.py": "def test_a(diversity): ..."},
        (),
        "there is no checkpoint to test; add [[]checkpoints[]] to diversity.toml, or --div*",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_configuration_ends_the_run(project: pytest.Pytester, case: str) -> None:
    """It is refused before any test runs."""
    files, arguments, message = CASES[case]
    (project.path / "diversity.toml").unlink()
    for name, content in files.items():
        (project.path / name).parent.mkdir(exist_ok=True)
        (project.path / name).write_text(content)
    result = project.runpytest_inprocess(*NO_CACHE, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = [line for line in result.errlines if line]
    assert len(said) == 1
    root = str(project.path)
    result.stderr.fnmatch_lines([f"ERROR: diversity: {message}".replace("ROOT", root)])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*passed*")


def test_a_wrong_configuration_ends_a_run_with_workers(project: pytest.Pytester) -> None:
    """The process that starts the workers finds it first."""
    (project.path / "diversity.toml").write_text("[domain]\n")
    result = project.runpytest_inprocess(*NO_CACHE, "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: *diversity.toml:1: unknown table 'domain'; *"])


def test_a_misspelt_domain_ends_a_run_with_workers(project: pytest.Pytester) -> None:
    """It is found by a worker, which alone sees the tests, and no test is run."""
    project.makepyfile(
        "def test_a(diversity): diversity.assert_lexical_diversity(domain='prsoe', min=0.1)"
    )
    result = project.runpytest_subprocess(*NO_CACHE, "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: diversity: *unknown domain 'prsoe'*did you mean 'prose'?"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("* passed*")


def test_a_checkpoint_without_samples_for_a_domain(project: pytest.Pytester) -> None:
    """The gates of that domain fail with a sentence; those of others are judged."""
    text = (
        (project.path / "base.jsonl")
        .read_text()
        .replace('{"prompt"', '{"domain": "code", "prompt"')
    )
    (project.path / "base.jsonl").write_text(text)
    result = project.runpytest_inprocess(*NO_CACHE, "-k", "base")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["checkpoint 'base' (replay:base.jsonl) has no samples for domain 'prose'; add some to *"]
    )
