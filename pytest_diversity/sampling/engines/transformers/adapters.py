"""LoRA adapters: merged into a base that stays loaded, and taken out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pytest_diversity.errors import CheckpointError, MissingExtraError, first_line

__all__ = ["Adaptable"]


class Adaptable:
    """A base model whose adapter can be changed.

    An adapter is merged into the weights that it adapts, so that drawing costs no more than without
    it. These weights are kept, and put back before the next adapter is merged: to subtract the
    adapter again would leave rounding errors behind.
    """

    def __init__(self, model: Any, device: str) -> None:
        """Hold a model without an adapter, which is on `device`."""
        self._model = model
        self._device = device
        self._kept: dict[str, torch.Tensor] = {}
        self.changeable = True

    def use(self, adapter: Path | None) -> None:
        """Take the adapter that is in use out, and merge another one, if any.

        Raises:
            CheckpointError: It does not fit the base, which cannot be used after that.
            MissingExtraError: peft is not installed.
        """
        for name, weight in self._kept.items():
            self._model.get_submodule(name).weight.data.copy_(weight)
        self._kept = {}
        if adapter is not None:
            self.changeable = False  # until it is known that all it changes can be put back
            self._merge(adapter)

    def _merge(self, adapter: Path) -> None:
        try:
            from peft import PeftModel  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingExtraError("a LoRA adapter", package="peft", extra="adapters") from None
        try:
            adapted = PeftModel.from_pretrained(
                self._model, adapter, use_safetensors=True, torch_device=self._device
            )
            self._keep()
            adapted.merge_and_unload()
        except Exception as error:
            raise CheckpointError(
                f"adapter {adapter} does not fit its base: {first_line(error)}",
                fix="use the base model it was trained on",
            ) from error
        (config,) = adapted.peft_config.values()
        whole = (
            getattr(config, "modules_to_save", None) or getattr(config, "bias", "none") != "none"
        )
        self.changeable = not whole

    def _keep(self) -> None:
        """The weights under the layers that the adapter has put in their places."""
        for name, module in self._model.named_modules():
            if hasattr(module, "base_layer"):
                weight = module.get_base_layer().weight
                self._kept[name] = weight.detach().to("cpu", copy=True)
