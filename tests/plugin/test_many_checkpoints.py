"""Runs of fine-tuning that saved many adapters of one base, gated by one pattern."""

from __future__ import annotations

import gc
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.nn import Parameter
from transformers import AutoModelForCausalLM

from pytest_diversity.config.file import load_config
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config
from tests.sampling.conftest import save_model
from tests.workspaces import workspace_of

CONFIG = """
[checkpoints]
base = "BASE"
run = "runs/*/checkpoint-*"
[defaults]
reference = "base"
samples_per_prompt = 4
max_tokens = 12
device = "cpu"
dtype = "float32"
[domains.story]
kind = "prose"
prompts = "prompts.jsonl"
[domains.story.budget]
lexical = { max_drop = 0.9 }
"""
STEPS = (9, 10, 20, 30, 40, 50, 60, 70, 80, 100)
NO_CACHE = ("-p", "no:cacheprovider")
Fault = Callable[[pytest.Pytester, Path], object]
Texts = tuple[str, ...]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and what two runs have saved: twenty adapters, at which texts change."""
    root = tmp_path_factory.mktemp("saved")
    model = _adaptable(save_model(root / "base"))
    for run in ("high", "low"):
        for step in STEPS:
            _save(model, root / f"runs/{run}/checkpoint-{step}")
    _save(_adaptable(save_model(root / "other", hidden=64)), root / "stranger")
    return root


def _adaptable(base: Path) -> Any:
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    return get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)


def _save(model: Any, folder: Path) -> None:
    """An adapter of random weights, which are others each time."""
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(str(folder))


@pytest.fixture
def trained(project: pytest.Pytester, saved: Path) -> pytest.Pytester:
    """A project with what was saved."""
    shutil.copytree(saved / "runs", project.path / "runs")
    prompts = [f'{{"id": "p{i}", "prompt": "the cat {i}"}}\n' for i in range(6)]
    (project.path / "prompts.jsonl").write_text("".join(prompts))
    (project.path / "diversity.toml").write_text(CONFIG.replace("BASE", str(saved / "base")))
    return project


def table(result: pytest.RunResult, start: str) -> list[list[str]]:
    """The words of the lines that begin so in the summary."""
    lines = result.outlines[result.outlines.index(next(filter(_is_head, result.outlines))) :]
    return [line.split() for line in lines if line.startswith(start)]


def _is_head(line: str) -> bool:
    return bool(re.fullmatch("=+ diversity =+", line))


def loadings(result: pytest.RunResult) -> int:
    """How often a base was loaded, as a run says it."""
    return sum("loading base on cpu" in line for line in [*result.outlines, *result.errlines])


@pytest.mark.long
def test_the_base_is_loaded_once_and_steps_stand_in_their_order(trained: pytest.Pytester) -> None:
    """Run after run, 9 before 10; each run is a line of its own by step."""
    result = trained.runpytest_inprocess(*NO_CACHE, "-v")
    assert result.ret == 0
    assert loadings(result) == 1
    judged = [row[0] for row in table(result, "run-") if "6" in row]
    assert judged == [f"run-{run}-{step}" for run in ("high", "low") for step in STEPS]
    curves = [row[:3] for row in table(result, "run-") if "kept" in row]
    assert curves == [[f"run-{run}", "story", "lexical"] for run in ("high", "low")]


@pytest.mark.long
def test_a_worker_loads_a_base_once(trained: pytest.Pytester) -> None:
    """However the checkpoints are spread over the workers of xdist."""
    result = trained.runpytest_subprocess(*NO_CACHE, "-v", "-n", "2")
    assert result.ret == 0
    assert 1 <= loadings(result) <= 2
    result.stdout.fnmatch_lines(["*21 passed*"])


@pytest.mark.long
def test_an_adapter_draws_what_it_draws_alone(trained: pytest.Pytester) -> None:
    """Nothing is left of those before it: neither in texts, nor in memory."""
    config = load_config(trained.path / "diversity.toml")
    together, held = drawn(config, trained.path / "together.sqlite", config.selected)
    assert len(set(together)) == len(config.selected)
    assert len(set(held[2:])) == 1
    for name in ("run-high-10", "run-low-100"):
        alone, _ = drawn(config, trained.path / f"{name}.sqlite", [name])
        assert alone == [together[config.selected.index(name)]]


def drawn(config: Config, store: Path, names: Sequence[str]) -> tuple[list[Texts], list[int]]:
    """What each checkpoint answers, one after another, and the bytes of tensors that are held."""
    texts, held = [], []
    options = Options(device="cpu", dtype="float32", store=store)
    with closing(workspace_of(config, options, store.parent)) as workspace:
        for name in names:
            samples = workspace.samples(name, "story").samples
            texts.append(tuple(one.text for one in samples))
            held.append(held_by_tensors())
    return texts, held


def held_by_tensors() -> int:
    """Bytes."""
    gc.collect()
    every = (one for one in gc.get_objects() if type(one) in {torch.Tensor, Parameter})
    return sum(one.nbytes for one in every)


def _half_written(project: pytest.Pytester, _: Path) -> None:
    (project.path / "runs/low/checkpoint-100/adapter_model.safetensors").unlink()


def _cut_off(project: pytest.Pytester, _: Path) -> None:
    weights = project.path / "runs/low/checkpoint-100/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def _empty(project: pytest.Pytester, _: Path) -> None:
    (project.path / "runs/low/checkpoint-200").mkdir()


def _of_another_base(project: pytest.Pytester, saved: Path) -> None:
    shutil.copytree(saved / "stranger", project.path / "runs/low/checkpoint-200")


BEFORE: Mapping[str, tuple[Fault, str]] = {
    "no weights yet": (
        _half_written,
        "*adapter '*/runs/low/checkpoint-100' has no weights as safetensors; *, or wait where its*",
    ),
    "weights cut off": (_cut_off, "*/checkpoint-100/*.safetensors cannot be read: *, or wait *"),
    "nothing yet": (_empty, "*checkpoint '*/runs/low/checkpoint-200' has no *, or wait where its*"),
    "of another base": (
        _of_another_base,
        "*run-low-200 is an adapter of '*/other', and run-low-9, of the same run, is one of *; *",
    ),
}


@pytest.mark.parametrize("case", BEFORE)
def test_what_is_found_before_anything_is_drawn(
    case: str, trained: pytest.Pytester, saved: Path
) -> None:
    """One sentence, and exit code 4: a step that was left out would be green for no reason."""
    fault, message = BEFORE[case]
    fault(trained, saved)
    result = trained.runpytest_inprocess(*NO_CACHE)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: diversity: {message}"])


def test_earlier_steps_need_not_be_whole(trained: pytest.Pytester) -> None:
    """What is left out may have been cleared away."""
    (trained.path / "runs/low/checkpoint-9/adapter_model.safetensors").unlink()
    later = (*NO_CACHE, "--diversity-since=100")
    assert trained.runpytest_inprocess(*later, "--diversity-list").ret == 0


GONE = """
import shutil

