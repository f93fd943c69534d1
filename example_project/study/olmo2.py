"""Four stages of the training of a model of 7 billion parameters, from recorded answers.

    python -m example_project.study.olmo2 FOLDER

FOLDER has the answers of OLMo 2 to open prompts, as base model and after SFT, DPO and RL:
`base.jsonl.gz` and the others, and `prompts_SET.jsonl.gz` for each set of prompts. The texts are
not part of this repository; the figures in `docs/study.md` are what this command prints.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from example_project.study import words
from example_project.study.changes import Change, Changes
from example_project.study.project import PROJECT, REFERENCE
from pytest_diversity.config.values import Checkpoint, Config, Domain
from pytest_diversity.families import FAMILIES

STAGES = (REFERENCE, "sft", "dpo", "instruct")
_STEPS = ((REFERENCE, "sft"), ("sft", "dpo"), ("dpo", "instruct"), (REFERENCE, "instruct"))
_PROMPTS = "prompts_"
_MEASURED = (*FAMILIES, "pos_distinct(n=4)")  # the last pools the answers of a prompt
_KEPT = PROJECT / ".diversity"


def configuration(folder: Path, kept: Path) -> Config:
    """The stages as recorded checkpoints, each set of prompts as a domain.

    Args:
        folder: Where the answers and the prompts are, zipped.
        kept: Where the prompts are put as they are read.
    """
    sets = [_unzipped(file, kept) for file in sorted(folder.glob(f"{_PROMPTS}*.jsonl.gz"))]
    names = [file.stem.removeprefix(_PROMPTS) for file in sets]
    return Config(
        checkpoints={
            stage: Checkpoint(stage, f"replay:{(folder / stage).absolute()}.jsonl.gz")
            for stage in STAGES
        },
        domains={
            name: Domain(name, prompts=str(file), samples_per_prompt=10)
            for name, file in zip(names, sets, strict=True)
        },
        written=tuple(names),
    )


def _unzipped(file: Path, kept: Path) -> Path:
    """A file of prompts as it is read: plain."""
    plain = (kept / "olmo2" / file.stem).absolute()
    plain.parent.mkdir(parents=True, exist_ok=True)
    plain.write_bytes(gzip.decompress(file.read_bytes()))
    return plain


def levels(changes: Changes) -> str:
    """Every family at every stage."""
    rows = (
        [
            domain,
            _shown(what),
            *(words.level(changes.estimate(stage, domain, what)) for stage in STAGES),
        ]
        for domain in changes.config.written
        for what in _MEASURED
    )
    return words.table(("prompts", "family or metric", *STAGES), rows)


def _shown(what: str) -> str:
    return what if what in FAMILIES else f"`{what}`"


def steps(changes: Changes) -> str:
    """What became of every family from one stage to another, at equal length where it matters."""
    rows = (
        [domain, _shown(what), *(_step(changes, domain, what, *step) for step in _STEPS)]
        for domain in changes.config.written
        for what in _MEASURED
    )
    return words.table(("prompts", "family or metric", *map(" → ".join, _STEPS)), rows)


def _step(changes: Changes, domain: str, what: str, before: str, after: str) -> str:
    return words.change(Change.of(changes.comparison(after, domain, what, before)).mean)


def sizes(changes: Changes) -> str:
    """How many prompts and answers there are."""
    return "; ".join(
        f"{domain}: {len(found)} prompts x {len(next(iter(found.values())))} answers of each stage"
        for domain in changes.config.written
        if (found := changes.features(REFERENCE, domain).samples)
    )


def main() -> None:
    """Print the tables."""
    if len(sys.argv) != 2 or not Path(sys.argv[1], f"{REFERENCE}.jsonl.gz").is_file():
        sys.exit("usage: python -m example_project.study.olmo2 FOLDER, with base.jsonl.gz in it")
    changes = Changes(configuration(Path(sys.argv[1]), _KEPT), _KEPT / "olmo2.sqlite")
    print(sizes(changes), levels(changes), steps(changes), sep="\n\n")
    changes.close()


if __name__ == "__main__":
    main()
