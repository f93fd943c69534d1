"""A column of prompts beside one of answers, or of lists of answers, by names that are usual."""

from __future__ import annotations

from pytest_diversity.formats.columns import fits, read
from pytest_diversity.formats.layout import Layout

LAYOUT = Layout(
    "prompts with answers",
    fits,
    read,
    inside=("data", "rows", "samples", "results", "examples", "instances", "outputs"),
)
