"""The page as a file: what is in it, and what is not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_diversity.report.html.page import write
from pytest_diversity.report.run import RunReport
from tests.report.html.reading import Page

Run = Callable[..., RunReport]
NAMES = st.text(min_size=1, max_size=40) | st.sampled_from(
    ["</script><img src=x onerror=alert(1)>", '"><svg/onload=x()>', "<!--", "'", "$style"]
)
OUTSIDE = re.compile(
    r"""(?:src|href|action|data|poster)\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE
)


@pytest.fixture(scope="module")
def page(run: Run) -> Page:
    """The page of a plain run."""
    return Page(write(run()))


def test_it_is_known_as_ours(run: Run) -> None:
    """By the mark that only our pages have, in the first kilobyte."""
    assert '<meta name="generator" content="pytest-diversity">' in write(run())[:1000]


def test_it_asks_nobody_for_anything(run: Run) -> None:
    """No element and no style names another place."""
    text = write(run())
    assert not OUTSIDE.search(text)
    assert "@import" not in text
    assert "url(" not in text


def test_only_its_own_scripts_and_style_may_run(page: Page) -> None:
    """The policy names them by digest, the packed one as it is when it is unpacked."""
    policy = next(a["content"] for n, a in page.elements if n == "meta" and "http-equiv" in a)
    assert policy is not None
    run = [text for of, text in page.scripts if "type" not in of]
    for text in (*run, page.packets()["plots"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_the_verdict_comes_first(page: Page) -> None:
    """In the title and the first heading, then what needs a look."""
    assert page.text.index("Of 2 budgets, 1 broken") < page.text.index("What needs a look")
    assert page.text.index("What needs a look") < page.text.index("Values, intervals and budgets")


@pytest.mark.parametrize(
    "title",
    [
        "What changed: quality or narrowing",
        "Form against content",
        "Validity against diversity among valid answers",
        "Lengths of answers",
        "Prompts and answers",
        "Settings and fingerprints",
    ],
)
def test_a_domain_has(page: Page, title: str) -> None:
    """Each picture has its heading."""
    assert title in page.text


def test_every_plot_has_a_table(page: Page) -> None:
    """And a name that is read out."""
    names = [attributes for _, attributes in page.elements if attributes.get("class") == "plot"]
    assert len(names) == len(page.data("plot")) > 5
    assert all(one["aria-label"] for one in names)
    assert page.text.count("The same as a table") >= 5


def test_answers_are_packed_by_checkpoint(page: Page) -> None:
    """With classes of meaning and validity, each text once."""
    found = json.loads(page.packets()["samples-0-0"])
    assert found["texts"] == ["one", "two", "three"]
    assert found["prompts"][0] == ["p1", None, [[0, 0, 0], [1, 0, 1], [1, 1, 1], [2, 1, 1]]]


def test_answers_that_are_not_at_hand_are_said_to_be(run: Run) -> None:
    """And the table of prompts opens none."""
    page = Page(write(run(at_hand=False)))
    assert "Not at hand: the answers of dpo." in page.text
    assert list(page.packets()) == ["plots"]
    assert page.data("prompts")[0]["checkpoints"][0]["samples"] is None


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(NAMES, NAMES, NAMES), st.lists(NAMES, min_size=4, max_size=4))
def test_no_name_and_no_text_is_markup(
    run: Run, page: Page, names: tuple[str, str, str], texts: list[str]
) -> None:
    """Whatever models, files and people wrote, the page has the elements that it has anyway."""
    checkpoint, domain, prompt = names
    hostile = Page(write(run(checkpoint, domain, f"1{prompt}", tuple(texts))))
    assert hostile.shape == page.shape


def test_a_run_without_verdicts_has_a_page(run: Run) -> None:
    """It says that nothing was judged."""
    whole = run()
    empty = RunReport(
        judged=(),
        broken=(),
        drawings=(),
        damages=(),
        said=(),
        subjects=(),
        root=whole.root,
        exit_status=0,
        time=whole.time,
        version=whole.version,
    )
    assert "Nothing was judged" in Page(write(empty)).text
