"""A run as one HTML page that needs nothing else: it opens offline, and asks nobody for anything.

The page's policy lets only its own style and its two scripts in, by their digests; what models,
files and people wrote is text wherever it stands.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from string import Template

from pytest_diversity.report.html.markup import Content, Markup, packet, tag, words
from pytest_diversity.report.html.model import Part, parts
from pytest_diversity.report.html.sections import domain
from pytest_diversity.report.run import RunReport, trouble
from pytest_diversity.text import plural

__all__ = ["write"]

_DONE = {"failed": "broken", "warned": "missed, and only warned of", "unclear": "unclear"}


def write(report: RunReport) -> str:
    """The page. Nothing is drawn, and no model is loaded: what is not at hand is not shown."""
    style, script, plots = map(_read, ("page.css", "page.js", "plots.js"))
    found = parts(report)
    return Template(_read("page.html")).substitute(
        title=words(_verdict(report)),
        policy=_policy([style], [script, plots]),
        style=style,
        body=_body(report, found),
        plots=_packed("plots"),
        script=script,
    )


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _packed(name: str) -> Markup:
    return packet(name, _read(f"{name}.js"))


def _policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    sources = {"style-src": map(_digest, styles), "script-src": map(_digest, scripts)}
    named = "; ".join(f"{what} {' '.join(digests)}" for what, digests in sources.items())
    return f"default-src 'none'; img-src data:; {named}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _body(report: RunReport, found: Sequence[Part]) -> Markup:
    names = [_title(part, found) for part in found]
    links = [
        tag(
            "li", tag("a", name, href=f"#domain-{i}"), " ", tag("span", _kept(part), class_="quiet")
        )
        for i, (name, part) in enumerate(zip(names, found, strict=True))
    ]
    moment = f"{report.time:%d %B %Y, %H:%M} UTC"
    header = tag(
        "header",
        tag("p", f"pytest-diversity {report.version} · {moment}", class_="eyebrow"),
        tag("h1", _verdict(report)),
        tag("nav", tag("ul", links), aria_label="Domains") if links else None,
    )
    sections = [
        domain(part, name, i) for i, (name, part) in enumerate(zip(names, found, strict=True))
    ]
    return tag("div", header, tag("main", _troubles(report), sections, _said(report), id="main"))


def _title(part: Part, found: Iterable[Part]) -> str:
    """The domain's name, with its file where two files have one of that name."""
    twice = sum(other.domain == part.domain for other in found) > 1
    return f"{part.domain} ({part.config or 'no file'})" if twice else part.domain


def _verdict(report: RunReport) -> str:
    """The run in a sentence."""
    counts = Counter(map(trouble, report.judged))
    said = [f"{counts[kind]} {word}" for kind, word in _DONE.items() if counts[kind]]
    if report.broken:
        said.append(f"{plural(len(report.broken), 'test')} failed of something else")
    total = len(report.judged)
    if not total:
        return ", ".join(said) or "Nothing was judged"
    every = plural(total, "budget")
    if not said:
        return "The one budget is kept" if total == 1 else f"All {every} are kept"
    return f"Of {every}, {', '.join(said)}"


def _kept(part: Part) -> str:
    judged = [one for family in part.families for one in family.judged]
    kept = sum(trouble(one) == "passed" for one in judged)
    return f"{kept} of {len(judged)} kept"


def _troubles(report: RunReport) -> Markup | None:
    """What asks for attention, the worst first; the first one is open."""
    rows = list(_trouble_rows(report))
    if not rows:
        return None
    items = [
        tag(
            "li",
            tag(
                "details",
                tag(
                    "summary",
                    tag("span", head, class_="headline"),
                    tag("span", word, class_=f"status {kind}"),
                ),
                tag("ul", [tag("li", line) for line in lines]),
                open=i == 0,
            ),
        )
        for i, (kind, word, head, lines) in enumerate(rows)
    ]
    return tag(
        "section",
        tag("h2", "What needs a look", id="attention"),
        tag("ul", items, class_="troubles"),
        aria_labelledby="attention",
    )


def _trouble_rows(report: RunReport) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    for broken in report.broken:
        yield "failed", "failed", broken.test, [broken.message]
    for one in report.judged:
        kind, verdict = trouble(one), one.verdict
        if kind != "passed":
            word = "undefined" if verdict.status == "undefined" else kind
            yield kind, word, verdict.headline, [*verdict.details, *verdict.notes]


def _said(report: RunReport) -> Content:
    if not report.said:
        return None
    return tag(
        "section",
        tag("h2", "Beside the verdicts", id="said"),
        tag("ul", [tag("li", line) for line in report.said]),
        aria_labelledby="said",
    )
