"""What a metric declares is checked when it is registered, and is the only place that says it."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity import measure, metrics, register_metric
from pytest_diversity.errors import ConfigError
from pytest_diversity.metrics import AtLeast, definitions, metric, parse
from pytest_diversity.metrics.registry import _definitions

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What a test registers is gone after it."""
    known = dict(definitions())
    yield
    _definitions.clear()
    _definitions.update(known)


def words(tokens: Any, *, most: int = 9) -> float:
    return min(most, len(tokens))


async def asynchronous(tokens: Any) -> float:
    return len(tokens)


async def streaming(tokens: Any) -> AsyncIterator[float]:
    yield len(tokens)


def generating(tokens: Any) -> Iterator[float]:
    yield len(tokens)


def everything(*tokens: Any) -> float:
    return len(tokens)


def anything(tokens: Any, **others: Any) -> float:
    return len(tokens) + len(others)


def placed(tokens: Any, /) -> float:
    return len(tokens)


def nothing(*, most: int = 9) -> float:
    return most


def without_default(tokens: Any, *, most: int) -> float:
    return min(most, len(tokens))


def listed(tokens: Any, *, most: Any = (1, 2)) -> float:
    return len(tokens) + len(most)


def unknown(tokens: Any, *, most: float = math.nan) -> float:
    return len(tokens) + most


def renamed(name: str) -> Callable[..., float]:
    """A function of that name."""

    def function(tokens: Any) -> float:
        return len(tokens)

    function.__name__ = name
    return function


