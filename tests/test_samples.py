"""The data model: samples by prompt, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.errors import DataError
from pytest_diversity.samples import Sample, SampleSet

TEXTS = st.text(st.characters(), max_size=30)  # lone surrogates and NUL included
SAMPLES = st.lists(
    st.builds(
        Sample,
        prompt=TEXTS,
        index=st.integers(0, 10**6),
        text=TEXTS,
        domain=st.none() | TEXTS,
        finish_reason=st.sampled_from([None, "stop", "length"]),
        tokens=st.none() | st.integers(0, 10**6),
    ),
    max_size=8,
    unique_by=lambda sample: (sample.domain, sample.prompt, sample.index),
)


@given(SAMPLES)
def test_json_lines_give_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]
) -> None:
    """Any text survives, lone surrogates, NUL and line separators included."""
    path = tmp_path_factory.mktemp("round") / "samples.jsonl"
    written = SampleSet(samples)
    written.to_jsonl(path)
    read = SampleSet.from_jsonl(path)
    assert read == written
    assert list(read) == list(written)


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    """The columns are those of a sample, missing values included."""
    pytest.importorskip("pyarrow")
    written = SampleSet(
        [Sample("p", 1, "b", tokens=3), Sample("p", 0, "a\x00", "code", "stop"), Sample("q", 0, "")]
    )
    written.to_parquet(tmp_path / "samples.parquet")
    assert SampleSet.from_parquet(tmp_path / "samples.parquet") == written


def test_a_thought_stands_beside_the_answer(tmp_path: Path) -> None:
    """It is written and read with the sample, and nothing is written where there is none."""
    plain = SampleSet([Sample("p", 0, "x")])
    thinking = SampleSet([Sample("p", 0, "x"), Sample("p", 1, "y", thought="hm")])
    for samples in (plain, thinking):
        samples.to_jsonl(tmp_path / "samples.jsonl")
        samples.to_parquet(tmp_path / "samples.parquet")
        assert ("thought" in (tmp_path / "samples.jsonl").read_text()) is (samples is thinking)
        assert (b"thought" in (tmp_path / "samples.parquet").read_bytes()) is (samples is thinking)
        assert SampleSet.from_jsonl(tmp_path / "samples.jsonl") == samples
        assert SampleSet.from_parquet(tmp_path / "samples.parquet") == samples


def test_samples_are_ordered_by_index() -> None:
    """Prompts keep the order of their first appearance, samples that of their index."""
    samples = SampleSet([Sample("b", 2, "x"), Sample("a", 0, "y"), Sample("b", 0, "z")])
    assert {p: [s.text for s in group] for p, group in samples.items()} == {
        "b": ["z", "x"],
        "a": ["y"],
    }
    assert list(samples) == ["b", "a"]
    assert repr(samples) == "<SampleSet: 2 prompts, 3 samples>"


def test_two_samples_of_one_index_are_refused() -> None:
    """A prompt's samples are numbered, and each number is given once."""
    with pytest.raises(DataError, match="two samples of prompt 'p' have the index 0; number the"):
        SampleSet([Sample("p", 0, "x"), Sample("p", 0, "x")])


FORMS: Mapping[str, tuple[Any, dict[str, list[str]]]] = {
    "texts by prompt": ({"p": ["a", "b"]}, {"p": ["a", "b"]}),
    "texts of one prompt": (["a", "b"], {"": ["a", "b"]}),
    "a tuple": (("a",), {"": ["a"]}),
    "a SampleSet": (SampleSet([Sample("p", 0, "a")]), {"p": ["a"]}),
    "nothing": ([], {}),
    "a prompt without texts": ({"p": []}, {}),
}


@pytest.mark.parametrize("case", FORMS)
def test_forms_of_samples(case: str) -> None:
    """Samples at hand come as a mapping, a list of texts, or a SampleSet."""
    given_samples, expected = FORMS[case]
    found = SampleSet.of(given_samples)
    assert {p: [s.text for s in group] for p, group in found.items()} == expected


NO_FORMS: Mapping[str, Any] = {
    "a bare text": "text",
    "a text in place of a list": {"p": "text"},
    "numbers": [1, 2],
    "lists in a list": [["a", "b"]],
    "None": None,
    "bytes": b"text",
    "a generator": (text for text in "ab"),
}


@pytest.mark.parametrize("case", NO_FORMS)
def test_other_forms_are_refused(case: str) -> None:
    """The message shows a form that works."""
    with pytest.raises(DataError, match=r'for example \{"prompt": \["text", "text"\]\}'):
        SampleSet.of(NO_FORMS[case])


def test_a_domain_takes_its_own_samples_and_those_of_none() -> None:
    """A file may hold several domains; samples that name none belong to each."""
    samples = SampleSet(
        [Sample("p", 0, "a", "code"), Sample("q", 0, "b"), Sample("r", 0, "c", "x")]
    )
    assert list(samples.for_domain("code")) == ["p", "q"]


def test_matched_cuts_both_sides() -> None:
    """Two sets are compared on the prompts they share, at equally many samples of each."""
    one = SampleSet.of({"a": ["1", "2", "3"], "b": ["4"], "c": ["5"]})
    two = SampleSet.of({"b": ["6", "7"], "a": ["8", "9"]})
    left, right = one.matched(two)
    assert {p: len(group) for p, group in left.items()} == {"a": 2, "b": 1}
    assert {p: len(group) for p, group in right.items()} == {"a": 2, "b": 1}


