"""The program of which a prompt is the beginning and an answer the rest, as HumanEval has it.

Chen et al., "Evaluating Large Language Models Trained on Code", 2021.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import islice

from pytest_diversity.domains.extract.answer import Extraction, extract, reader_of
from pytest_diversity.domains.extract.choosing import assembled
from pytest_diversity.domains.extract.cleaning import cleaned
from pytest_diversity.domains.extract.fences import blocks
from pytest_diversity.domains.extract.plain import passages
from pytest_diversity.domains.extract.reading import Reader, piece

__all__ = ["extract_continuation"]

_ENDS = 32  # lines at which the body of a function may end
_AFTER = re.compile(r"(?:def|class|if[ \t]+__name__|async[ \t]+def|function)\b|[@`]")


def extract_continuation(
    answer: str, before: str, entry_point: str, language: str = "python"
) -> Extraction:
    """The prompt's own code with the answer after it, up to the next statement at the top level.

    An answer that says the function again, as a whole, is read as one that is no continuation; a
    body whose indentation is lost, at its first line or at all, is indented.

    Args:
        answer: What a model wrote after the prompt.
        before: The prompt; of one with fences, what stands in the last of them.
        entry_point: What the program must define.
        language: One of `GRAMMARS`.
    """
    reader, text, own = reader_of(language), cleaned(answer), _own_code(before)
    bodies = [text, *(block.text for block in blocks(text, reader.parses))]
    for body in bodies:
        if program := _continued(own, body, entry_point, reader):
            return Extraction(program, None)
    again = extract(answer, entry_point, language, shown=own)
    if again.missing is None and piece(again.program, reader).completes(entry_point):
        return again
    for body in bodies:
        for indented in _indented(body, own):
            if program := _continued(own, indented, entry_point, reader):
                return Extraction(program, None)
    return Extraction(own + text, "broken code" if text.strip() else "no answer")


def _own_code(before: str) -> str:
    *_, last = re.split(r"^[ \t]*(?:`{3,}|~{3,}).*\n", before, flags=re.MULTILINE)
    return last


def _continued(own: str, body: str, entry_point: str, reader: Reader) -> str | None:
    """The code up to where it is whole, and what it needs of the rest; None where it is not."""
    lines = body.split("\n")
    tops = (n for n in range(1, len(lines)) if re.match(r"[^\s#]", lines[n]))
    for end in (*islice(tops, _ENDS), len(lines)):
        for between in ("", "\n"):
            given = piece(own + between + "\n".join(lines[:end]), reader)
            if given.completes(entry_point):
                rest = list(passages("\n".join(lines[end:]), reader))
                return assembled(given, rest, entry_point, reader)
    return None


def _indented(body: str, own: str) -> Iterator[str]:
    """The body with its first line indented, or all of it up to where it returns."""
    last = next((line for line in reversed(own.split("\n")) if line.strip()), "")
    margin = re.match(r"[ \t]*", last)[0] + "    " * last.rstrip().endswith((":", "{"))  # type: ignore[index] # it always matches
    body = body.lstrip("\n")
    first, _, rest = body.partition("\n")
    one = f"{margin}{first.lstrip()}\n{rest}"
    kept: list[str] = []
    for line in textwrap.dedent(body).split("\n"):
        ended = kept and re.match(r"\S", line) and kept[-1].startswith("return")
        if ended or (kept and _AFTER.match(line)):
            break
        kept += [line] if line.strip() else []
    every = textwrap.indent("\n".join(kept), margin)
    at_margin = re.search(r"^return\b", rest, re.MULTILINE)
    yield from (every, one) if at_margin else (one, every)