WRONG: Mapping[str, tuple[Any, dict[str, Any], str]] = {
    "a direction in capitals": (words, {"better": "Up"}, "cannot be 'Up'; did you mean 'up'?"),
    "no direction": (words, {"better": None}, "better of metric 'words' cannot be None; known:"),
    "a misspelt family": (words, {"family": "lexcal"}, "'lexcal'; did you mean 'lexical'?"),
    "a highest value of 0": (words, {"highest": 0}, "must be a number above 0, not 0"),
    "a highest value below 0": (words, {"highest": -1.0}, "not -1.0"),
    "a highest value that is nan": (words, {"highest": math.nan}, "not nan"),
    "a highest value that is true": (words, {"highest": True}, "not True"),
    "a highest value in words": (words, {"highest": "1"}, "not '1'"),
    "unbiased in words": (words, {"unbiased": "yes"}, "must be True or False, not 'yes'"),
    "no samples at all": (words, {"fewest": 0}, "must be a whole number from 1, not 0"),
    "a limit of no parameter": (
        words,
        {"limits": {"mots": AtLeast(1)}},
        "metric 'words' has no parameter 'mots' to limit; did you mean 'most'?",
    ),
    "a number for a limit": (words, {"limits": {"most": 1}}, "cannot be 1; write it as in"),
    "a default beyond its limit": (words, {"limits": {"most": AtLeast(10)}}, "at least 10, not 9"),
    "no feature": (nothing, {}, "metric 'nothing' reads no feature; name one"),
    "any features": (everything, {}, "'tokens' of metric 'everything' cannot be given by name"),
    "any parameters": (anything, {}, "'others' of metric 'anything' cannot be given"),
    "a feature by its place alone": (placed, {}, "cannot be given by name"),
    "a parameter without a default": (without_default, {}, "has no plain default; give it"),
    "a list for a default": (listed, {}, "has no plain default; give it a number or a string"),
    "nan for a default": (unknown, {}, "has no plain default"),
    "a lambda": (lambda tokens: len(tokens) + 1, {}, "named '<lambda>'; write it with def"),
    "a name with a space": (renamed("my words"), {}, "cannot be named 'my words'"),
    "a keyword": (renamed("class"), {}, "cannot be named 'class'"),
    "no function at all": ("words", {}, "a metric must be a function, not str"),
    "a partial function": (partial(words, most=3), {}, "must be a function, not partial"),
    "an async function": (asynchronous, {}, "is async or a generator, which gives no number"),
    "an async generator": (streaming, {}, "is async or a generator"),
    "a generator": (generating, {}, "is async or a generator"),
    "the word for across prompts": (renamed("across"), {}, "named 'across' exists already"),
    "the name of one of ours": (renamed("self_bleu"), {}, "named 'self_bleu' exists already"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declarations(case: str) -> None:
    """Each is one sentence that says what to do, and registers nothing."""
    function, declared, message = WRONG[case]
    before = definitions()
    with pytest.raises(ConfigError) as caught:
        register_metric(function, **({"family": "lexical", "better": "up"} | declared))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    assert definitions() == before


def test_a_misspelt_option_of_the_decorator() -> None:
    """What is no option is taken for a limit, and refused with the option that was meant."""
    with pytest.raises(ConfigError, match="'hihgest' to limit; did you mean 'highest'"):
        metric(family="lexical", better="up", hihgest=1)(words)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="async"):
        metric(family="lexical", better="up", most=AtLeast(1))(asynchronous)  # type: ignore[type-var]


def test_few_words_register_a_metric() -> None:
    """A function and a line are a metric: its name, its parameters, its estimate."""

    @metric(family="lexical", better="down", highest=9, most=AtLeast(1))
    def repeated(tokens: Any, *, most: int = 9) -> float:
        return min(most, max(map(len, tokens)))

    assert str(parse("repeated(3)")) == "repeated(most=3)"
    assert measure(["a b c d", "e"], "repeated(3)").value == 3
    assert not parse("repeated").definition.unbiased  # unless it says so


def hook(most: int = 1, helper: Callable[[int], int] = abs) -> None:
    """Registers a metric whose function it defines, as a hook of a conftest.py may."""

    @metric(family="lexical", better="up", most=AtLeast(0))
    def defined_within(tokens: Any, *, most: int = most) -> float:
        return helper(most) + len(tokens)


def test_a_hook_may_run_twice() -> None:
    """A function that one source has defined anew is the same metric."""
    hook()
    first = parse("defined_within")
    hook()
    assert parse("defined_within") == first
    assert measure(["a"], "defined_within").value == 2


def test_another_function_of_the_same_place() -> None:
    """The same lines with other defaults or another function around them are another metric."""
    hook()
    for different in (partial(hook, 2), partial(hook, helper=int)):
        with pytest.raises(ConfigError, match="'defined_within' exists already; choose another"):
            different()


def test_no_file_hides_a_metric() -> None:
    """Importing a module of a package sets the attribute of its name, which a function may need."""
    files = {path.stem for path in Path(metrics.__file__).parent.glob("*.py")}
    assert files.isdisjoint(dir(metrics))


def test_every_file_is_known_to_the_package() -> None:
    """A metric of ours is a file and a line: forgetting the line would lose the metric."""
    folder = Path(metrics.__file__).parent
    written = [
        name
        for path in folder.glob("*.py")
        for name in re.findall(r"^@metric\(.*\)\ndef (\w+)", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert sorted(written) == sorted(definitions())
    assert all(callable(getattr(metrics, name)) for name in written)


GUIDE = (ROOT / "docs" / "metrics.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(definitions()))
def test_every_metric_is_in_the_guide(name: str) -> None:
    """Its row shows the name with its defaults, the direction, and whether it depends on K."""
    definition = definitions()[name]
    [row] = [line for line in GUIDE.splitlines() if line.startswith(f"| `{name}(")]
    shown, _, direction, caveats = row.removeprefix("|").removesuffix("|").split("|")
    assert parse(re.findall(r"`(.+?)`", shown)[0]) == parse(name)
    assert definition.better in re.findall(r"\w+", direction)
    assert not (definition.unbiased and "**K**" in caveats)


LIGHT = """
import sys
from pytest_diversity import metrics
assert "numpy" not in sys.modules
metrics.parse("pair_distinct"), metrics.parse("validity"), metrics.parse("effective_pairs")
loaded = {name.removeprefix("pytest_diversity.metrics.") for name in sys.modules}
print(*sorted(loaded & {"scipy.stats", "scipy.linalg", "rapidfuzz", "kernels", "rouge", "bleu"}))
"""


def test_a_metric_is_loaded_when_it_is_named() -> None:
    """One metric needs neither the others nor what only these import."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("\n", "")
