"""The rows of Parquet files, by pyarrow (extra `[parquet]`), a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_diversity.errors import DataError, first_line
from pytest_diversity.formats.layout import Row
from pytest_diversity.samples import parquet_library

__all__ = ["parquet_rows"]


def parquet_rows(path: Path) -> Iterator[Row]:
    """Each row of a Parquet file.

    Raises:
        DataError: The file cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    parquet = parquet_library()
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield Row(f"{path}: row {number}", row)
    except (OSError, ValueError) as error:  # pyarrow's own errors are among these
        raise DataError(
            f"{path} cannot be read as Parquet: {first_line(error)}", fix="write it again"
        ) from None
