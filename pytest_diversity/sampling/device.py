"""Which device and number format a model runs in, known without torch where it was known before."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pytest_diversity.errors import ConfigError, MissingExtraError

__all__ = [
    "DEVICES",
    "DTYPES",
    "Environment",
    "check_device",
    "check_dtype",
    "environment",
    "gpu_of_worker",
    "physical",
    "pick_device",
    "require_gpu",
    "set_threads",
    "threads",
    "versions",
    "workers",
]

DEVICES = ("auto", "cuda", "mps", "xpu", "cpu")
DTYPES = ("auto", "bfloat16", "float16", "float32")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where and in what a model runs; part of the key of its samples.

    Attributes:
        device: A torch device such as `cuda`, `cuda:1` or `cpu`.
        dtype: `bfloat16`, `float16` or `float32`.
        versions: Of the libraries that do the arithmetic.
        shared: Whether other workers of this run use the same GPU in turn.
        quantization: `8bit` or `4bit` weights; None for those of the number format.
    """

    device: str
    dtype: str
    versions: str
    shared: bool = False
    quantization: str | None = None

    @property
    def precision(self) -> str:
        """Number format and quantisation."""
        return " ".join(filter(None, (self.dtype, self.quantization)))


def environment(device: str, dtype: str, facts: MutableMapping[str, str]) -> Environment:
    """Resolve `auto`: cuda, mps, xpu, cpu in this order, and bfloat16 where it is native.

    The workers of xdist are spread over the GPUs that `CUDA_VISIBLE_DEVICES` shows.

    Args:
        device: One of `DEVICES`, with an index if wanted.
        dtype: One of `DTYPES`.
        facts: Remembers the answer for this machine and these versions, so that a run served from
            the store need not import torch.

    Raises:
        ConfigError: The device is not known or not available here.
        MissingExtraError: torch or transformers is not installed.
    """
    check_device(device)
    check_dtype(dtype)
    libraries = versions()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    name = f"environment|{platform.node()}|{visible}|{libraries}|{device}|{dtype}"
    if name not in facts:
        found = pick_device(device)
        facts[name] = f"{found} {_pick_dtype(found, dtype)} {_count(_type(found))}"
    found, chosen, count = facts[name].split()
    own = gpu_of_worker(found, int(count), os.environ.get("PYTEST_XDIST_WORKER"))
    shared = _type(own) != "cpu" and workers() > (1 if ":" in found else int(count))
    return Environment(own, chosen, libraries, shared)


def check_device(device: str) -> None:
    """Refuse what is no device anywhere; whether it is there is `environment`'s to say.

    Raises:
        ConfigError: It is none.
    """
    if _type(device) not in DEVICES:
        raise ConfigError(f"unknown device {device!r}", fix=f"one of {', '.join(DEVICES)}")


def check_dtype(dtype: str) -> None:
    """Refuse what is no number format.

    Raises:
        ConfigError: It is none.
    """
    if dtype not in DTYPES:
        raise ConfigError(f"unknown dtype {dtype!r}", fix=f"one of {', '.join(DTYPES)}")


def versions() -> str:
    """Of the libraries that do the arithmetic.

    Raises:
        MissingExtraError: torch or transformers is not installed.
    """
    return f"torch {_version('torch')}, transformers {_version('transformers')}"


def gpu_of_worker(device: str, count: int, worker: str | None) -> str:
    """The device of a worker: `gwN` takes number N of `count`, and begins anew after the last.

    Args:
        device: A type such as `cuda`, or a device that was named with its index and is kept.
        count: How many of that type there are, 0 for types without an index.
        worker: xdist's name for this process, None outside of workers.
    """
    if ":" in device or count < 1:
        return device
    return f"{device}:{int((worker or 'gw0').removeprefix('gw')) % count}"


def physical(device: str, visible: str) -> str | None:
    """What names a GPU whatever a process calls it; None for the CPU, which many may use at once.

    Args:
        device: As torch calls it.
        visible: `CUDA_VISIBLE_DEVICES`, by which torch counts: `cuda:0` under "2,3" is number 2.
    """
    kind, _, index = device.partition(":")
    if kind == "cpu":
        return None
    names = [name.strip() for name in visible.split(",") if name.strip()] if kind == "cuda" else []
    number = int(index or 0)
    return f"{kind}-{names[number] if number < len(names) else number}"


def threads(cores: int, processes: int) -> int:
    """Threads of one of so many processes: idle ones spin at OpenMP's barriers, and cost all."""
    return max(1, cores // max(1, processes))


def set_threads(*, deterministic: bool) -> None:
    """Give torch its share of the cores, unless the user has with `OMP_NUM_THREADS`.

    Args:
        deterministic: Use one thread, for a sum in another number of parts is rounded differently,
            and kernels that add in a fixed order.
    """
    import torch  # noqa: PLC0415 - heavy

    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it at its start
        torch.use_deterministic_algorithms(mode=True, warn_only=True)
        torch.set_num_threads(1)
    elif "OMP_NUM_THREADS" not in os.environ and workers() > 1:
        torch.set_num_threads(threads(_cores(), workers()))


def require_gpu(device: str) -> None:
    """Refuse to run where `device` comes to the CPU.

    Raises:
        ConfigError: It does.
    """
    if _type(pick_device(device)) == "cpu":
        raise ConfigError(
            "--diversity-require-gpu: torch finds no GPU here"
            if device == "auto"
            else f"--diversity-require-gpu contradicts device {device!r}",
            fix="run where there is one, or leave the flag out",
        )


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
    index = device.partition(":")[2]
    if index and not (index.isdecimal() and int(index) < max(1, _count(_type(device)))):
        raise ConfigError(
            f"device {device!r} is not available here: there are {_count(_type(device))}",
            fix="count from 0; CUDA_VISIBLE_DEVICES says which torch sees",
        )
    return device


def _count(kind: str) -> int:
    """How many devices of a type with an index there are."""
    import torch  # noqa: PLC0415 - heavy

    return int(getattr(torch, kind).device_count()) if kind in {"cuda", "xpu"} else 0


def workers() -> int:
    """How many processes of xdist this run has."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux: the cores this process may use
    return len(affinity(0)) if affinity else os.cpu_count() or 1


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
