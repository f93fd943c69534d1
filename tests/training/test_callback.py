"""A model is looked at while it is trained, and training does not notice."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
    set_seed,
)

from pytest_diversity.errors import ConfigError, DiversityError
from pytest_diversity.training import DiversityCallback
from tests.training.conftest import write

STEPS = 4


def lora(model: Any) -> Any:
    """A model with an adapter that drops out at random."""
    config = LoraConfig(
        r=4, lora_dropout=0.2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def trainer(
    base: Path,
    folder: Path,
    *callbacks: Any,
    adapt: Callable[[Any], Any] = lora,
    checkpointing: bool = False,
) -> Trainer:
    """A trainer of some steps, always of the same ones."""
    set_seed(0)
    model = adapt(AutoModelForCausalLM.from_pretrained(base))
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.eos_token
    texts = [tokenizer(f"the cat sat on the mat {i}")["input_ids"][:8] for i in range(40)]
    arguments = TrainingArguments(
        output_dir=str(folder / "runs"),
        max_steps=STEPS,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        logging_steps=2,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        activation_checkpointing=checkpointing,
    )
    return Trainer(
        model,
        arguments,
        train_dataset=[{"input_ids": ids, "labels": ids} for ids in texts],
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )


def weights(trained: Trainer) -> dict[str, torch.Tensor]:
    """All parameters."""
    model: Any = trained.model
    return {name: one.detach() for name, one in model.named_parameters()}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="an adapter, with dropout"),
        pytest.param({"checkpointing": True}, id="computed again", marks=pytest.mark.long),
        pytest.param({"adapt": lambda model: model}, id="all weights", marks=pytest.mark.long),
    ],
)
def test_training_is_equal_bit_for_bit(
    settings: dict[str, Any], base: Path, configuration: Path, tmp_path: Path
) -> None:
    """Random numbers, modes and weights are as if nobody had looked; so is what is logged."""
    callback = DiversityCallback(configuration, domains=["story"], every=2)
    looked = trainer(base, tmp_path, callback, **settings)
    looked.train()
    alone = trainer(base, tmp_path, **settings)
    alone.train()
    assert all(torch.equal(one, weights(alone)[name]) for name, one in weights(looked).items())
    losses = [
        [entry["loss"] for entry in one.state.log_history if "loss" in entry]
        for one in (looked, alone)
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == STEPS // 2
    model: Any = looked.model
    assert model.training
    assert model.config._attn_implementation == "sdpa"


def test_what_is_logged(base: Path, configuration: Path, tmp_path: Path) -> None:
    """Every family, the split and the token entropy reach the log at the steps that were asked."""
    callback = DiversityCallback(configuration, domains=["story"], every=3)
    trained = trainer(base, tmp_path, callback)
    trained.train()
    logged = {
        entry["step"]: {name for name in entry if name.startswith("diversity/")}
        for entry in trained.state.log_history
        if "diversity/share_of_time" in entry
    }
    families = ("lexical", "syntactic", "semantic", "effective", "quality", "token_entropy")
    parts = ("effective_quality_loss", "effective_narrowing_loss")
    names = {f"diversity/story/{name}" for name in (*families, *parts)}
    assert logged == {step: names | {"diversity/share_of_time"} for step in (3, STEPS)}
    steps = [(one.checkpoint, one.run, one.step) for one in callback.verdicts]
    assert steps == [("step-3", "runs", 3)] * 2 + [("step-4", "runs", 4)] * 2
    change = callback.verdicts[0].change
    assert change is not None
    assert change.reference == "base"


@pytest.mark.long
def test_reports_show_the_training_by_step(
    base: Path, configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every verdict has its run and step, of which pages and tables make curves."""
    monkeypatch.chdir(tmp_path)
    reports = ["json:seen.json", "html:seen.html", "markdown:seen.md"]
    callback = DiversityCallback(configuration, every=2, run="sft", report=reports)
    trainer(base, tmp_path, callback).train()
    found = json.loads((tmp_path / "seen.json").read_text())
    steps = {(one["run"], one["step"], one["checkpoint"]) for one in found["verdicts"]}
    assert steps == {("sft", 2, "step-2"), ("sft", 4, "step-4")}
    assert "| sft | story | lexical |" in (tmp_path / "seen.md").read_text()
    assert "sft: lexical" in (tmp_path / "seen.html").read_text()


@pytest.mark.long
def test_looks_that_take_long_are_warned_of_once(
    base: Path, configuration: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the number of steps between them that would keep to the share."""
    callback = DiversityCallback(configuration, every=1, share=1e-6)
    trainer(base, tmp_path, callback).train()
    [warning] = [one.getMessage() for one in caplog.records if "the look at" in one.message]
    assert re.search(r"the look at step 1 took .* since step 0: every=\d{4,} would take", warning)


@pytest.mark.long
def test_where_trl_generates_through_vllm_it_says_what_draws(
    base: Path, configuration: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Our own engine, from the model in training: nothing is asked of vLLM."""
    callback = DiversityCallback(configuration, every=STEPS)
    looked = trainer(base, tmp_path, callback)
    looked.args.use_vllm = True  # type: ignore[attr-defined] # as trl's arguments have it
    looked.train()
    assert "trl generates through vLLM here; looks draw from the model in training" in caplog.text
    assert {one.step for one in callback.verdicts} == {STEPS}


@pytest.mark.parametrize(("stop", "steps"), [(True, 1), (False, STEPS)], ids=["stop", "go on"])
def test_a_broken_budget_can_stop_the_run(
    stop: bool,  # noqa: FBT001
    steps: int,
    base: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What broke is said either way."""
    broken = write(tmp_path, base, "max = 0.1")
    callback = DiversityCallback(broken, domains=["story"], every=1, stop=stop)
    trained = trainer(base, tmp_path, callback)
    with caplog.at_level(logging.WARNING, "pytest_diversity.training"):
        trained.train()
    assert trained.state.global_step == steps
    assert "step 1: fail: story lexical" in caplog.text


def test_a_look_that_fails_does_not_end_the_training(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said which step was not looked at, and why."""
    reference = shutil.copytree(base, tmp_path / "reference")
    callback = DiversityCallback(write(tmp_path, reference), domains=["story"], every=2)
    (reference / "model.safetensors").unlink()
    trained = trainer(base, tmp_path, callback)
    trained.train()
    assert trained.state.global_step == STEPS
    assert "step 2 could not be looked at" in caplog.text
    assert not callback.verdicts


def test_a_model_that_learns_a_prompt_is_refused_before_it_is_trained(
    base: Path, configuration: Path, tmp_path: Path
) -> None:
    """Without its wrapper it would be another model."""
    config = PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")
    callback = DiversityCallback(configuration, domains=["story"])
    trained = trainer(base, tmp_path, callback, adapt=lambda model: get_peft_model(model, config))
    with pytest.raises(ConfigError, match="learns a prompt"):
        trained.train()


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "no step": ({"every": 0}, "every = 0"),
    "an unknown domain": ({"domains": ["stroy"]}, "unknown domain 'stroy'"),
    "no domain": ({"domains": []}, "no domain has a budget"),
    "more than all of the time": ({"share": 1.5}, "share = 1.5 is no share of time"),
    "an unknown report": ({"report": ["pdf"]}, "unknown type of report 'pdf'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_looked_at(case: str, configuration: Path) -> None:
    """One sentence, when the callback is made."""
    arguments, message = REFUSED[case]
    with pytest.raises(DiversityError, match=message):
        DiversityCallback(configuration, **arguments)
