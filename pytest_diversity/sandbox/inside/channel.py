"""Messages between processes that trust each other: a length, then JSON."""

from __future__ import annotations

import json
import os
import select
import struct
from time import monotonic
from typing import Any

__all__ = ["receive", "send"]

_HEADER = struct.Struct("=I")


def send(descriptor: int, message: Any) -> None:
    """Write one message; escapes keep lone surrogates whole."""
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    view = memoryview(_HEADER.pack(len(data)) + data)
    while view:
        view = view[os.write(descriptor, view) :]


def receive(descriptor: int, seconds: float | None = None) -> Any:
    """Read one message, or raise EOFError where the other side is gone, TimeoutError if late."""
    until = None if seconds is None else monotonic() + seconds
    (length,) = _HEADER.unpack(_exactly(descriptor, _HEADER.size, until))
    return json.loads(_exactly(descriptor, length, until))


def _exactly(descriptor: int, size: int, until: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        if until is not None and not _ready(descriptor, until - monotonic()):
            raise TimeoutError
        chunk = os.read(descriptor, min(size - len(data), 1 << 16))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def _ready(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0, int(seconds * 1000))))
