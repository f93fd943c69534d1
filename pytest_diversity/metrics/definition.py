"""What a metric says of itself, and refusing what it cannot say."""

from __future__ import annotations

import inspect
import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

from pytest_diversity.errors import (
    ConfigError,
    DiversityError,
    MetricError,
    did_you_mean,
    unexpected,
)
from pytest_diversity.families import FAMILIES
from pytest_diversity.metrics._limits import Limit, check

__all__ = [
    "ACROSS",
    "DRAWN",
    "Better",
    "Definition",
    "Function",
    "Metric",
    "Value",
    "declared",
    "render",
]

ACROSS = "across"
DRAWN = ("drawn_tokens", "drawn_share")  # whoever reads one can be rarefied
Better = Literal["up", "down"]
_ROUNDING = 1e-6  # by which a value may lie above the highest
Value = float | str  # whole numbers are floats to the type checker
Function: TypeAlias = Callable[..., float | None]


@dataclass(frozen=True, slots=True)
class Definition:
    """What is known of a metric before its parameters are chosen.

    Attributes:
        function: The pure function: features of one prompt's samples -> value, None if undefined.
        family: `lexical`, `syntactic`, `semantic`, `effective` or `quality`.
        better: The direction of more diversity (or quality): `up` or `down`.
        features: Names of the features it must be given.
        optional: Names of the features it uses where the domain has them.
        defaults: Its declared parameters.
        limits: What they may be.
        highest: The largest value there is, infinite where none is known; the least is never below
            0. Of a metric that ends at 1, intervals do too, and no budget can lie beyond it.
        unbiased: Whether its expected value is the same for any number of samples, so that few of
            them can be held against a bound.
        fewest: The smallest number of samples of a prompt that it is defined for.
        quality: The metric of quality that it is a product with: what is left of it after division,
            diversity among valid samples, must not depend on how many are valid. None if it has no
            such factor.
    """

    function: Function
    family: str
    better: Better
    features: tuple[str, ...]
    optional: tuple[str, ...]
    defaults: Mapping[str, Value]
    limits: Mapping[str, Limit] = field(default_factory=dict)
    highest: float = math.inf
    unbiased: bool = False
    fewest: int = 1
    quality: str | None = None

    @property
    def name(self) -> str:
        """The name of the function, without parameters."""
        return self.function.__name__

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of all features that it uses."""
        return (*self.features, *self.optional)

    @property
    def in_windows(self) -> bool:
        """Whether it can be taken in windows of texts: it reads them as their tokens or trees."""
        return {*self.features} <= {"tokens", "tags", "trees"}

    @property
    def can_be_rarefied(self) -> bool:
        """Whether it has a form at equal token counts."""
        return not set(DRAWN).isdisjoint(self.optional)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its parameters chosen; equal metrics have equal names.

    Attributes:
        definition: The registered definition.
        parameters: (name, value) of every declared parameter, in declared order.
        across: Whether it is taken among one sample of each prompt, not the samples of one.
    """

    definition: Definition
    parameters: tuple[tuple[str, Value], ...]
    across: bool = False

    def __str__(self) -> str:
        """The canonical name, which `parse` reads back."""
        arguments = ", ".join(f"{name}={render(value)}" for name, value in self.parameters)
        name = f"{self.definition.name}({arguments})"
        return f"{ACROSS}({name})" if self.across else name

    __repr__ = __str__

    def __hash__(self) -> int:
        """The identity is the canonical name."""
        return hash(str(self))

    def __call__(self, **features: Any) -> float | None:
        """The value for one prompt, None where it is undefined.

        Raises:
            MetricError: The function failed, or what it gave is none of its values.
        """
        try:
            value = self.definition.function(**features, **dict(self.parameters))
        except DiversityError:
            raise
        except Exception as error:  # a suite's function may raise anything
            raise MetricError(
                f"metric {self} failed: {unexpected(error)}", fix="--diversity-debug shows where"
            ) from error
        if value is not None and not self._allows(value):
            raise MetricError(
                f"metric {self} gave {reprlib.repr(value)}, which is no number up to "
                f"{self.definition.highest:g}",
                fix="give a finite number in that range, or None where it is undefined",
            )
        return value

    def _allows(self, value: object) -> bool:
        """Whether it is a number up to the highest, but for rounding."""
        try:
            number = float(value) if isinstance(value, Real) else math.nan
        except OverflowError:
            return False
        return math.isfinite(number) and number <= self.definition.highest + _ROUNDING


