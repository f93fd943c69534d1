"""A trl DPO run that is killed and resumed ends as one that nobody disturbed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import write

pytestmark = pytest.mark.long

STEPS, SAVED, KILLED = 6, 2, 4  # killed as step 5 begins, or in the look at 4, before that is saved
LOOKED = {"step": {6}, "look": {4, 6}}  # after the resumption

SCRIPT = """
import os, signal, sys
from pathlib import Path

from datasets import Dataset
from peft import LoraConfig
from transformers import AutoTokenizer, TrainerCallback, set_seed
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from pytest_diversity.sampling.engines.transformers.drawer import Drawer
from pytest_diversity.training import DiversityCallback

base, folder, configuration, steps, saved, killed, where = sys.argv[1:]


class Killed(TrainerCallback):
    def on_step_begin(self, args, state, control, **rest):
        if where == "step" and state.global_step == int(killed):
            os.kill(os.getpid(), signal.SIGKILL)

    def on_step_end(self, args, state, control, **rest):
        if where == "look" and state.global_step == int(killed):
            whole = Drawer.sample

            def half(self, *given):
                for number, one in enumerate(whole(self, *given)):
                    if number == 5:
                        os.kill(os.getpid(), signal.SIGKILL)
                    yield one

            Drawer.sample = half


def turn(role, text):
    return [{"role": role, "content": text}]


rows = [
    {
        "prompt": turn("user", f"the cat {i}"),
        "chosen": turn("assistant", f"sat on the mat {i}"),
        "rejected": turn("assistant", f"ran in the park {i}"),
    }
    for i in range(24)
]
set_seed(0)
tokenizer = AutoTokenizer.from_pretrained(base)
tokenizer.pad_token = tokenizer.eos_token
trainer = DPOTrainer(
    model=base,
    args=DPOConfig(
        output_dir=folder,
        max_steps=int(steps),
        logging_steps=1,
        save_steps=int(saved),
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        report_to="none",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
        max_length=64,
    ),
    train_dataset=Dataset.from_list(rows),
    peft_config=LoraConfig(
        r=4, lora_dropout=0.1, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    ),
    processing_class=tokenizer,
    callbacks=[Killed(), DiversityCallback(configuration, every=2, report=["json:seen.json"])],
)
trainer.train(resume_from_checkpoint=where == "resume")
"""


def train(base: Path, folder: Path, where: str) -> int:
    """Train in a process of its own; its exit code."""
    script = folder / "train.py"
    script.write_text(SCRIPT)
    settings = [str(one) for one in (base, folder / "dpo", folder / "diversity.toml")]
    command = [*settings, *(str(one) for one in (STEPS, SAVED, KILLED, where))]
    done = subprocess.run([sys.executable, str(script), *command], cwd=folder, check=False)  # noqa: S603 - ours
    return done.returncode


def outcome(folder: Path) -> tuple[bytes, list[dict[str, Any]], list[dict[str, Any]]]:
    """The adapter of the last step; what was logged of each step; the verdicts.

    Less clocks, and less the tokens that trl has seen, which it counts from a resumption on.
    """
    last = folder / f"dpo/checkpoint-{STEPS}"
    logged = json.loads((last / "trainer_state.json").read_text())["log_history"]
    others = ("runtime", "second", "time", "num_tokens")
    kept = [
        {key: value for key, value in entry.items() if not any(word in key for word in others)}
        for entry in logged
    ]
    verdicts = json.loads((folder / "seen.json").read_text())["verdicts"]
    return (last / "adapter_model.safetensors").read_bytes(), kept, verdicts


def project(folder: Path, base: Path) -> Path:
    """A folder with a configuration and a store of its own."""
    folder.mkdir()
    write(folder, base)
    return folder


@pytest.fixture(scope="module")
def undisturbed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nobody killed."""
    folder = project(tmp_path_factory.mktemp("runs") / "undisturbed", base)
    assert train(base, folder, "none") == 0
    return folder


@pytest.mark.parametrize("where", ["step", "look"])
def test_a_killed_run_ends_as_an_undisturbed_one(
    where: str, base: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Its weights bit for bit, what it logged of each step, looks included, and its verdicts."""
    resumed = project(tmp_path / "resumed", base)
    assert train(base, resumed, where) == -signal.SIGKILL
    assert not (resumed / f"dpo/checkpoint-{STEPS}").exists()
    assert train(base, resumed, "resume") == 0
    weights, logged, verdicts = outcome(resumed)
    expected, entries, judged = outcome(undisturbed)
    assert weights == expected
    assert logged == entries
    assert {one["step"] for one in verdicts} == LOOKED[where]
    assert [one for one in judged if one in verdicts] == verdicts
