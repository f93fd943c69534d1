"""`--diversity-deterministic` with vLLM: its batch-invariant mode, or one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling.engines import vllm
from pytest_diversity.sampling.engines.vllm import child
from pytest_diversity.sampling.engines.vllm.child import Start, serve
from pytest_diversity.sampling.engines.vllm.invariance import VARIABLE, check_invariance
from pytest_diversity.sampling.protocol import Setup


class Platform:
    """As much of vLLM's `current_platform` as is asked."""

    def __init__(self, name: str, capability: tuple[int, int] = (0, 0)) -> None:
        """One of a name, with GPUs of a compute capability."""
        self.device_name = name
        self._capability = capability

    def is_cuda(self) -> bool:
        """Whether it has NVIDIA's GPUs."""
        return self.device_name == "cuda"

    def is_xpu(self) -> bool:
        """Whether it has Intel's."""
        return self.device_name == "xpu"

    def has_device_capability(self, least: tuple[int, int]) -> bool:
        """Whether the first GPU has at least this one."""
        return self._capability >= least


KNOWN = {VARIABLE: None}
# name -> (the variables that vLLM reads, its platform, why it cannot be relied on; None if it can)
PLATFORMS: Mapping[str, tuple[Mapping[str, None], Platform, str | None]] = {
    "Ampere": (KNOWN, Platform("cuda", (8, 0)), None),
    "Hopper": (KNOWN, Platform("cuda", (9, 0)), None),
    "Intel": (KNOWN, Platform("xpu"), None),
    "Turing": (KNOWN, Platform("cuda", (7, 5)), "the GPU's compute capability is below 8.0"),
    "AMD": (KNOWN, Platform("rocm", (9, 4)), "its platform is 'rocm'"),
    "a CPU": (KNOWN, Platform("cpu"), "its platform is 'cpu'"),
    "a vLLM of before": ({}, Platform("cuda", (9, 0)), "this version of vLLM does not know it"),
}


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_mode_is_chosen_where_it_can_be_relied_on(case: str) -> None:
    """Elsewhere vLLM might take the variable and draw as ever."""
    known, platform, why = PLATFORMS[case]
    if why is None:
        check_invariance(known, platform)
        return
    with pytest.raises(ConfigError) as refused:
        check_invariance(known, platform)
    assert str(refused.value) == (
        f"--diversity-deterministic: vLLM's batch-invariant mode cannot be relied on, since {why}; "
        "use --diversity-engine transformers, or leave --diversity-deterministic out"
    )


def test_a_cpu_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known without vLLM is said without it."""
    monkeypatch.setattr(vllm, "find_spec", lambda _: True)
    (tmp_path / "m").mkdir()
    options = Options(engine="vllm", device="cpu", deterministic=True)
    with pytest.raises(ConfigError, match=r"cannot be relied on, since the device is 'cpu'; use"):
        vllm.find(Checkpoint("m", "m"), Setup(options, tmp_path, tmp_path, {}))


START = Start(Path("m"), gguf=False, dtype="bfloat16", rank=0, cache=Path(), arguments={})


@pytest.fixture
def serve_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Platform, Start], Any]:
    """A function that serves with a vLLM on a platform, and gives what the process tells.

    In place of loading anything it fails with the variable as it is then.
    """
    monkeypatch.setenv(VARIABLE, "0")
    monkeypatch.setattr(child, "_quiet", lambda: None)

    def load(_: Start) -> Any:
        raise ValueError(f"the variable is {os.environ[VARIABLE]}")

    def serve_on(platform: Platform, start: Start) -> Any:
        monkeypatch.setattr(child, "_Engine", load)
        envs, platforms = ModuleType("vllm.envs"), ModuleType("vllm.platforms")
        vars(envs)["environment_variables"] = KNOWN
        vars(platforms)["current_platform"] = platform
        package = ModuleType("vllm")
        vars(package)["envs"] = envs
        for module in (package, envs, platforms):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        ours, theirs = Pipe()
        with ours, theirs:
            serve(theirs, start)
            return ours.recv()

    return serve_on


SERVED: Mapping[str, tuple[Platform, bool, str]] = {
    "a GPU that can": (Platform("cuda", (9, 0)), True, "the variable is 1"),
    "a GPU that need not": (Platform("cuda", (9, 0)), False, "the variable is 0"),
    "a CPU that cannot": (Platform("cpu"), True, "since its platform is 'cpu'"),
    "a CPU that need not": (Platform("cpu"), False, "the variable is 0"),
}


@pytest.mark.parametrize("case", SERVED)
def test_the_process_asks_for_the_mode_before_it_loads(
    serve_on: Callable[[Platform, Start], Any], case: str
) -> None:
    """vLLM's modules read the variable once; without the flag it stays as the user has it."""
    platform, invariant, message = SERVED[case]
    error = serve_on(platform, replace(START, invariant=invariant))
    assert message in str(error)