def render(value: Value) -> str:
    """A parameter's value as it stands in a name."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)


def declared(
    function: Function,
    *,
    family: str,
    better: Better,
    highest: float,
    unbiased: bool,
    fewest: int,
    quality: str | None,
    limits: Mapping[str, Limit],
) -> Definition:
    """The definition of `function`, whose parameters name its features and its own settings.

    Raises:
        ConfigError: It cannot be a metric, or something that it declares cannot be.
    """
    name = _name(function)
    _check_words(name, family, better)
    _check_numbers(name, highest, unbiased, fewest)
    parameters = _parameters(name, function)
    features = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    defaults = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
    _check_defaults(name, defaults)
    _check_limits(name, limits, defaults)
    return Definition(
        function=function,
        family=family,
        better=better,
        features=tuple(one.name for one in features if one.default is one.empty),
        optional=tuple(one.name for one in features if one.default is not one.empty),
        defaults=defaults,
        limits=limits,
        highest=highest,
        unbiased=unbiased,
        fewest=fewest,
        quality=quality,
    )


def _name(function: Function) -> str:
    """Its name, which must be one that `parse` can read."""
    name = getattr(function, "__name__", None)
    if not callable(function) or not isinstance(name, str):
        raise ConfigError(
            f"a metric must be a function, not {type(function).__name__}", fix="write it with def"
        )
    if not name.isidentifier() or iskeyword(name):
        raise ConfigError(f"a metric cannot be named {name!r}", fix="write it with def NAME")
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    if any(is_kind(function) for is_kind in kinds):
        raise ConfigError(
            f"metric {name!r} is async or a generator, which gives no number",
            fix="write it as a plain function",
        )
    return name


def _check_words(name: str, family: str, better: str) -> None:
    words: Iterable[tuple[str, str, tuple[str, ...]]] = (
        ("family", family, FAMILIES),
        ("better", better, get_args(Better)),
    )
    for what, word, known in words:
        if word not in known:
            raise ConfigError(
                f"{what} of metric {name!r} cannot be {word!r}",
                fix=did_you_mean(str(word).lower(), known),
            )


def _check_numbers(name: str, highest: float, unbiased: object, fewest: object) -> None:
    number = isinstance(highest, int | float) and not isinstance(highest, bool)
    if not number or not highest > 0:
        raise ConfigError(
            f"highest of metric {name!r} must be a number above 0, not {highest!r}",
            fix="leave it out where no highest value is known",
        )
    if not isinstance(unbiased, bool):
        raise ConfigError(
            f"unbiased of metric {name!r} must be True or False, not {unbiased!r}",
            fix="leave it out unless the expected value is the same for any number of samples",
        )
    if not isinstance(fewest, int) or isinstance(fewest, bool) or fewest < 1:
        raise ConfigError(
            f"fewest of metric {name!r} must be a whole number from 1, not {fewest!r}",
            fix="leave it out where one sample is enough",
        )


def _parameters(name: str, function: Function) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # of some built-in functions
        raise ConfigError(
            f"the parameters of metric {name!r} cannot be read", fix="write it with def"
        ) from None
    for one in parameters:
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise ConfigError(
                f"parameter {one.name!r} of metric {name!r} cannot be given by name",
                fix="name each feature, and after a * each parameter with its default",
            )
    if all(one.kind is one.KEYWORD_ONLY for one in parameters):
        raise ConfigError(
            f"metric {name!r} reads no feature",
            fix="name one as its first parameter, as in def f(tokens)",
        )
    return parameters


def _check_defaults(name: str, defaults: Mapping[str, Any]) -> None:
    for parameter, default in defaults.items():
        plain = type(default) in (bool, int, float, str)
        if not plain or (isinstance(default, float) and not default > -math.inf):  # nan, too
            raise ConfigError(
                f"parameter {parameter!r} of metric {name!r} has no plain default",
                fix="give it a number or a string",
            )


def _check_limits(name: str, limits: Mapping[str, Limit], defaults: Mapping[str, Any]) -> None:
    for parameter, limit in limits.items():
        if parameter not in defaults:
            raise ConfigError(
                f"metric {name!r} has no parameter {parameter!r} to limit",
                fix=did_you_mean(parameter, {*defaults, "fewest", "highest", "unbiased"}),
            )
        if not callable(getattr(limit, "allows", None)):
            raise ConfigError(
                f"the limit of parameter {parameter!r} of metric {name!r} cannot be {limit!r}",
                fix="write it as in metrics.AtLeast(1)",
            )
    check(name, limits, defaults)
