"""Every type of report, read by the parsers of other people; what is hostile stays a text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from markdown_it import MarkdownIt
from markdown_it.token import Token
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_diversity.events import Judged
from pytest_diversity.report.as_json import schema
from pytest_diversity.report.run import RunReport
from pytest_diversity.report.types import TYPES

HOSTILE = {
    "a pipe and backticks": "a | `b` ``` c",
    "fences in lines": "x\n```\n# head\n````\n",
    "html": "<script>alert(1)</script><img src=x onerror=y>&amp;",
    "a comment's end": "--> <!-- pytest-diversity: end --> x",
    "links": "[x](javascript:y) ![z](http://h) http://h www.h.org <http://h>",
    "emphasis": "*a* _b_ ~~c~~ **d**",
    "a list": "1. a",
    "another list": "- a",
    "a heading's line": "=====",
    "a formula": "=1+cmd|' /C calc'!A0",
    "a full-width formula": "＝1+1",  # noqa: RUF001 - as a spreadsheet reads it
    "an at sign": "@SUM(1)",
    "control characters": "a\x1b[31mb\x00c\x85d\u202ee",
    "quotes and backslashes": 'a"b\\"c\\',
    "a number sign": "x # y",
    "half a pair": "a\ud83d",
    "line ends": "a\r\nb\u2028c",
    "other scripts": "schön 模型",
}
PURE = ("json", "markdown", "markdown-append", "csv", "openmetrics", "model-card")


@pytest.fixture(params=HOSTILE.values(), ids=list(HOSTILE))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def report(judged: Callable[..., Judged], told: Callable[..., RunReport], name: str) -> RunReport:
    """A run in which everything that is written by others is hostile."""
    written = {"checkpoint": name, "domain": name, "worst": name, "headline": name, "budget": name}
    said = {**written, "details": (name, name), "notes": (name,), "test": name}
    rows = [
        judged(status="fail", fails=True, **said),
        judged(status="undefined", value=None, low=None, high=None, change=None, **said),
        judged(**{**said, "checkpoint": "", "label": name}),
    ]
    return told(*rows, name=name, broken=True)


def write(type_name: str, report: RunReport) -> str:
    return TYPES[type_name].load()(report)


@pytest.mark.parametrize("type_name", PURE)
def test_a_report_is_known_by_its_mark(
    told: Callable[..., RunReport], judged: Callable[..., Judged], type_name: str
) -> None:
    """So that the next one may take its place; also of a run in which nothing was judged."""
    for run in (told(judged()), told()):
        text = write(type_name, run)
        assert TYPES[type_name].mark in text[:1024]
        assert text.endswith("\n")


def test_json_keeps_to_its_schema(report: RunReport, name: str) -> None:
    """Which is published in the package, and allows nothing that it does not speak of."""
    Draft202012Validator.check_schema(schema())
    plain = json.loads(write("json", report))
    Draft202012Validator(schema(), format_checker=FormatChecker()).validate(plain)
    assert plain["verdicts"][0]["checkpoint"] == name
    assert plain["passed"] is False
    assert plain["verdicts"][0]["change"]["low"] == -0.2


def test_a_new_field_is_not_forgotten_in_the_schema() -> None:
    """It is one version as long as readers of the older one are not misled."""
    found = schema()
    assert found["properties"]["schema"] == {
        "const": 1,
        "description": found["properties"]["schema"]["description"],
    }
    assert found["additionalProperties"] is False


def tokens(text: str) -> Iterator[Token]:
    """What Markdown with GitHub's tables and HTML makes of a text."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for token in parser.parse(text):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("type_name", ["markdown", "model-card"])
def test_markdown_has_no_markup_but_ours(report: RunReport, type_name: str) -> None:
    """No link, image, emphasis, heading, code or HTML comes from what others wrote."""
    found = list(tokens(write(type_name, report)))
    kinds = {token.type for token in found}
    assert not kinds & {"link_open", "image", "em_open", "s_open", "code_inline", "code_block"}
    assert not kinds & {"ordered_list_open", "lheading_open", "hr"}
    html = [token.content for token in found if token.type in {"html_inline", "html_block"}]
    ours = ("<!-- pytest-diversity: ", "<details><summary>", "</details>", "<sub>", "</sub>")
    assert all(one.strip().startswith(ours) for one in html)
    assert not any("<script" in one or "<img" in one for one in html)


