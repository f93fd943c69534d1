"""The data model: samples drawn for prompts, in and out as JSON Lines or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pytest_diversity.errors import DataError, MissingExtraError, did_you_mean, first_line
from pytest_diversity.files import read_text, replacing, write_text

__all__ = ["Sample", "SampleSet", "parquet_library", "read_json_lines"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer of a checkpoint to a prompt.

    Attributes:
        prompt: The prompt's id in its domain, or the prompt itself where it has none.
        index: Which of the K samples of this prompt it is, from 0.
        text: The answer as the model gave it.
        domain: The domain it was drawn for, if known.
        finish_reason: Why it ended, `stop` or `length`, if known.
        tokens: Its length in the model's tokens, if known.
        logprob: The model's log-probability of the whole text, unfiltered, if known.
    """

    prompt: str
    index: int
    text: str
    domain: str | None = None
    finish_reason: str | None = None
    tokens: int | None = None
    logprob: float | None = None


class SampleSet(Mapping[str, Sequence[Sample]]):
    """Samples by prompt: a mapping from prompt to its samples in the order of their index."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        """Group `samples` by prompt, in order of first appearance.

        Raises:
            DataError: Two samples have the same domain, prompt and index.
        """
        groups: dict[str, dict[tuple[str | None, int], Sample]] = {}
        for sample in samples:
            group = groups.setdefault(sample.prompt, {})
            if group.setdefault((sample.domain, sample.index), sample) is not sample:
                raise DataError(
                    f"two samples of prompt {sample.prompt!r} have the index {sample.index}",
                    fix="number the samples of a prompt 0, 1, 2, ...",
                )
        self._groups: dict[str, tuple[Sample, ...]] = {
            prompt: tuple(sorted(group.values(), key=lambda sample: sample.index))
            for prompt, group in groups.items()
        }

    def __getitem__(self, prompt: str) -> tuple[Sample, ...]:
        """The samples of `prompt`."""
        return self._groups[prompt]

    def __iter__(self) -> Iterator[str]:
        """The prompts."""
        return iter(self._groups)

    def __len__(self) -> int:
        """How many prompts there are."""
        return len(self._groups)

    def __repr__(self) -> str:
        """A short description, since the texts may be long."""
        return f"<SampleSet: {len(self)} prompts, {sum(map(len, self.values()))} samples>"

    @property
    def samples(self) -> Iterator[Sample]:
        """All samples, prompt by prompt."""
        return (sample for group in self._groups.values() for sample in group)

    def for_domain(self, domain: str) -> SampleSet:
        """The samples of `domain`, and those that name no domain."""
        return SampleSet(sample for sample in self.samples if sample.domain in {domain, None})

    def first(self, count: int) -> SampleSet:
        """At most `count` samples of each prompt, the ones with the lowest index."""
        return SampleSet(sample for group in self._groups.values() for sample in group[:count])

    def matched(self, other: SampleSet) -> tuple[SampleSet, SampleSet]:
        """Both sets cut to the prompts they share and to equally many samples of each."""
        sizes = {p: min(len(group), len(other[p])) for p, group in self.items() if p in other}
        return self._cut(sizes), other._cut(sizes)

    def _cut(self, sizes: Mapping[str, int]) -> SampleSet:
        return SampleSet(sample for p, size in sizes.items() for sample in self[p][:size])

    @classmethod
    def of(cls, samples: SampleSet | Mapping[str, Sequence[str]] | Sequence[str]) -> SampleSet:
        """A SampleSet of `samples`: itself, texts by prompt, or the texts of a single prompt.

        Raises:
            DataError: `samples` is none of these.
        """
        if isinstance(samples, cls):
            return samples
        if isinstance(samples, Mapping):
            return cls(
                Sample(prompt=prompt, index=index, text=text)
                for prompt, texts in samples.items()
                for index, text in enumerate(_texts(texts))
            )
        return cls.of({"": _texts(samples)})

    @classmethod
    def from_jsonl(cls, path: str | Path) -> SampleSet:
        """Read JSON Lines, one sample a line.

        Raises:
            DataError: The file cannot be read, or a line is not a sample (as `path:line: ...`).
        """
        return cls(_numbered(read_json_lines(Path(path))))

    def to_jsonl(self, path: str | Path) -> None:
        """Write JSON Lines, one sample a line; what is unknown is left out.

        Raises:
            DataError: The file cannot be written; it is as it was.
        """
        lines = (f"{_dump(_known(sample))}\n" for sample in self.samples)
        write_text(Path(path), "".join(lines), DataError, fix="choose another place")

    @classmethod
    def from_parquet(cls, path: str | Path) -> SampleSet:
        """Read a Parquet file with the columns of `Sample` (extra `[parquet]`).

        Raises:
            DataError: The file cannot be read, or a row is not a sample.
        """
        parquet = parquet_library()
        try:
            rows = parquet.read_table(Path(path)).to_pylist()
        except (OSError, ValueError) as error:  # pyarrow's own errors are among these
            raise DataError(
                f"{path} cannot be read as Parquet: {first_line(error)}", fix="check the file"
            ) from None
        return cls(_numbered((f"{path}: row {number}", row) for number, row in enumerate(rows, 1)))

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file with the columns of `Sample` (extra `[parquet]`).

        Raises:
            DataError: The file cannot be written; it is as it was.
        """
        parquet = parquet_library()
        import pyarrow  # noqa: ICN001, PLC0415 - optional

        rows = [asdict(sample) for sample in self.samples]
        types = {name: pyarrow.int64() for name in ("index", "tokens")}
        types["logprob"] = pyarrow.float64()
        names = [field.name for field in fields(Sample)]
        schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in names])
        table = pyarrow.Table.from_pylist(rows, schema=schema)
        with replacing(Path(path), DataError, fix="choose another place") as unfinished:
            parquet.write_table(table, unfinished)


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON Lines file, each with its place as `path:line`; blank lines pass.

    Raises:
        DataError: The file cannot be read, or a line is not a JSON object.
    """
    for number, line in enumerate(read_text(path, DataError).split("\n"), start=1):
        if line.strip():
            yield f"{path}:{number}", _object(line, f"{path}:{number}")


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON: {error}", fix="one JSON object a line") from None
    if not isinstance(record, dict):
        raise DataError(f"{where}: not a JSON object", fix="one JSON object a line")
    return record


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "prompt": str,
    "index": int,
    "text": str,
    "domain": (str, type(None)),
    "finish_reason": (str, type(None)),
    "tokens": (int, type(None)),
    "logprob": (int, float, type(None)),
}


def _sample(record: Mapping[str, Any], where: str) -> Sample:
    for key, value in record.items():
        if key not in _TYPES:
            raise DataError(f"{where}: unknown key {key!r}", fix=did_you_mean(key, _TYPES))
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            raise DataError(
                f"{where}: {key!r} must not be {json.dumps(value, default=str)[:40]}",
                fix="a number for index, tokens and logprob, a string for the others",
            )
    for key in ("prompt", "index", "text"):
        if key not in record:
            raise DataError(f"{where}: the sample has no {key!r}", fix=f"add {key!r} to it")
    if record["index"] < 0:
        raise DataError(f"{where}: 'index' must not be negative", fix="number the samples from 0")
    return Sample(**record)


def _numbered(records: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Sample]:
    """The samples of records with their places, each number of a prompt once."""
    places: dict[tuple[str | None, str, int], str] = {}
    for where, record in records:
        sample = _sample(record, where)
        first = places.setdefault((sample.domain, sample.prompt, sample.index), where)
        if first != where:
            raise DataError(
                f"{where}: prompt {sample.prompt!r} has a sample {sample.index} already ({first})",
                fix="number the samples of a prompt 0, 1, 2, ...",
            )
        yield sample


def _texts(texts: object) -> Sequence[str]:
    if isinstance(texts, Sequence) and not isinstance(texts, str):
        wrong = [text for text in texts if not isinstance(text, str)]
        if not wrong:
            return texts
    raise DataError(
        "samples must be a SampleSet, a mapping from prompts to lists of texts, or a list of texts",
        fix='for example {"prompt": ["text", "text"]}',
    )


def _known(sample: Sample) -> dict[str, Any]:
    record = {key: value for key, value in asdict(sample).items() if value is not None}
    return {key: record[key] for key in ("domain", *record) if key in record}


def _dump(record: Mapping[str, Any]) -> str:
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8 form, only a JSON escape
        return json.dumps(record)
    return line


def parquet_library() -> Any:
    """What reads and writes Parquet.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        from pyarrow import parquet  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError("Parquet", package="pyarrow", extra="parquet") from None
    return parquet
