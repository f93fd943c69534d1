"""Values as rows, and as data frames of pandas or polars where one of them is installed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias

from pytest_diversity.errors import ConfigError, DiversityError, did_you_mean

__all__ = ["Columns", "Library", "Tabular"]

Columns: TypeAlias = Mapping[str, type[str | int | float | bool]]
Library: TypeAlias = Literal["pandas", "polars"]


class Tabular:
    """A value that has rows.

    Attributes:
        columns: Names of the columns in their order, each with its type; any cell may be None.
    """

    __slots__ = ()
    columns: ClassVar[Columns]

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """Plain values by column, a dict for each row."""

    def to_frame(self, library: Library | None = None) -> Any:
        """The rows as a data frame, whose columns and types are the same for any rows.

        Args:
            library: `pandas` or `polars`; the first of them that is installed if None.

        Raises:
            ConfigError: There is no such library.
            DiversityError: It is not installed, or cannot hold the texts.
        """
        makers = {"pandas": _pandas, "polars": _polars}
        if library is not None and library not in makers:
            raise ConfigError(f"no data frames of {library!r}", fix=did_you_mean(library, makers))
        for name in (library,) if library else makers:
            try:
                return makers[name](self.rows(), self.columns)
            except ImportError:
                continue
        raise DiversityError(
            f"a data frame needs {library or 'pandas or polars'}, which is not installed",
            fix=f"pip install {library or 'pandas'}, or take rows()",
        )


def _pandas(rows: list[dict[str, Any]], columns: Columns) -> Any:
    import pandas as pd  # noqa: PLC0415 - optional

    types = {str: "object", int: "Int64", float: "float64", bool: "boolean"}
    frame = pd.DataFrame(rows, columns=list(columns), dtype="object")
    return frame.astype({name: types[kind] for name, kind in columns.items()})


def _polars(rows: list[dict[str, Any]], columns: Columns) -> Any:
    import polars as pl  # noqa: PLC0415 - optional

    types = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
    try:
        return pl.DataFrame(rows, schema={name: types[kind] for name, kind in columns.items()})
    except UnicodeEncodeError:
        raise DiversityError(
            "polars cannot hold half a surrogate pair, as a text has",
            fix="take pandas or rows()",
        ) from None