def test_markdown_shows_training_runs_as_curves(
    told: Callable[..., RunReport], judged: Callable[..., Judged]
) -> None:
    """A row for each run of each configuration; none where no checkpoint is a step of one."""
    steps = [judged(checkpoint=f"dpo-{n}", run="dpo", step=n, value=n / 400) for n in (100, 200)]
    head = "| run | domain | family | by step |"
    assert write("markdown", told(*steps)).count(head) == 1
    others = [replace(one, config="other/diversity.toml") for one in steps]
    assert write("markdown", told(*steps, *others)).count(head) == 2
    assert head not in write("markdown", told(judged()))


def test_a_table_of_markdown_has_its_cells(report: RunReport) -> None:
    """Each row as many as the head, whatever stands in them."""
    rows: list[int] = []
    for token in tokens(write("markdown", report)):
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in {"th_open", "td_open"}:
            rows[-1] += 1
    assert len(rows) == 4
    assert len(set(rows)) == 1


def test_csv_has_a_row_for_each_gate_and_no_formula(report: RunReport) -> None:
    """As wide as its head; the error comes first."""
    rows = list(csv.DictReader(io.StringIO(write("csv", report), newline="")))
    assert [row["status"] for row in rows] == ["error", "fail", "undefined", "pass"]
    assert {row["fails"] for row in rows} == {"true", "false"}
    assert float(rows[1]["change"]) == -0.1
    assert rows[2]["value"] == rows[2]["change"] == ""
    assert all(len(row) == len(rows[0]) and None not in row.values() for row in rows)
    texts = [value for row in rows for key, value in row.items() if not _is_number(value)]
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "＝")) for text in texts)  # noqa: RUF001
    assert not any(character in text for text in texts for character in "\r\n\x1b\x00")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_openmetrics_is_read_by_prometheus_and_gitlab(report: RunReport, name: str) -> None:
    """GitLab drops all from a number sign on, and reads what is left as a shell would."""
    text = write("openmetrics", report)
    parsed = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    families = {one.name: one.samples for one in parsed}
    assert [sample.value for sample in families["diversity_value"]] == [0.4, 0.4]
    assert [sample.value for sample in families["diversity_passed"]] == [0.0, 1.0, 1.0]
    assert families["diversity_errors"][0].value == 1
    labels = [tuple(sorted(one.labels.items())) for one in families["diversity_passed"]]
    assert len(set(labels)) == 3
    assert all("#" not in line for line in text.splitlines() if not line.startswith("# "))
    if name.isprintable() and "#" not in name:
        assert families["diversity_value"][0].labels["checkpoint"] == name


def test_series_keep_their_names_from_run_to_run(
    told: Callable[..., RunReport], judged: Callable[..., Judged]
) -> None:
    """A widget compares them by name: what a gate is is in it, and what became of it is not."""
    names = []
    for row in (judged(), judged(status="fail", fails=True, value=0.1, worst="p1", samples="8")):
        text = write("openmetrics", told(row))
        names.append([line.rpartition(" ")[0] for line in text.splitlines()])
    assert names[0] == names[1]


def test_a_model_card_has_settings_and_fingerprints(
    told: Callable[..., RunReport], judged: Callable[..., Judged]
) -> None:
    """Domain by domain, and never a number over them."""
    rows = [judged(domain="code"), judged(domain="talk", change=None)]
    text = write("model-card", told(*rows, name="code"))
    found = [token.content for token in tokens(text) if token.type == "inline"]
    assert found.index("code") < found.index("talk")
    assert {"temperature", "weights", "ab12", "pair\\_distinct\\(n\\=4\\)"} <= set(found)
