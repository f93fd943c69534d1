"""A project of many checkpoints, domains and prompts, whose samples are recorded: texts by chance.

Words come as often as in the documentation of this repository, so that most are English and known
to the tagger; programs are of assignments, loops and calls by chance. Both have 60 to 100 tokens.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path

__all__ = ["BUDGETS", "Project"]

# A drop of quality is told by a judge that embeds each text, which is measured apart.
BUDGETS = {
    "lexical": 'min = 0.3, max_drop = "20%"',
    "syntactic": 'min = 0.1, max_drop = "20%"',
    "quality": "min = 0.5",
}
_DOCS = Path(__file__).parents[1] / "docs"
_NAMES = ("total", "count", "value", "item", "result", "index", "left", "best", "seen", "key")
_OPERATORS = ("+", "-", "*", "//", "%")


@dataclass(frozen=True)
class Project:
    """How large a project is.

    Attributes:
        checkpoints: How many, the reference among them.
        domains: How many; every fifth is of programs, the others of prose.
        prompts: Of each domain.
        samples: Of each prompt.
        budgets: Of each domain, by family.
    """

    checkpoints: int
    domains: int
    prompts: int
    samples: int
    budgets: Mapping[str, str] = field(default_factory=lambda: BUDGETS)

    @property
    def total(self) -> int:
        """How many samples there are in all."""
        return self.checkpoints * self.domains * self.prompts * self.samples

    def write(self, folder: Path) -> None:
        """Write `diversity.toml`, and a file of recorded samples for each checkpoint."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "diversity.toml").write_text("\n".join(self._configuration()), encoding="utf-8")
        for number in range(self.checkpoints):
            with (folder / f"c{number}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in self._rows(number))

    def _configuration(self) -> Iterator[str]:
        yield "[checkpoints]"
        yield from (f'c{number} = "replay:c{number}.jsonl"' for number in range(self.checkpoints))
        yield '[defaults]\nreference = "c0"'
        for number in range(self.domains):
            yield f'[domains.d{number}]\nkind = "{_kind(number)}"'
            yield f"samples_per_prompt = {self.samples}\n[domains.d{number}.budget]"
            yield from (f"{family} = {{ {bounds} }}" for family, bounds in self.budgets.items())

    def _rows(self, checkpoint: int) -> Iterator[dict[str, object]]:
        chance = random.Random(checkpoint)  # noqa: S311 - reproducible
        write: Mapping[str, Callable[[], str]] = {
            "prose": _prose(chance),
            "code": partial(_program, chance),
        }
        for domain in range(self.domains):
            for prompt in range(self.prompts):
                for index in range(self.samples):
                    yield {
                        "domain": f"d{domain}",
                        "prompt": f"Tell of the matter number {prompt}.",
                        "index": index,
                        "text": write[_kind(domain)](),
                        "finish_reason": "stop",
                        "tokens": 80,
                    }


def _kind(domain: int) -> str:
    return "code" if domain % 5 == 4 else "prose"


def _prose(chance: random.Random) -> Callable[[], str]:
    """Sentences of 6 to 16 words, up to 60 to 100 words and full stops in all."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(_DOCS.glob("*.md")))
    known = Counter(re.findall(r"\b[a-z]{1,12}\b", text.lower()))
    words, weights = list(known), list(accumulate(known.values()))

    def sentence(size: int) -> str:
        said = " ".join(chance.choices(words, cum_weights=weights, k=size - 1))
        return f"{said.capitalize()}."

    usual = [sentence(chance.randint(7, 17)) for _ in range(100)]

    def write() -> str:
        left, sentences = chance.randint(60, 100), []
        while left > 1:
            new = chance.random() < 0.7
            said = sentence(min(left, chance.randint(7, 17))) if new else chance.choice(usual)
            sentences.append(said)
            left -= len(said.split()) + 1
        return " ".join(sentences)

    return write


def _program(chance: random.Random) -> str:
    """A function of lines by chance, up to 60 to 100 tokens in all."""
    lines, left, depth = ["def solve(values, limit):"], chance.randint(60, 100) - 10, 1
    while left > 0:
        one, other, third = chance.choices(_NAMES, k=3)
        kind = chance.randrange(4)
        indent = "    " * depth
        if kind == 0 and depth < 4:
            lines.append(f"{indent}for {one} in {other}:")
            depth += 1
        elif kind == 1 and depth < 4:
            lines.append(f"{indent}if {one} > {chance.randrange(100)}:")
            depth += 1
        else:
            sign = chance.choice(_OPERATORS)
            lines.append(f"{indent}{one} = {other} {sign} len({third}[{chance.randrange(9)}])")
            depth = chance.randint(1, depth)
            left -= 6
        left -= 5
    if lines[-1].endswith(":"):
        lines.append("    " * depth + "pass")
    return "\n".join([*lines, "    return total"])
