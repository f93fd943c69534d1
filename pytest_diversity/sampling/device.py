"""Which device and number format a model runs in, known without torch where it was known before."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pytest_diversity.errors import ConfigError, MissingExtraError

__all__ = ["DEVICES", "DTYPES", "Environment", "environment", "pick_device"]

DEVICES = ("auto", "cuda", "mps", "xpu", "cpu")
DTYPES = ("auto", "bfloat16", "float16", "float32")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where and in what a model runs; part of the key of its samples.

    Attributes:
        device: A torch device such as `cuda`, `cuda:1` or `cpu`.
        dtype: `bfloat16`, `float16` or `float32`.
        versions: Of the libraries that do the arithmetic.
    """

    device: str
    dtype: str
    versions: str


def environment(device: str, dtype: str, facts: MutableMapping[str, str]) -> Environment:
    """Resolve `auto`: cuda, mps, xpu, cpu in this order, and bfloat16 where it is native.

    Args:
        device: One of `DEVICES`, with an index if wanted.
        dtype: One of `DTYPES`.
        facts: Remembers the answer for this machine and these versions, so that a run served from
            the store need not import torch.

    Raises:
        ConfigError: The device is not known or not available here.
        MissingExtraError: torch or transformers is not installed.
    """
    if _type(device) not in DEVICES:
        raise ConfigError(f"unknown device {device!r}", fix=f"one of {', '.join(DEVICES)}")
    if dtype not in DTYPES:
        raise ConfigError(f"unknown dtype {dtype!r}", fix=f"one of {', '.join(DTYPES)}")
    versions = f"torch {_version('torch')}, transformers {_version('transformers')}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    name = f"environment|{platform.node()}|{visible}|{versions}|{device}|{dtype}"
    if name not in facts:
        found = pick_device(device)
        facts[name] = f"{found} {_pick_dtype(found, dtype)}"
    found, chosen = facts[name].split()
    return Environment(found, chosen, versions)


def pick_device(device: str) -> str:
    """The device to use, checked to be there.

    Raises:
        ConfigError: It is not available here.
    """
    import torch  # noqa: PLC0415 - heavy

    available: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "xpu": torch.xpu.is_available,
        "cpu": lambda: True,
    }
    if device == "auto":
        return next(name for name, there in available.items() if there())
    if not available[_type(device)]():
        found = [name for name, there in available.items() if there()]
        raise ConfigError(
            f"device {device!r} is not available here", fix=f"use {' or '.join(found)}"
        )
    return device


def _pick_dtype(device: str, dtype: str) -> str:
    if dtype != "auto":
        return dtype
    return "bfloat16" if _native_bfloat16(_type(device)) else "float32"


def _native_bfloat16(device: str) -> bool:
    """Whether products in bfloat16 are done by the hardware; emulated ones are slower than fp32."""
    import torch  # noqa: PLC0415 - heavy

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        cpu: Any = torch.cpu
        tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(test() for name in tests if (test := getattr(cpu, name, None)))
    return device == "xpu"


def _type(device: str) -> str:
    return device.partition(":")[0]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        raise MissingExtraError("sampling a model", package=package, extra="sampling") from None
