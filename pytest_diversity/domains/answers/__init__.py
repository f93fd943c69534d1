"""One short final answer: where it stands in a text, and what it means."""

from __future__ import annotations

from pytest_diversity.domains.answers.find import Found, find, reader
from pytest_diversity.domains.answers.meaning import meaning
from pytest_diversity.domains.answers.options import choice, options

__all__ = ["Found", "choice", "find", "meaning", "options", "reader"]
