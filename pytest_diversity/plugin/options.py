"""The options `--diversity-*`; imported by every run, so kept light."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_diversity.plugin.discovery import CONFIG_NAME

__all__ = ["STUDIES", "add_options", "study_asked"]

_OPTIONS: Mapping[str, tuple[str, str]] = {
    "config": ("PATH", f"the configuration file; else the nearest {CONFIG_NAME}"),
    "device": ("DEVICE", "cuda, mps, xpu or cpu, as in torch; else the best there is"),
    "dtype": ("DTYPE", "bfloat16, float16 or float32; else bfloat16 where it is native"),
    "samples": ("K", "samples per prompt, in place of every domain's own"),
    "embedder": ("SOURCE", "the sentence embedder: hub name, directory or package:NAME/path"),
    "correction": ("NAME", "holm (over the bounds of a checkpoint) or none"),
    "engine": (
        "NAME",
        "transformers (in this process), vllm (in one of its own) or ray (a cluster)",
    ),
    "ray-address": ("ADDRESS", "the Ray cluster; else the one Ray finds, or this machine alone"),
    "actors": ("N", "models that the Ray cluster holds at most; else one a GPU, or one a CPU"),
    "store": ("PATH", "the sample store; else .diversity/samples.sqlite"),
}

_FLAGS: Mapping[str, str] = {
    "adaptive": "draw samples in steps, and stop where the verdict is clear",
    "record": "record the values of what runs as the baseline",
    "record-new": "record those that have no baseline yet, and compare the others",
    "prune": "remove baselines that no test uses; refused unless all tests ran and passed",
    "deterministic": "every sample is the same text however it is drawn: float32, and slower",
    "require-gpu": "refuse to run where torch finds no GPU",
    "recover": "save what can be read of a damaged store, and go on",
    "strict": "an unclear verdict fails, too",
    "allow-execution": "run generated programs, in a sandbox, to see what they do",
    "unsafe-code": "run them WITHOUT a sandbox, with all of your rights",
}
# What is done in place of running tests; each takes a value or none.
STUDIES: Mapping[str, tuple[str, str]] = {
    "plan": ("FILE", "print what drop each gate can find, and what it would take; JSON to FILE"),
    "selftest": ("FILE", "collapse copies of the samples and print where each gate fails"),
    "calibrate": ("write", "propose a min for each budget of a healthy checkpoint, or write it"),
}


def add_options(parser: pytest.Parser) -> None:
    """Add all of them."""
    group = parser.getgroup("diversity", "diversity regression testing of language models")
    group.addoption(
        "--diversity-checkpoint",
        action="append",
        default=[],
        metavar="NAME[=SOURCE]",
        help="NAME=SOURCE adds a checkpoint, NAME chooses one of the file (repeatable)",
    )
    for name, text in _FLAGS.items():
        group.addoption(f"--diversity-{name}", action="store_true", help=text)
    for name, (metavar, text) in _OPTIONS.items():
        group.addoption(f"--diversity-{name}", metavar=metavar, help=text)
    for name, (metavar, text) in STUDIES.items():
        group.addoption(f"--diversity-{name}", nargs="?", const="-", metavar=metavar, help=text)


def study_asked(config: pytest.Config) -> bool:
    """Whether the run studies the stored samples instead of running tests."""
    return any(config.getoption(f"diversity_{name}") for name in STUDIES)