def pytest_runtest_setup(item):
    if "run-low-20" in item.name:
        shutil.rmtree("runs/low/checkpoint-20")
"""


@pytest.mark.long
def test_one_that_goes_while_the_run_tests(trained: pytest.Pytester, saved: Path) -> None:
    """Its tests fail in a sentence, as do those of weights that do not fit; the others go on."""
    trained.makeconftest(GONE)
    weights = "adapter_model.safetensors"
    shutil.copy(saved / "stranger" / weights, trained.path / "runs/low/checkpoint-10" / weights)
    result = trained.runpytest_inprocess(*NO_CACHE, "-k", "low")
    result.assert_outcomes(passed=8, failed=2)
    result.stdout.fnmatch_lines(
        [
            "adapter */checkpoint-10 does not fit its base: *: size mismatch for *; use *",
            "*checkpoint '*/checkpoint-20': */checkpoint-20 does not exist; *",
        ]
    )
    assert not [line for line in result.outlines if line.startswith("Traceback")]


@pytest.mark.long
def test_one_without_a_number(trained: pytest.Pytester) -> None:
    """It is tested, stands in no curve, and that is said."""
    shutil.copytree(
        trained.path / "runs/low/checkpoint-100", trained.path / "runs/low/checkpoint-last"
    )
    result = trained.runpytest_inprocess(*NO_CACHE, "-k", "low")
    assert result.ret == 0
    assert [row for row in table(result, "run-low-checkpoint-last") if "pass" in row]
    line = "run-low-checkpoint-last has no number at its end: it is tested, and is no step of run-*"
    result.stdout.fnmatch_lines([line])