GOOD = '{"prompt": "p", "index": 0, "text": "x"}'
BAD_LINES: Mapping[str, tuple[str, str]] = {
    "not JSON": ("{", "1: not JSON: "),
    "not an object": ("[1]", "1: not a JSON object; one JSON object a line"),
    "no text": (
        '{"prompt": "p", "index": 0}',
        "1: the sample has no 'text'; its keys: 'prompt', 'index'; add 'text' to it, or say",
    ),
    "no prompt": ('{"index": 0, "text": "x"}', "1: the sample has no 'prompt'"),
    "a misspelt key": (
        '{"prompt": "p", "index": 0, "txt": "x"}',
        "1: the sample has no 'text'; its keys: 'prompt', 'index', 'txt'; add 'text'",
    ),
    "an index that is a word": (GOOD.replace("0", '"one"'), "1: 'index' must not be \"one\"; a"),
    "an index that is true": (GOOD.replace("0", "true"), "1: 'index' must not be true"),
    "an index with a fraction": (GOOD.replace("0", "0.5"), "1: 'index' must not be 0.5"),
    "an index that is no number": (
        GOOD.replace("0", "NaN"),
        "1: not JSON: NaN is no finite number",
    ),
    "a negative index": (GOOD.replace("0", "-1"), "1: 'index' is out of range; a whole number"),
    "an index beyond all": (GOOD.replace("0", "1" + "0" * 30), "1: 'index' is out of range"),
    "a log-probability of four hundred digits": (
        f'{GOOD[:-1]}, "logprob": -1{"0" * 400}}}',
        "1: 'logprob' is out of range; a number from -",
    ),
    "a negative length": (f'{GOOD[:-1]}, "tokens": -5}}', "1: 'tokens' is out of range"),
    "a probability beyond all": (f'{GOOD[:-1]}, "logprob": -1e999}}', "1: not JSON: -1e999 is no"),
    "a key given twice": (
        f'{GOOD[:-1]}, "text": "y"}}',
        "1: not JSON: the key 'text' stands there",
    ),
    "a text that is null": (GOOD.replace('"x"', "null"), "1: 'text' must not be null"),
    "an index given twice": (
        f"{GOOD}\n\n{GOOD}",
        "3: prompt 'p' has a sample 0 already (FILE:1); number the samples",
    ),
    "the second line": (f"{GOOD}\n{{", "2: not JSON"),
    "brackets without end": ("[" * 100_000, "1: not JSON: lists or objects are nested too deeply;"),
    "a number without end": (
        GOOD.replace("0", "9" * 5000),
        "1: not JSON: a number has too many digits; one JSON object a line",
    ),
}


LENIENT: Mapping[str, tuple[str, Sample]] = {
    "no index": ('{"prompt": "p", "text": "x"}', Sample("p", 0, "x")),
    "an index that is null": (GOOD.replace("0", "null"), Sample("p", 0, "x")),
    "an index as a table has it": (GOOD.replace("0", "3.0"), Sample("p", 3, "x")),
    "an index in quotes": (GOOD.replace("0", '"7"'), Sample("p", 7, "x")),
    "a prompt that is a number": (GOOD.replace('"p"', "12"), Sample("12", 0, "x")),
    "a prompt that is a number of a table": (GOOD.replace('"p"', "12.0"), Sample("12", 0, "x")),
}


@pytest.mark.parametrize("case", LENIENT)
def test_what_other_programs_write(tmp_path: Path, case: str) -> None:
    """Numbers are read however they are written, and a missing index is the order."""
    content, expected = LENIENT[case]
    (tmp_path / "samples.jsonl").write_text(content)
    assert list(SampleSet.from_jsonl(tmp_path / "samples.jsonl").samples) == [expected]


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    """What a file says beside is the sample's own, and is written again; it makes none unequal."""
    path = tmp_path / "samples.jsonl"
    path.write_text('{"prompt": "p", "text": "x", "score": 0.5}\n{"prompt": "p", "text": "y"}\n')
    samples = SampleSet.from_jsonl(path)
    assert [(one.index, one.extra) for one in samples["p"]] == [(0, {"score": 0.5}), (1, {})]
    samples.to_jsonl(path)
    assert '"score": 0.5' in path.read_text()
    assert SampleSet.from_jsonl(path) == samples == SampleSet.of({"p": ["x", "y"]})


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_line_that_is_no_sample(tmp_path: Path, case: str) -> None:
    """Errors name the file and the line, and what to do."""
    content, message = BAD_LINES[case]
    path = tmp_path / "samples.jsonl"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        SampleSet.from_jsonl(path)
    assert str(caught.value).startswith(f"{path}:{message}".replace("FILE", str(path)))


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    """The line of the first wrong byte is named."""
    path = tmp_path / "samples.jsonl"
    path.write_bytes(f"{GOOD}\n".encode() + b'{"prompt": "caf\xe9"}')
    with pytest.raises(DataError, match=r"samples\.jsonl:2: not UTF-8; save the file as UTF-8"):
        SampleSet.from_jsonl(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a folder in its place are told apart."""
    with pytest.raises(DataError, match=r"none\.jsonl does not exist; check the path"):
        SampleSet.from_jsonl(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        SampleSet.from_jsonl(tmp_path)
    with pytest.raises(DataError, match="/dev/zero cannot be read: no ordinary file; write it to"):
        SampleSet.from_jsonl("/dev/zero")


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    """Files written by other systems are read like our own."""
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n\r\n")
    assert SampleSet.from_jsonl(path) == SampleSet.of({"p": ["x"]})
