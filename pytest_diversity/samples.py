"""The data model: samples drawn for prompts, in and out as JSON Lines or Parquet."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar

from pytest_diversity.errors import DataError, MissingExtraError, first_line
from pytest_diversity.files import replacing, write_text
from pytest_diversity.frames import Columns, Tabular
from pytest_diversity.strict_json import is_unicode, read_json_lines

__all__ = [
    "MALFORMED",
    "NO_ANSWER",
    "UNFINISHED",
    "Sample",
    "SampleSet",
    "numbered",
    "parquet_library",
]

MALFORMED = "malformed"  # of an answer that was asked for among several, and not given
_THOUGHT_ALONE = "thought alone"  # which never ended, or nothing followed it
# Finish reasons of what was broken off; it is not drawn from servers, but may be recorded.
UNFINISHED = frozenset({"error", "abort", "aborted", "cancelled", "failed"})
# Finish reasons of what is no answer: a sample that ended so is invalid, whatever its text.
NO_ANSWER = UNFINISHED | {MALFORMED, "content_filter", "refusal", "tool_calls", "function_call"}


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
        thought: What it thought before it answered, where that was split off its text.
        extra: What else a file says of it, by its own keys.
    """

    prompt: str
    index: int
    text: str
    domain: str | None = None
    finish_reason: str | None = None
    tokens: int | None = None
    logprob: float | None = None
    thought: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def fault(self) -> str | None:
        """Why it is no answer: one of `NO_ANSWER`, `empty`, `thought alone`; None if it is one."""
        if self.finish_reason in NO_ANSWER:
            return self.finish_reason
        if self.text.strip():
            return None
        return "empty" if self.thought is None else _THOUGHT_ALONE


