"""The types of reports: to add one is to add its module, and its row here.

A writer is a pure function from a `RunReport` to a text, in a module that is imported when a report
of its type is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Literal, NamedTuple

from pytest_diversity.errors import DiversityError
from pytest_diversity.report.run import RunReport

__all__ = ["TYPES", "ReportError", "Type", "Writer"]

Writer = Callable[[RunReport], str]


class ReportError(DiversityError):
    """A report cannot be written."""


class Type(NamedTuple):
    """What a type of report is.

    Attributes:
        writer: `module:function`, imported when it is asked for.
        dest: The file where none is named; a variable of the environment that names it, as `$NAME`.
        mark: What the first kilobyte of every such file holds, and of no other: only a file that
            has it is replaced.
        into: Whether it takes the `place` of a file, goes to the `end` of one, or is a `section` of
            one, between its mark and the same with `end`.
    """

    writer: str
    dest: str
    mark: str
    into: Literal["place", "end", "section"] = "place"

    def load(self) -> Writer:
        """The writer.

        Raises:
            ReportError: It is not installed.
        """
        module, _, function = self.writer.partition(":")
        try:
            writer: Writer = getattr(import_module(module), function)
        except ModuleNotFoundError as error:
            raise ReportError(
                f"this installation lacks {error.name}, which writes such reports",
                fix="install pytest-diversity anew",
            ) from None
        return writer


# A table is read by its rows, so the formatter leaves it.
# fmt: off
TYPES: Mapping[str, Type] = {
    "json": Type("pytest_diversity.report.as_json:write", "diversity.json",
        '"generator": "pytest-diversity"'),
    "markdown": Type("pytest_diversity.report.markdown:write", "diversity.md",
        "<!-- pytest-diversity: report -->"),
    "markdown-append": Type("pytest_diversity.report.markdown:write", "$GITHUB_STEP_SUMMARY",
        "<!-- pytest-diversity: report -->", "end"),
    "html": Type("pytest_diversity.report.html.page:write", "diversity.html",
        '<meta name="generator" content="pytest-diversity">'),
    "csv": Type("pytest_diversity.report.as_csv:write", "diversity.csv", "pytest_diversity,"),
    "openmetrics": Type("pytest_diversity.report.openmetrics:write", "metrics.txt",
        "# TYPE pytest_diversity info"),
    "model-card": Type("pytest_diversity.report.model_card:write", "diversity-card.md",
        "<!-- pytest-diversity: begin -->", "section"),
}
# fmt: on
