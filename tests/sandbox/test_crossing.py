"""Values cross between a check and a program as what they are."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from pytest_diversity.sandbox.inside.crossing import Crossing
from pytest_diversity.sandbox.inside.mirror import Mirrors

from .test_values import values


class Nobody:
    def ask(self, verb: str, *_: Any) -> Any:
        raise AssertionError(verb)

    def special(self, mirror: Any, name: str, arguments: Any, named: Any) -> Any:
        raise AssertionError((mirror, name, arguments, named))


def sides() -> tuple[Crossing, Crossing]:
    check, program = (
        Crossing(Mirrors(Nobody(), ahead=False), first, lambda _: True) for first in (0, 1)
    )
    return check, program


def across(sender: Crossing, receiver: Crossing, value: Any) -> Any:
    return receiver.unpack(json.loads(json.dumps(sender.pack(value))))


@given(values)
def test_plain_values_cross_exactly(value: object) -> None:
    crossed = across(*sides(), value)
    assert crossed == value
    assert type(crossed) is type(value)


def test_one_object_twice_stays_one_and_comes_back_as_itself() -> None:
    check, program = sides()
    row = [0]
    there = across(check, program, [row, row])
    there[0].append(1)
    back = across(program, check, there)
    assert back[0] is back[1] is row
    assert row == [0, 1]


def test_what_is_deep_or_within_itself_crosses() -> None:
    check, program = sides()
    loop: list[Any] = []
    loop.append(loop)
    crossed = across(check, program, loop)
    assert crossed[0] is crossed
    deep: Any = ()
    for _ in range(5000):
        deep = (deep,)
    assert type(across(check, program, deep)) is tuple
