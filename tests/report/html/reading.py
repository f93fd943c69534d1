"""A page read again, as a browser would."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

__all__ = ["Page", "unpacked"]


@dataclass
class Page(HTMLParser):
    """Its elements with their attributes, and what is in its scripts."""

    source: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    scripts: list[tuple[dict[str, str | None], str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._inside: str | None = None
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base class's
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attributes, before = self.scripts[-1]
            self.scripts[-1] = attributes, before + data
        elif self._inside != "style":
            self.text += data

    def data(self, kind: str) -> list[Any]:
        """The blocks of JSON of a kind."""
        return [json.loads(text) for of, text in self.scripts if of.get("data-kind") == kind]

    def packets(self) -> dict[str, str]:
        """What is packed in the page, by id."""
        packed = "application/octet-stream"
        found = (one for one in self.scripts if one[0].get("type") == packed)
        return {str(of["id"]): unpacked(text) for of, text in found}

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Its elements and the names of their attributes: what markup there is."""
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]


def unpacked(text: str) -> str:
    """The counterpart of what packs."""
    return zlib.decompress(base64.b64decode(text)).decode()
