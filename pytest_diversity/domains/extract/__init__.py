"""The program in an answer of a chat model, which is written around it.

From left to right: `cleaning` takes off what is no answer, `fences` and `plain` find the pieces
that may be code, `reading` says what each defines, `choosing` takes one and joins what it needs.
`continuation` puts the prompt's own code before the answer.
"""

from __future__ import annotations

from pytest_diversity.domains.extract.answer import Extraction, extract, extract_program
from pytest_diversity.domains.extract.continuation import extract_continuation

__all__ = ["EXTRACTION", "Extraction", "extract", "extract_continuation", "extract_program"]

# Which programs are found in which answers: to be raised with any change of that.
EXTRACTION = "2"
