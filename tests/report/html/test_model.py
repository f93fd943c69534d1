"""What the page shows, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_diversity.events import Judged
from pytest_diversity.report.html.model import changes, limits, parts, turned
from pytest_diversity.report.html.sections import domain
from pytest_diversity.report.run import RunReport

Run = Callable[..., RunReport]


@pytest.mark.parametrize(
    ("metric", "known", "axis", "expected"),
    [
        pytest.param("distinct(n=2)", {"min": 0.3}, "value", (0.3, None), id="a level"),
        pytest.param("distinct(n=2)", {"max_drop": 0.1}, "change", (-0.1, None), id="a drop"),
        pytest.param("distinct(n=2)", {"max_rise": 0.1}, "change", (None, 0.1), id="a rise"),
        pytest.param(
            "self_bleu()", {"max_drop": 0.1}, "change", (None, 0.1), id="where low is good"
        ),
        pytest.param("own()", {"max_drop": 0.1}, "change", (-0.1, None), id="an unknown metric"),
        pytest.param("distinct(n=2)", {}, "change", (None, None), id="none"),
    ],
)
def test_where_a_budget_stands(
    run: Run,
    metric: str,
    known: dict[str, float],
    axis: str,
    expected: tuple[float | None, float | None],
) -> None:
    """A drop of diversity is a rise of a metric that falls with it."""
    verdict = replace(run().verdicts[0], metric=metric, limits=known)
    assert limits(verdict, axis) == expected


def test_form_against_content_is_paired_by_prompt(run: Run) -> None:
    """The change of the syntactic metric, then that of the effective one."""
    (part,) = parts(run())
    (form,) = part.forms
    assert (form.checkpoint, form.reference) == ("dpo", "base")
    assert form.points["p2"] == pytest.approx((-0.18, -0.18))
    assert form.form is not None
    assert form.form.value == pytest.approx(-0.18)


def test_without_one_of_both_there_is_no_picture(run: Run) -> None:
    """Nor is it made of another family."""
    whole = run()
    judged = tuple(one for one in whole.judged if one.verdict.family == "effective")
    (part,) = parts(replace(whole, judged=judged))
    assert part.forms == []


def test_diversity_among_valid_answers_is_the_other_factor(run: Run) -> None:
    """Effective diversity divided by the share of valid pairs."""
    (part,) = parts(run())
    (found,) = part.validities
    assert found.valid.value == pytest.approx(0.8)
    assert found.diversity is not None
    assert found.diversity.value == pytest.approx(0.51 / 0.8)


def test_a_change_is_known_where_both_sides_were_judged(run: Run) -> None:
    """Of a budget that asks for none, by the verdict on the reference."""
    after = run().verdicts[0]
    alone = replace(after, change=None)
    before = replace(alone, checkpoint="base", per_prompt={"p1": 0.75, "other": 1.0})
    found = changes(alone, {"dpo": alone, "base": before, "sft": replace(after, checkpoint="sft")})
    assert found == pytest.approx({"p1": -0.25})
    assert changes(alone, {"dpo": alone}) == {}


def test_a_loss_is_a_change_the_other_way_round() -> None:
    """And so are the ends of its interval."""
    found = turned({"loss": 0.1, "low": 0.05, "high": 0.2, "p": 0.01})
    assert found is not None
    assert (found.value, found.low, found.high) == (-0.1, -0.2, -0.05)


def test_domains_are_told_apart_by_their_file(run: Run) -> None:
    """Two files may have one of the same name."""
    whole = run()
    other = tuple(Judged(one.verdict, config="other.toml") for one in whole.judged)
    found = parts(replace(whole, judged=(*whole.judged, *other)))
    assert [(part.config, part.domain) for part in found] == [
        ("", "tales"),
        ("other.toml", "tales"),
    ]


def test_samples_are_read_checkpoint_by_checkpoint(run: Run) -> None:
    """A recording of all domains is read once for them, in whatever order they were drawn."""
    whole, read = run(), list[tuple[str, str]]()
    (subject,) = (one for one in whole.subjects if one.checkpoint == "dpo")
    verdict = whole.judged[0].verdict
    judged = [Judged(replace(verdict, domain=name), config="") for name in ("code", "tales")]
    places = [(name, domain) for domain in ("code", "tales") for name in ("base", "dpo")]

    def asked(place: tuple[str, str]) -> Any:
        return replace(
            subject,
            checkpoint=place[0],
            domain=place[1],
            features=lambda: read.append(place),
        )

    parts(replace(whole, judged=tuple(judged), subjects=tuple(map(asked, places))))
    assert read == sorted(places)


def test_a_page_holds_so_many_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is in trouble first; what has no room is named, and neither read nor shown."""
    whole = run()
    others = [replace(whole.subjects[0], checkpoint=name) for name in ("fine", "too")]
    monkeypatch.setattr("pytest_diversity.report.html.model.ANSWERS", 12)
    (part,) = parts(replace(whole, subjects=(*others, *whole.subjects)))
    assert list(part.features) == ["dpo"]
    assert part.left_out == {"fine", "too"}
    page = domain(part, "tales", 0)
    assert "Left out, for a page holds 200,000 answers: those of fine, too." in page
