"""Optional libraries that some weights need: asked for before anything is loaded, or when it is."""

from __future__ import annotations

from pytest_diversity.errors import require

__all__ = ["demand_bitsandbytes", "demand_gguf", "demand_peft"]


def demand_peft() -> None:
    """Refuse an adapter where peft is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    require("a LoRA adapter", package="peft", extra="adapters")


def demand_gguf(name: str) -> None:
    """Refuse a GGUF file of that name where gguf is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    require(name, package="gguf", extra="gguf")


def demand_bitsandbytes(quantization: str) -> None:
    """Refuse to quantise, to `8bit` or `4bit`, where bitsandbytes is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    require(f"{quantization} weights", package="bitsandbytes", extra="quantized")
