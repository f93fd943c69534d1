"""Another transformers may lack what drawing together needs, or do it otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import transformers
from transformers import AutoModelForCausalLM

from pytest_diversity.config.values import Generation
from pytest_diversity.sampling.engines.transformers import usable
from pytest_diversity.sampling.engines.transformers.engine import TransformersEngine
from pytest_diversity.sampling.protocol import Request

if TYPE_CHECKING:
    from tests.sampling.conftest import Said

ROOM = "pytest_diversity.sampling.engines.transformers"


@pytest.fixture(autouse=True)
def looked_at_anew() -> Iterator[None]:
    """The library is looked at once a process; here, once a test."""
    usable._library.cache_clear()
    yield
    usable._library.cache_clear()


def test_the_version_that_is_installed_draws_together(tiny: Path) -> None:
    """On every version that the tests run with; else the engine is right, and far slower."""
    assert usable.why_not(AutoModelForCausalLM.from_pretrained(tiny)) is None


def a_name_is_gone(patch: pytest.MonkeyPatch) -> None:
    for name in ("decode", "attention", "internals"):
        patch.delitem(sys.modules, f"{ROOM}.{name}", raising=False)
    patch.delattr("transformers.cache_utils.DynamicLayer")


def a_layer_has_no_states(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(f"{ROOM}.buffers._Buffered.update", lambda *_, **__: 1 / 0)


def rows_see_each_other(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(f"{ROOM}.decode._positions", lambda mask: mask.cumsum(dim=1) * 0)


CHANGES: Mapping[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "a name is gone": (a_name_is_gone, "has not what drawing together needs (ImportError: "),
    "something raises": (a_layer_has_no_states, "needs (ZeroDivisionError: division by zero)"),
    "it behaves differently": (rows_see_each_other, "draws other texts together than one by one"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_not_as_it_was_leaves_the_work_to_generate(
    tiny: Path,
    said: Said,
    load_engine: Callable[[Path], TransformersEngine],
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    """The texts are those of `generate`, and one sentence says why they come slowly."""
    requests = [Request("p", "the cat", (0,), Generation(temperature=0.0, max_tokens=6))]
    [expected] = load_engine(tiny).sample(requests, said)
    assert said.lines == [f"loading {tiny.name} on cpu (float32)"]
    usable._library.cache_clear()
    change, reason = CHANGES[case]
    change(monkeypatch)
    [found] = load_engine(tiny).sample(requests, said)
    assert found.text == expected.text
    assert found.logprob is None
    line = said.lines[-1]
    assert line.startswith(f"{tiny.name}: transformers {transformers.__version__} ")
    assert reason in line
    assert line.endswith(", so generate draws")


def out(message: str) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(message)

    return fail


@pytest.mark.parametrize(
    "message",
    [
        "could not create a primitive",
        "DefaultCPUAllocator: can't allocate memory",
        "std::bad_alloc",
    ],
)
def test_a_lack_of_memory_is_no_reason_for_generate(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    """It would draw other texts, under the same key: nothing is drawn, and the next run looks."""
    model = AutoModelForCausalLM.from_pretrained(tiny)
    with monkeypatch.context() as patch:
        patch.setattr(f"{ROOM}.buffers._Buffered.update", out(message))
        with pytest.raises(RuntimeError, match=message):
            usable.why_not(model)
    assert usable.why_not(model) is None


def test_a_model_of_an_odd_kind_is_left_to_generate(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its attention is as it was before, for `generate` knows nothing of ours."""
    model: Any = AutoModelForCausalLM.from_pretrained(tiny)
    usable._library()
    monkeypatch.setattr(model, "forward", lambda position_ids: position_ids)
    reason = usable.why_not(model)
    assert reason is not None
    assert reason.startswith("its samples cannot be drawn together (TypeError: ")
    assert model.config._attn_implementation == "sdpa"
