"""The rows of zips of JSON, as inspect_ai's logs are: its own reader knows them best, where it is.

Nothing is unpacked to the disk.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pytest_diversity.errors import DataError, unexpected
from pytest_diversity.formats.layout import Row
from pytest_diversity.strict_json import decode, why_not

__all__ = ["zip_rows"]

_HEADER, _SAMPLES = "header.json", "samples/"


def zip_rows(path: Path) -> Iterator[Row]:
    """The samples of an inspect_ai log, or every JSON file of another zip.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            is_log = _HEADER in names
            if is_log and find_spec("inspect_ai") is not None:
                yield from _by_inspect(path)
                return
            for name in sorted(names):
                if name.endswith(".json") and (name.startswith(_SAMPLES) or not is_log):
                    yield Row(f"{path}!{name}", _entry(path, name, archive.read(name)))
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is damaged: {error}", fix="copy or write it again") from None
    except (NotImplementedError, RuntimeError) as error:  # of compression, of a password
        raise DataError(
            f"{path} cannot be unpacked: {error}",
            fix="pip install inspect-ai, whose own reader is then used, or write it as JSON",
        ) from None


def _entry(path: Path, name: str, content: bytes) -> object:
    try:
        return decode(content.decode(), finite=False)
    except (ValueError, RecursionError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else why_not(error)
        raise DataError(f"{path}!{name}: not JSON: {reason}", fix="write it again") from None


def _by_inspect(path: Path) -> Iterator[Row]:
    from inspect_ai.log import read_eval_log_samples  # noqa: PLC0415 - a user's own tool

    try:
        for one in read_eval_log_samples(str(path), all_samples_required=False):
            place = f"{path}!{_SAMPLES}{one.id}_epoch_{one.epoch}.json"
            yield Row(place, one.model_dump(mode="json"))
    except Exception as error:  # whatever another tool's reader raises
        raise DataError(
            f"{path} cannot be read by inspect_ai: {unexpected(error)}", fix="write it again"
        ) from error
