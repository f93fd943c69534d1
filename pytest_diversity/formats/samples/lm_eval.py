"""lm-evaluation-harness, `samples_TASK_DATE.jsonl` of `--log_samples`.

`resps` has a list of answers for each request; a document is written once for each filter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import ID, Layout, LeftOut, Record
from pytest_diversity.formats.messages import prompt_of

_SCORED = LeftOut("log-likelihoods in place of an answer")


def _fits(row: Any) -> bool:
    return isinstance(row, Mapping) and {"doc_id", "arguments", "resps"} <= row.keys()


def _read(row: Any) -> Iterator[Record | LeftOut]:
    responses = row["resps"][0] if row["resps"] else []
    texts = [responses] if isinstance(responses, str) else responses
    prompt = prompt_of(_context(row["arguments"]))
    if prompt is None or not texts or not all(isinstance(text, str) for text in texts):
        yield _SCORED
        return
    for text in texts:
        yield {"prompt": prompt, "text": text, ID: row["doc_id"]}


def _context(arguments: Any) -> Any:
    """What the first request asked; newer releases write `{"gen_args_0": {"arg_0": ...}}`."""
    if isinstance(arguments, Mapping):
        first = next(iter(arguments.values()), None)
        return first.get("arg_0") if isinstance(first, Mapping) else first
    first = arguments[0] if isinstance(arguments, list) and arguments else None
    return first[0] if isinstance(first, list) and first else first


LAYOUT = Layout("samples of lm-evaluation-harness", _fits, _read, again="filter")
