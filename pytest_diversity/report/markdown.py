"""A run as Markdown, for the summary of a CI job or a comment on a merge request.

What models, files and people have written is shown and never obeyed: it stands escaped in a line,
or in a fenced block that it cannot end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from pytest_diversity.events import Judged
from pytest_diversity.report.curves import curves, markdown
from pytest_diversity.report.notes import notes
from pytest_diversity.report.run import RunReport
from pytest_diversity.report.table import cells
from pytest_diversity.text import plural, visible

__all__ = ["block", "escaped", "headline", "rows", "write"]

_MARK = "<!-- pytest-diversity: report -->"
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+!|~^$@:=-]")
_LIST, _LINK = re.compile(r"^(\d+)\.(?=\s|$)"), re.compile(r"(www)\.", re.IGNORECASE)


def write(report: RunReport) -> str:
    """Verdict, table, the lines of each failure, and notes."""
    return "\n".join([_MARK, f"## {headline(report)}", "", *_body(report), _footer(report), ""])


def headline(report: RunReport) -> str:
    """What became of the run, in a line."""
    failed, errors = sum(one.fails for one in report.judged), len(report.broken)
    gates = plural(len(report.judged), "gate")
    if not report.judged and not errors:
        return "Diversity: nothing was judged"
    said = [f"{failed} of {gates} failed"] if failed else []
    said += [plural(errors, "error")] if errors else []
    return f"❌ Diversity: {', '.join(said)}" if said else f"✅ Diversity: {gates} passed"


def rows(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; its first row is the head."""
    for number, row in enumerate(table):
        yield f"| {' | '.join(map(escaped, row))} |"
        if number == 0:
            yield f"| {' | '.join('---' for _ in row)} |"


def escaped(text: str) -> str:
    """A text in a line, in which nothing is markup."""
    line = _SPECIAL.sub(r"\\\g<0>", " ".join(visible(text).split()))
    for pattern in (_LIST, _LINK):
        line = pattern.sub(r"\1\\.", line)
    return html.escape(line, quote=False)


def block(lines: Sequence[str]) -> str:
    """Lines as they are, in a fenced block."""
    text = visible("\n".join(lines))
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _body(report: RunReport) -> Iterator[str]:
    if report.judged:
        yield from rows(list(zip(*cells(report.verdicts).values(), strict=True)))
        yield ""
    yield from _along_runs(report)
    for error in report.broken:
        yield f"- **error** {escaped(error.test)}: {escaped(error.message)}"
    if report.broken:
        yield ""
    yield from map(_failure, (one for one in report.judged if one.fails))
    said = [*notes(report.verdicts, report.drawings, report.damages), *report.said]
    yield from [*(f"- {escaped(line)}" for line in said), ""]


def _along_runs(report: RunReport) -> Iterator[str]:
    """Training runs as curves; those of two configurations may have the same name."""
    for config in dict.fromkeys(one.config for one in report.judged):
        found = curves([one.verdict for one in report.judged if one.config == config])
        if found:
            yield from [*markdown(found), ""]


def _failure(judged: Judged) -> str:
    """What stands under a failure, to be unfolded."""
    verdict = judged.verdict
    head = visible(f"{verdict.headline}, {judged.file}:{judged.line}")
    folded = f"<details><summary>{html.escape(' '.join(head.split()))}</summary>"
    return f"{folded}\n\n{block(verdict.details)}\n\n</details>\n"


def _footer(report: RunReport) -> str:
    when = report.time.strftime("%Y-%m-%d %H:%M UTC")
    return f"<sub>pytest-diversity {report.version}, {when}</sub>"
