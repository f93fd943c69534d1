"""Which device a process draws on, and how many threads it takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling.device import (
    environment,
    gpu_of_worker,
    physical,
    pick_device,
    require_gpu,
    threads,
)

SPREAD: Mapping[str, tuple[str, int, str | None, str]] = {
    "the first worker takes the first": ("cuda", 2, "gw0", "cuda:0"),
    "the second takes the second": ("cuda", 2, "gw1", "cuda:1"),
    "the third begins anew": ("cuda", 2, "gw2", "cuda:0"),
    "two digits": ("cuda", 8, "gw11", "cuda:3"),
    "without workers the first": ("cuda", 4, None, "cuda:0"),
    "a device that was named stays": ("cuda:1", 4, "gw2", "cuda:1"),
    "the CPU is one": ("cpu", 0, "gw3", "cpu"),
    "Apple's GPU is one": ("mps", 0, "gw1", "mps"),
    "Intel's are many": ("xpu", 2, "gw3", "xpu:1"),
}


@pytest.mark.parametrize("case", SPREAD)
def test_workers_are_spread_over_devices(case: str) -> None:
    """Each takes the next one, and after the last the first again."""
    device, count, worker, expected = SPREAD[case]
    assert gpu_of_worker(device, count, worker) == expected


PHYSICAL: Mapping[str, tuple[str, str, str | None]] = {
    "all visible": ("cuda:1", "", "cuda-1"),
    "some visible": ("cuda:1", "2,3", "cuda-3"),
    "spaces": ("cuda:0", " 5 , 6", "cuda-5"),
    "named by their ids": ("cuda:0", "GPU-8f2c,GPU-91aa", "cuda-GPU-8f2c"),
    "without an index": ("cuda", "7", "cuda-7"),
    "another type": ("xpu:1", "4,5", "xpu-1"),
    "the CPU, which many may use": ("cpu", "", None),
}


@pytest.mark.parametrize("case", PHYSICAL)
def test_a_gpu_has_one_name(case: str) -> None:
    """Processes that see other GPUs count otherwise, and must wait for the same lock."""
    device, visible, expected = PHYSICAL[case]
    assert physical(device, visible) == expected


@pytest.mark.parametrize(
    ("cores", "workers", "expected"),
    [(8, 1, 8), (8, 4, 2), (2, 2, 1), (2, 8, 1), (3, 2, 1), (4, 0, 4)],
)
def test_threads_share_the_cores(cores: int, workers: int, expected: int) -> None:
    """All processes together never have more threads than there are cores, one each at least."""
    assert threads(cores, workers) == expected


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_gpu_can_be_required(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch comes to the CPU the run is refused in one sentence."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    if pick_device("auto") != "cpu":
        pytest.skip("there is a GPU here")
    with pytest.raises(ConfigError, match=r"require-gpu.*; run where there is one, or leave the"):
        require_gpu(device)


def test_what_is_known_of_a_device_serves_every_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remembered answer is the machine's; which of its GPUs is each process's own."""
    facts: dict[str, str] = {}
    environment("cpu", "float32", facts)
    (name,) = facts
    facts[name] = "cuda bfloat16 2"
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    found = []
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        found.append(environment("cpu", "float32", facts))
    assert [one.device for one in found] == ["cuda:0", "cuda:1", "cuda:0"]
    assert all(one.shared for one in found)  # three workers on two GPUs take turns


FLAGS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "a GPU that is not there": (
        ("--diversity-require-gpu",),
        "--diversity-require-gpu: torch finds no GPU here; run where there is one, or leave the *",
    ),
    "the CPU and a GPU": (
        ("--diversity-require-gpu", "--diversity-device", "cpu"),
        "--diversity-require-gpu contradicts device 'cpu' (command line); run where *",
    ),
    "bfloat16 and the same texts": (
        ("--diversity-deterministic", "--diversity-dtype", "bfloat16"),
        "--diversity-deterministic needs float32, and dtype is 'bfloat16' (command line); leave *",
    ),
}


@pytest.mark.parametrize("case", FLAGS)
def test_flags_that_cannot_be_kept(pytester: pytest.Pytester, case: str, tiny: Path) -> None:
    """One sentence and exit code 4, before anything is loaded."""
    arguments, message = FLAGS[case]
    pytester.path.joinpath("diversity.toml").write_text(
        f"[checkpoints]\na = '{tiny}'\n[domains.prose.budget]\nlexical = {{ min = 0.1 }}\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: diversity: {message}"])
