"""Adapters on a base that stays loaded: merged where that is exact, else run beside its weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from pytest_diversity.checkpoints.adapters import WEIGHTS, check_adapter
from pytest_diversity.errors import CheckpointError, some, unexpected
from pytest_diversity.sampling.engines.transformers.libraries import demand_peft

__all__ = ["Adaptable"]

_UNUSED = ("v_head.",)  # of a trainer's value model, which no text depends on


class Adaptable:
    """A base model whose adapter can be changed.

    A LoRA adapter of plain layers is merged into the weights that it adapts, so that drawing costs
    no more than without it. These weights are kept, and put back before the next adapter is merged:
    to subtract the adapter again would leave rounding errors behind. All else that peft knows to
    train (biases, embeddings, whole modules, replicated layers, ...) is run by peft itself, and the
    base is loaded anew after it.
    """

    def __init__(self, model: Any, device: str) -> None:
        """Hold a model without an adapter, which is on `device`."""
        self._model = model
        self._device = device
        self._kept: dict[str, torch.Tensor] = {}
        self._base: Mapping[str, tuple[float, ...]] = {}
        self._restorable = True

    @property
    def plain(self) -> bool:
        """Whether the model has no layers but its own; peft's may change weights as they run."""
        return self._restorable

    def use(self, adapter: Path | None) -> None:
        """Put an adapter on the base, which has none.

        Raises:
            CheckpointError: It does not fit the base, which cannot be used after that.
            MissingExtraError: peft is not installed.
        """
        if adapter is None:
            return
        self._base = self._base or _sums(self._model)
        self._restorable = False  # until it is known that all it changes can be put back
        adapted = self._adapted(adapter)
        if _is_mergeable(self._model, adapted):
            self._keep()
            adapted.merge_and_unload()
            self._restorable = True

    def restore(self) -> bool:
        """Take the adapter that is in use out.

        Returns:
            Whether every parameter and buffer is again what it was; if not, load the base anew.
        """
        if not self._restorable:
            return False
        for name, weight in self._kept.items():
            self._model.get_submodule(name).weight.data.copy_(weight)
        self._kept = {}
        return not self._base or _sums(self._model) == self._base

    def _adapted(self, adapter: Path) -> Any:
        """The base with peft's layers in it, once it is sure that all of the adapter is there."""
        demand_peft()
        from peft import PeftModel  # noqa: PLC0415 - optional

        check_adapter(adapter)
        try:
            _resize(self._model, adapter)
            adapted = PeftModel.from_pretrained(
                self._model, adapter, use_safetensors=True, torch_device=self._device
            )
            # Loaded again, for this alone says what matched.
            found = adapted.load_adapter(
                str(adapter),
                "default",
                torch_device=self._device,
                use_safetensors=True,
                key_mapping=getattr(self._model, "_checkpoint_conversion_mapping", None),
            )
        except CheckpointError:
            raise
        except Exception as error:
            raise CheckpointError(
                f"adapter {adapter} does not fit its base: {unexpected(error)}",
                fix="use the base model it was trained on",
            ) from error
        _demand_match(adapter, found)
        return adapted

    def _keep(self) -> None:
        """The weights under the layers that the adapter has put in their places."""
        for name, module in self._model.named_modules():
            if hasattr(module, "base_layer"):
                weight = module.get_base_layer().weight
                self._kept[name] = weight.detach().to("cpu", copy=True)


def _demand_match(adapter: Path, found: Any) -> None:
    with safe_open(adapter / WEIGHTS, "pt") as file:
        there = set(file.keys())
    extra = [key for key in found.unexpected_keys if not _is_needless(key, there)]
    wrong = {"have no place in the model": extra, "are not in its file": found.missing_keys}
    for what, keys in wrong.items():
        if keys:
            raise CheckpointError(
                f"adapter {adapter} does not fit its base: weights {what}: {some(keys)}",
                fix="use the base model it was trained on, and save it with save_pretrained",
            )


def _is_needless(key: str, there: Collection[str]) -> bool:
    """Whether nothing depends on a weight, or peft has saved it under two names."""
    twin = key.replace(".modules_to_save.", ".")
    return any(part in key for part in _UNUSED) or (twin != key and twin in there)


def _is_mergeable(model: Any, adapted: Any) -> bool:
    """Whether all that the adapter does is to add to weights, each of which has one use."""
    from peft.tuners.lora.layer import Linear  # noqa: PLC0415 - optional
    from peft.utils.other import AuxiliaryTrainingWrapper  # noqa: PLC0415 - likewise

    [config] = adapted.peft_config.values()
    if getattr(config, "bias", "none") != "none" or getattr(config, "layer_replication", None):
        return False
    modules = list(model.modules())
    if any(isinstance(module, AuxiliaryTrainingWrapper) for module in modules):
        return False
    layers: list[Any] = [module for module in modules if hasattr(module, "base_layer")]
    uses = Counter(
        weight.data_ptr() for _, weight in model.named_parameters(remove_duplicate=False)
    )
    return all(type(layer) is Linear for layer in layers) and all(
        not layer.lora_variant
        and not any(layer.lora_bias.values())
        and uses[layer.get_base_layer().weight.data_ptr()] == 1
        for layer in layers
    )


def _resize(model: Any, adapter: Path) -> None:
    """Make room for the tokens that were added in training, whose embeddings the adapter holds.

    Raises:
        CheckpointError: It holds some of them only.
    """
    places: dict[str, Any] = {
        "embeddings": model.get_input_embeddings(),
        "head": model.get_output_embeddings(),
    }
    names = {id(module): name for name, module in model.named_modules()}
    held = {}
    with safe_open(adapter / WEIGHTS, "pt") as file:
        for what, module in places.items():
            for key in file.keys():  # noqa: SIM118 - no mapping
                if module is not None and _is_of(names[id(module)], key):
                    held[what] = file.get_slice(key).get_shape()[0]
    rows = places["embeddings"].weight.shape[0]
    wanted = set(held.values())
    if wanted <= {rows}:
        return
    tied = model.config.get_text_config().tie_word_embeddings
    if len(wanted) > 1 or (len(held) == 1 and not tied):
        raise CheckpointError(
            f"adapter {adapter} adds tokens, and its embeddings and its head are not both for them",
            fix="train both, or save it with save_embedding_layers=True",
        )
    model.resize_token_embeddings(wanted.pop(), mean_resizing=False)


def _is_of(module: str, key: str) -> bool:
    """Whether an adapter's `key` is the whole weight of a module of the base."""
    inner = key.removeprefix("base_model.model.")
    return inner in {f"{module}.weight", f"{module}.base_layer.weight"}


def _sums(model: Any) -> dict[str, tuple[float, ...]]:
    """Of every parameter and buffer: two sums, which a change of a weight changes."""
    named = chain(model.named_parameters(), model.named_buffers())
    return {name: _sum(tensor.detach()) for name, tensor in named if tensor.is_floating_point()}


def _sum(tensor: torch.Tensor) -> tuple[float, ...]:
    wide = torch.float32 if tensor.device.type == "mps" else torch.float64
    norm = torch.linalg.vector_norm(tensor, dtype=wide)
    return float(tensor.sum(dtype=wide)), float(norm)
