"""What a fuzzer makes inputs of: good ones in which something was changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

__all__ = ["JUNK", "TEXTS", "changed", "damaged", "documents", "json_lines", "pieces"]

ODD = ("", " ", "\x00", "\ud800", "\u2028", "\x1b[31m", "é" * 300, "../..", "'", "</script>", "nan")
TEXTS = st.text(max_size=20) | st.sampled_from(ODD)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1, 2**63, 10**400])
    | st.floats()
    | TEXTS
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """The way to every part of a value."""
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, part in value.items() if isinstance(value, dict) else ():
        yield from _places(part, (*path, key))


@st.composite
def changed(draw: Callable[..., Any], examples: Sequence[Any]) -> Any:
    """One of the examples, in which a few parts were replaced, left out, doubled or renamed."""
    root = [deepcopy(draw(st.sampled_from(examples)))]
    for _ in range(draw(st.integers(0, 3))):
        path: tuple[Any, ...] = draw(st.sampled_from([*_places(root[0])]))
        *way, last = (0, *path)
        holder: Any = root
        for key in way:
            holder = holder[key]
        how = draw(st.sampled_from(["replace", "replace", "leave out", "rename"]))
        if how == "replace" or holder is root:
            holder[last] = draw(JUNK)
        elif how == "leave out":
            del holder[last]
        elif isinstance(holder, dict):
            holder[draw(TEXTS)] = holder.pop(last)
        else:
            holder.insert(last, holder[last])
    return root[0]


@st.composite
def damaged(draw: Callable[..., Any], texts: st.SearchStrategy[str]) -> bytes:
    """A text as bytes, now and then with a part that is gone, or that is other bytes."""
    data: bytes = draw(texts).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)):
        return data
    start = draw(st.integers(0, len(data)))
    instead: bytes = draw(st.binary(max_size=4))
    return data[:start] + instead + data[start + draw(st.integers(0, 8)) :]


def documents(examples: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """JSON documents like the examples."""
    return damaged(changed(examples).map(json.dumps))


def json_lines(examples: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Some lines like the examples."""
    rows = st.lists(changed(examples).map(json.dumps), max_size=4)
    return damaged(rows.map("\n".join))


def pieces(*known: str) -> st.SearchStrategy[str]:
    """Texts of known pieces, with others in between."""
    return st.lists(st.sampled_from(known) | TEXTS, max_size=20).map("".join)
