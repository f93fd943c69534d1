"""Values cross the wall exactly, and count as equal when they are."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque, namedtuple
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.sandbox.inside.wire import (
    TooLargeError,
    canonical,
    encode,
)


class Plain:
    pass


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError


def one_two() -> Iterator[int]:
    yield from (1, 2)


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - a bare one is what programs return

FORMS = {
    "nothing": (None, "null"),
    "true is not one": (True, "true"),
    "a whole number": (1, "1"),
    "a whole float is no integer": (1.0, '["float","1"]'),
    "digits past the twelfth do not count": (0.1 + 0.2, '["float","0.3"]'),
    "zero has no sign": (-0.0, '["float","0"]'),
    "not a number is itself": (-math.nan, '["float","nan"]'),
    "infinity": (-math.inf, '["float","-inf"]'),
    "a large integer": (2**64, '["int","0x10000000000000000"]'),
    "text": ("é\ud800", '"\\u00e9\\ud800"'),
    "a kind of text": (Loud("a"), '"a"'),
    "bytes": (b"\xff", '["bytes","ff"]'),
    "a complex number": (complex(-0.0, 1), '["complex","0","1"]'),
    "a list is not a tuple": ([1], '["list",[1]]'),
    "a tuple": ((1,), '["tuple",[1]]'),
    "a named tuple is a tuple": (Pair(1, 2), '["tuple",[1,2]]'),
    "a set has no order": ({"b", "a", 1}, '["set",["a","b",1]]'),
    "a frozen set is a set": (frozenset({1}), '["set",[1]]'),
    "a dictionary has no order": ({"b": 1, "a": 2}, '["dict",[["a",2],["b",1]]]'),
    "a counter is a dictionary": (Counter("aa"), '["dict",[["a",2]]]'),
    "an ordered dictionary is one too": (OrderedDict(a=1), '["dict",[["a",1]]]'),
    "an exact decimal": (Decimal("1.10"), '["Decimal","1.10"]'),
    "a fraction": (Fraction(2, 4), '["Fraction","1/2"]'),
    "a generator is what it yields": (one_two(), '["iterator",[1,2]]'),
    "a range too": (range(3), '["iterator",[0,1,2]]'),
    "a deque is not a list": (deque([1]), '["deque",[1]]'),
}


@pytest.mark.parametrize("name", FORMS)
def test_canonical_form(name: str) -> None:
    value, form = FORMS[name]
    assert canonical(encode(value)) == form


def test_addresses_do_not_count() -> None:
    assert canonical(encode(Plain())) == canonical(encode(Plain()))


def test_depth_and_cycles_are_marked() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    assert canonical(encode(deep)) == '["opaque","deep"]'
    loop: list[Any] = []
    loop.append(loop)
    assert canonical(encode(loop)) == '["list",[["cycle"]]]'


def test_what_nobody_would_compare_is_too_large() -> None:
    with pytest.raises(TooLargeError):
        encode("x" * 11, size=10)
    with pytest.raises(TooLargeError):
        encode([0] * 100_001)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
)
keys = st.none() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(keys, scalars), unique_by=lambda pair: pair[0]), st.randoms())
def test_order_of_insertion_does_not_count(pairs: list[Any], random: Any) -> None:
    shuffled = random.sample(pairs, len(pairs))
    assert canonical(encode(dict(pairs))) == canonical(encode(dict(shuffled)))
    names = [key for key, _ in pairs]
    assert canonical(encode(set(names))) == canonical(encode({*names[::-1]}))


@given(values, values)
def test_different_exact_values_without_floats_differ(one: object, other: object) -> None:
    if "float" not in canonical(encode([one, other])) and one != other:
        assert canonical(encode(one)) != canonical(encode(other))
