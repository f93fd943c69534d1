"""Draw what the study needs beside the samples of the adapters: the base, drawn in other ways.

    python -m example_project.study.draw

Same prompts, same number of samples. What is in the store is not drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from example_project.study.project import PROJECT, REFERENCE, SAMPLES, STORE, configuration
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Config
from pytest_diversity.session import Session

TEMPERATURES = (0.3, 0.7, 1.0, 1.3)
CALLS = (5, 2)  # answers that one call of Verbalized Sampling asks for


def ways(config: Config) -> Iterator[tuple[str, Mapping[str, Any], list[str]]]:
    """How the base is drawn, by name: settings, and in which domains."""
    domains = [config.domain(name) for name in config.written]
    for value in TEMPERATURES:
        others = [one.name for one in domains if one.generation.temperature != value]
        yield f"temperature-{value:g}", {"temperature": value}, others
    prose = [one.name for one in domains if one.kind == "prose"]
    for count in CALLS:
        yield f"verbalized-{count}", {"mode": "verbalized", "answers_per_call": count}, prose


def main() -> None:
    """Draw and write a folder for each way, with a file for each domain."""
    config = configuration()
    base = config.checkpoint(REFERENCE)
    for name, settings, domains in ways(config):
        drawn = replace(config, checkpoints={name: replace(base, name=name, generation=settings)})
        folder = SAMPLES / name
        folder.mkdir(parents=True, exist_ok=True)
        session = Session(drawn, Options(store=STORE, dtype="float32"), PROJECT)
        try:
            for domain in domains:
                found = session.workspace.samples(name, domain)
                found.to_jsonl(folder / f"{domain}.jsonl")
        finally:
            session.close()
        print(f"written to {folder.relative_to(PROJECT)}", flush=True)


if __name__ == "__main__":
    main()