class SampleSet(Mapping[str, Sequence[Sample]], Tabular):
    """Samples by prompt: a mapping from prompt to its samples in the order of their index.

    Args:
        samples: In any order; no two of one domain, prompt and index.

    Raises:
        DataError: Two are.
    """

    columns: ClassVar[Columns] = {
        "domain": str,
        "prompt": str,
        "index": int,
        "text": str,
        "finish_reason": str,
        "tokens": int,
        "logprob": float,
        "thought": str,
    }

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
        return f"<SampleSet: {len(self)} prompts, {self.size} samples>"

    @property
    def size(self) -> int:
        """How many samples there are, of all prompts."""
        return sum(map(len, self._groups.values()))

    @property
    def samples(self) -> Iterator[Sample]:
        """All samples, prompt by prompt."""
        return (sample for group in self._groups.values() for sample in group)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each sample, with what `Sample` says of it."""
        return [{name: getattr(one, name) for name in self.columns} for one in self.samples]

    def for_domain(self, domain: str) -> SampleSet:
        """The samples of `domain`, and those that name no domain."""
        return SampleSet(sample for sample in self.samples if sample.domain in {domain, None})

    def first(self, count: int) -> SampleSet:
        """At most `count` samples of each prompt, the ones with the lowest index."""
        return SampleSet(sample for group in self._groups.values() for sample in group[:count])

    def among(self, prompts: Container[str]) -> SampleSet:
        """The samples of those of its prompts that are among `prompts`."""
        return SampleSet(sample for sample in self.samples if sample.prompt in prompts)

    def matched(self, other: SampleSet) -> tuple[SampleSet, SampleSet]:
        """Both sets cut to the prompts they share and to equally many samples of each."""
        sizes = {p: min(len(group), len(other[p])) for p, group in self.items() if p in other}
        return self._cut(sizes), other._cut(sizes)

    def _cut(self, sizes: Mapping[str, int]) -> SampleSet:
        if list(sizes.items()) == [(p, len(group)) for p, group in self.items()]:
            return self
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
        return cls(numbered(read_json_lines(Path(path))))

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
        return cls(numbered((f"{path}: row {number}", row) for number, row in enumerate(rows, 1)))

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
        names = [one.name for one in fields(Sample) if one.name != "extra"]
        if not any(sample.thought is not None for sample in self.samples):
            names.remove("thought")  # so that older releases read the file
        schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in names])
        table = pyarrow.Table.from_pylist(rows, schema=schema)
        with replacing(Path(path), DataError, fix="choose another place") as unfinished:
            parquet.write_table(table, unfinished)


_MOST = 2**63  # as the store and Parquet count
_RANGES = (
    ("index", 0, "a whole number"),
    ("tokens", 0, "a whole number"),
    ("logprob", -_MOST, "a number"),
)
_DIGITS = 20  # of a number in quotes: the largest has 19
_MAP = 'replay = { path = "...", map = { prompt = "...", text = "..." } }'
_TEXT, _COUNT = (str, NoneType), (int, NoneType)
_TYPES: Mapping[str, tuple[type, ...]] = {  # no others, so that True is no number
    "prompt": (str,),
    "index": (int,),
    "text": (str,),
    "domain": _TEXT,
    "finish_reason": _TEXT,
    "tokens": _COUNT,
    "logprob": (int, float, NoneType),
    "thought": _TEXT,
}


def _sample(record: Mapping[str, Any], where: str, counts: Mapping[Any, int]) -> Sample:
    """The sample of a record; where it has no index, the one after those of its prompt so far."""
    own = {key: value for key, value in record.items() if key in _TYPES}
    for key in ("prompt", "text"):
        if key not in own:
            seen = ", ".join(map(repr, record)) or "none"
            fix = f"add {key!r} to it, or say where it is: {_MAP}"
            raise DataError(f"{where}: the sample has no {key!r}; its keys: {seen}", fix=fix)
    own["prompt"] = _name(own["prompt"])
    if own.get("index", 0) is None:
        del own["index"]
    for key in own.keys() & {"index", "tokens"}:
        own[key] = _whole(own[key])
    for key, value in own.items():
        found = type(value)
        if found not in _TYPES[key] or (found is float and not math.isfinite(value)):
            raise DataError(
                f"{where}: {key!r} must not be {json.dumps(value, default=str)[:40]}",
                fix="a number for index, tokens and logprob, a string for the others",
            )
    own.setdefault("index", counts.get((own.get("domain"), own["prompt"]), 0))
    for key, least, what in _RANGES:
        if not least <= (own.get(key) or 0) < _MOST:
            raise DataError(
                f"{where}: {key!r} is out of range", fix=f"{what} from {least} to {_MOST - 1}"
            )
    return Sample(**own, extra={key: record[key] for key in record if key not in _TYPES})


def _name(prompt: Any) -> Any:
    """A prompt's id may be a number; 3.0 of a table with gaps is 3."""
    if isinstance(prompt, bool) or not isinstance(prompt, int | float):
        return prompt
    return str(_whole(prompt))


def _whole(number: Any) -> Any:
    """A whole number, however it is written: 0, 0.0 or "0"."""
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < _DIGITS:
        return int(number)
    return int(number) if isinstance(number, float) and number.is_integer() else number


def numbered(records: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Sample]:
    """The samples of records, in the order in which they stand where a record has no index.

    Args:
        records: What is known of a sample by the names of `Sample`, with its place; keys of other
            names become its `extra`.

    Raises:
        DataError: A record is no sample, or two of a prompt have one index.
    """
    places: dict[tuple[str | None, str, int], str] = {}
    counts: Counter[tuple[str | None, str]] = Counter()
    for where, record in records:
        sample = _sample(record, where, counts)
        key = sample.domain, sample.prompt, sample.index
        if key in places:
            raise DataError(
                f"{where}: prompt {sample.prompt!r} has a sample {sample.index} already "
                f"({places[key]})",
                fix="number the samples of a prompt 0, 1, 2, ..., or leave the index out",
            )
        places[key] = where
        counts[sample.domain, sample.prompt] += 1
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
    values = {**asdict(sample), **sample.extra}
    record = {key: value for key, value in values.items() if value is not None and key != "extra"}
    return {key: record[key] for key in ("domain", *record) if key in record}


def _dump(record: Mapping[str, Any]) -> str:
    line = json.dumps(record, ensure_ascii=False)
    return line if is_unicode(line) else json.dumps(record)  # a lone surrogate as a JSON escape


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
