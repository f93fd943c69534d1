"""Results of batches, as OpenAI and `vllm run-batch` write them; `custom_id` names the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_diversity.formats.layout import ERROR, Layout, LeftOut, Record, at
from pytest_diversity.formats.messages import answer

_FIRST_ERROR = 400


def _fits(row: Any) -> bool:
    return isinstance(row, Mapping) and {"custom_id", "response"} <= row.keys()


def _read(row: Any) -> Iterator[Record | LeftOut]:
    status, body = at(row, "response.status_code", 200), at(row, "response.body", row["response"])
    if not isinstance(body, Mapping) or row.get("error") or status >= _FIRST_ERROR:
        yield ERROR
        return
    choices = body.get("choices") or [*_responded(body)]
    tokens = at(body, "usage.completion_tokens") if len(choices) == 1 else None
    for choice in choices:
        said = answer(choice["message"]) if "message" in choice else {"text": choice.get("text")}
        known = {"finish_reason": choice.get("finish_reason"), "tokens": tokens}
        yield {"prompt": row["custom_id"], **known, **said}
    if not choices:
        yield ERROR


def _responded(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The message of the Responses API as the one choice that it is."""
    said = [one for one in body.get("output") or [] if one.get("type") == "message"]
    if said:
        parts = [part for one in said for part in one.get("content") or []]
        cut = at(body, "incomplete_details.reason") == "max_output_tokens"
        yield {"message": {"content": parts}, "finish_reason": "length" if cut else "stop"}


LAYOUT = Layout("results of an OpenAI or vLLM batch", _fits, _read, models="response.body.model")
