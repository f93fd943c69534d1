"""Files of rows, whatever their form, and what can be wrong with them."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_diversity.errors import DataError
from pytest_diversity.formats.containers import rows
from pytest_diversity.formats.reading import read_samples
from pytest_diversity.samples import SampleSet

ROWS = [{"prompt": "p", "text": "é"}, {"prompt": "q", "text": "\u2028"}]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
FORMS: Mapping[str, bytes] = {
    "lines": LINES.encode(),
    "lines of Windows, with a mark": b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode(),
    "lines apart": f"\n\n{LINES}\n\n".replace("}\n{", "}\n\n{").encode(),
    "an array": json.dumps(ROWS).encode(),
    "an array, indented": json.dumps(ROWS, indent=2).encode(),
    "lines, gzipped": gzip.compress(LINES.encode()),
    "an array, gzipped": gzip.compress(json.dumps(ROWS, indent=1).encode()),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_form(tmp_path: Path, case: str) -> None:
    """The first bytes say what a file is; its name does not."""
    path = tmp_path / "anything.txt"
    path.write_bytes(FORMS[case])
    assert [row.value for row in rows(path)] == ROWS


def test_parquet(tmp_path: Path) -> None:
    """Lists and records within are read, too."""
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    found = [{"prompt": "p", "responses": ["a", "b"]}, {"prompt": "q", "responses": ["c"]}]
    parquet.write_table(pyarrow.Table.from_pylist(found), tmp_path / "file")
    assert [row.value for row in rows(tmp_path / "file")] == found
    samples = read_samples(tmp_path / "file").samples
    assert samples == SampleSet.of({"p": ["a", "b"], "q": ["c"]})


def test_a_log_of_inspect_ai(tmp_path: Path) -> None:
    """A zip of samples; what else is in it is no sample."""
    sample = {
        "id": "a",
        "epoch": 1,
        "input": "Hi?",
        "output": {"model": "m", "choices": [{"message": {"content": "Hello."}}]},
    }
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as log:
        log.writestr("header.json", json.dumps({"version": 2}))
        log.writestr("summaries.json", "[]")
        for epoch in (1, 2):
            log.writestr(f"samples/a_epoch_{epoch}.json", json.dumps({**sample, "epoch": epoch}))
    found = read_samples(tmp_path / "log.eval")
    assert found.samples == SampleSet.of({"Hi?": ["Hello.", "Hello."]})
    assert found.ids == {"Hi?": "a"}


def test_numbers_that_json_has_not(tmp_path: Path) -> None:
    """Many a tool writes NaN for a score."""
    (tmp_path / "file").write_text('{"prompt": "p", "text": "x", "score": NaN}')
    assert len(read_samples(tmp_path / "file").samples) == 1


LONG = gzip.compress(b"".join(b'{"prompt": "%d", "text": "%d"}\n' % (n, n**5) for n in range(999)))
BAD: Mapping[str, tuple[bytes, str]] = {
    "gzip that was cut": (LONG[:-400], ": its end is missing, as of a file that was copied or wr"),
    "gzip that was damaged": (LONG[:200] + b"?" * 40 + LONG[240:], " is damaged: "),
    "a broken line": (f"{LINES}\n{{".encode(), ":3: not JSON: "),
    "a broken first line": (f'{{"prompt"\n{LINES}'.encode(), ":1: not JSON: "),
    "a broken array": (b'[\n{"prompt": "p"},\n{]', ":3: not JSON: "),
    "a broken object": (b'{\n"a": 1,\n\n"b" 2}', ":4: not JSON: "),
    "Latin-1": (
        b'{"prompt": "p", "text": "x"}\n{"prompt": "caf\xe9"}',
        ":2: not UTF-8; save the file as UTF-8",
    ),
    "UTF-16": (LINES.encode("utf-16"), ":1: not UTF-8; save the file as UTF-8"),
    "a table of commas": (b"prompt,text\np,x\n", ":1: not JSON: it begins with 'prompt,text'; wr"),
    "Parquet that was cut": (b"PAR1\x00\x00", " cannot be read as Parquet: "),
    "a zip that was cut": (b"PK\x03\x04", " is damaged: "),
    "a picture": (b"\x89PNG\r\n\x1a\n", ":1: not UTF-8"),
    "too deep": (b"[" * 100_000, ":1: not JSON: lists or objects are nested too deeply; write"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    """One sentence with the file, and the line where there is one."""
    content, message = BAD[case]
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_samples(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_an_empty_file_has_no_samples(tmp_path: Path) -> None:
    """Whoever asks for some says so."""
    (tmp_path / "file").write_text("\n")
    assert len(read_samples(tmp_path / "file").samples) == 0
