"""Chat templates as they are on disk, read without a tokenizer: do they read the clock?

`transformers` gives templates one clock, `strftime_now(FORMAT)`. What it says is part of the
prompt, and so of a sample's key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_diversity.checkpoints.sources import Location

__all__ = ["clock_formats"]

_NAMES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
_OTHERS = "additional_chat_templates/*.jinja"
_HEADER = 64 * 2**20  # bytes of a GGUF file, whose metadata stand before its weights
_CALL = re.compile(r"""strftime_now\s*\(\s*(?:\\?(["'])(.*?)\\?\1)?""")


def clock_formats(*templates: str | Location) -> tuple[str, ...]:
    """The formats in which templates read the clock, sorted; none if they do not.

    One that is not written out in the template is empty.

    Args:
        templates: The source of a template, or where a model is that has one.
    """
    texts = (text for one in templates for text in _texts(one))
    return tuple(sorted({found[2] or "" for text in texts for found in _CALL.finditer(text)}))


def _texts(template: str | Location) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif template.path.is_dir():
        files = [*(template.path / name for name in _NAMES), *template.path.glob(_OTHERS)]
        yield from (_read(file.read_bytes()) for file in files if file.is_file())
    else:
        with template.path.open("rb") as file:
            header = file.read(_HEADER)
        if b"strftime_now" in header:
            yield _read(header)


def _read(content: bytes) -> str:
    return content.decode("utf-8", "replace")
