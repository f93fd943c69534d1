"""Layouts of samples. To add one, write its file here and its name into the table."""

from __future__ import annotations

from pytest_diversity.formats.layout import Table

__all__ = ["LAYOUTS"]

# The most particular first: a row is of the first layout that it fits.
LAYOUTS = Table(
    __name__,
    (
        *("ours", "lm_eval", "inspect", "promptfoo", "deepeval", "batch", "humaneval"),
        *("noveltybench", "alpaca_eval", "chat", "columns", "by_prompt"),
    ),
)
