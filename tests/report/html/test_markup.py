"""HTML that is escaped by construction."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.report.html.markup import data, packet, tag
from pytest_diversity.text import visible
from tests.report.html.reading import Page, unpacked

HOSTILE = st.text() | st.sampled_from(
    [
        "</script><script>x()</script>",
        '" onload="x()',
        "<!--<script>",
        "\u2028\u2029",
        "&lt;",
        "\ud800",
    ]
)


@given(HOSTILE)
def test_text_and_attributes_stay_what_they_are(text: str) -> None:
    """Whatever is in them, there is one element, with that text and that attribute."""
    page = Page(tag("p", text, title=text))
    assert [name for name, _ in page.elements] == ["p"]
    assert page.text == visible(text).replace("\r", "\n") or "\r" in text
    assert page.elements[0][1]["title"] == visible(text)


@given(st.recursive(HOSTILE, st.lists))
def test_data_ends_where_it_ends(value: object) -> None:
    """A block of data is one script, and is read as what it was."""
    page = Page(data("any", value))
    assert len(page.elements) == 1
    assert page.data("any") == [value]


@given(HOSTILE)
def test_a_packet_is_unpacked(text: str) -> None:
    """It is base64 of a deflated text; half a surrogate pair has no bytes."""
    page = Page(packet("it", json.dumps(text)))
    assert json.loads(page.packets()["it"]) == text
    assert unpacked(page.scripts[0][1]) == json.dumps(text)


def test_attributes_that_are_false_are_left_out() -> None:
    """True stands alone, and `_` is `-`."""
    found = tag("details", open=False, data_kind="x", hidden=True, class_=None)
    assert found == '<details data-kind="x" hidden></details>'
