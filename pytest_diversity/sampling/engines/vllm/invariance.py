"""vLLM's batch-invariant mode, by which `--diversity-deterministic` is kept."""

from __future__ import annotations

import os
from collections.abc import Container
from typing import Any

from pytest_diversity.errors import ConfigError

__all__ = ["VARIABLE", "ask_invariance", "check_invariance", "unreliable"]

VARIABLE = "VLLM_BATCH_INVARIANT"
_CAPABILITY = (8, 0)  # of the oldest NVIDIA GPUs that vLLM has batch-invariant kernels for


def ask_invariance() -> None:
    """Choose the mode, before anything else imports vLLM in this process.

    Raises:
        ConfigError: It cannot be relied on here.
    """
    os.environ[VARIABLE] = "1"  # vLLM's modules read it when they are imported
    from vllm import envs  # noqa: PLC0415 - optional and heavy
    from vllm.platforms import current_platform  # noqa: PLC0415 - likewise

    check_invariance(envs.environment_variables, current_platform)


def check_invariance(known: Container[str], platform: Any) -> None:
    """Refuse a vLLM that takes the variable and draws as ever.

    vLLM itself refuses models and attention without such kernels. Elsewhere it replaces what it has
    kernels for without a word: on a CPU it loads, and fails at the first text.

    Args:
        known: The environment variables that vLLM reads.
        platform: vLLM's `current_platform`.

    Raises:
        ConfigError: The mode is not known, or not for that platform.
    """
    if VARIABLE not in known:
        raise unreliable("this version of vLLM does not know it")
    if platform.is_cuda():
        if not platform.has_device_capability(_CAPABILITY):
            least = ".".join(map(str, _CAPABILITY))
            raise unreliable(f"the GPU's compute capability is below {least}")
    elif not platform.is_xpu():
        raise unreliable(f"its platform is {getattr(platform, 'device_name', 'unknown')!r}")


def unreliable(why: str) -> ConfigError:
    """The error where texts would be promised that nobody keeps."""
    return ConfigError(
        f"--diversity-deterministic: vLLM's batch-invariant mode cannot be relied on, since {why}",
        fix="use --diversity-engine transformers, or leave --diversity-deterministic out",
    )
