"""A conversation between two processes, in which each may ask the other while it is being asked."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from .crossing import Crossing
from .mirror import Mirrors

__all__ = ["GoneError", "Peer", "everything", "special", "steps"]

# The functions below keep looking up these builtins, whatever a program puts in their place.
globals()["__builtins__"] = dict(vars(builtins))

LONGEST = 64 << 20  # of one message


class GoneError(BaseException):
    """The other side has ended, or says what no honest one would."""


class Peer:
    """One side: it asks, and answers whatever it is asked meanwhile."""

    def __init__(self, incoming: int, outgoing: int, *, first: int) -> None:
        """Say nothing yet.

        Args:
            incoming: The descriptor that the other side is heard on.
            outgoing: The descriptor to speak on.
            first: 0 for the side of the check, 1 for that of the program.
        """
        self.incoming = incoming
        self.outgoing = outgoing
        self.mirrors = Mirrors(self, ahead=first == 0)
        self.crossing = Crossing(self.mirrors, first, self.may_show)
        self.verbs: dict[str, Callable[..., Any]] = {}

    def may_show(self, _: Any) -> bool:
        """Whether the other side may have a mirror of an object."""
        return True

    def print_out(self, text: str) -> None:
        """Take what the other side has printed."""

    def printed(self) -> str:
        """What was printed here since the last message."""
        return ""

    def special(self, mirror: Any, name: str, arguments: Any, named: Any) -> Any:
        """What a special method of the object gives."""
        return self.ask("special", mirror, name, arguments, named)

    def ask(self, verb: str, *arguments: Any) -> Any:
        """The other side's answer, or the exception that it raises."""
        self._send("ask", (verb, *arguments))
        while True:
            kind, value = self._receive()
            if kind == "ask":
                self._answer(value)
            elif kind == "gave":
                return value
            else:
                raise value

    def serve(self) -> None:
        """Answer until the other side hangs up."""
        while True:
            _, value = self._receive()
            self._answer(value)

    def _answer(self, question: Any) -> None:
        try:
            verb, *arguments = question
            kind, value = "gave", self.verbs[verb](*arguments)
        except GoneError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other side asked for it
            kind, value = "raised", error
        self._send(kind, value)

    def _send(self, kind: str, value: Any) -> None:
        message = [kind, self.crossing.pack(value), self.printed()]
        view = memoryview(json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n")
        try:
            while view:
                view = view[os.write(self.outgoing, view) :]
        except OSError:
            raise GoneError from None

    def _receive(self) -> tuple[str, Any]:
        chunks: list[bytes] = []
        size = 0
        while not chunks or not chunks[-1].endswith(b"\n"):
            chunk = os.read(self.incoming, 1 << 16)
            size += len(chunk)
            if not chunk or size > LONGEST:
                raise GoneError
            chunks.append(chunk)
        try:
            kind, packed, printed = json.loads(b"".join(chunks))
            self.print_out(printed)
            return kind, self.crossing.unpack(packed)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - nothing that this side would write
            raise GoneError from None


def everything(names: Mapping[str, Any], entry: Any) -> dict[str, Callable[..., Any]]:
    """What a program answers: all that may be asked of its names and objects."""
    return {
        "entry": lambda: entry,
        "name": lambda name: names[name],
        "special": special,
        "get": getattr,
        "set": setattr,
        "delete": delattr,
        "steps": steps,
        "await": _awaited,
    }


def _awaited(value: Any) -> Any:
    import asyncio  # noqa: PLC0415 - few programs need it

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


def special(value: Any, name: str, arguments: Any, named: Any) -> Any:
    """What a special method gives."""
    return getattr(type(value), name)(value, *arguments, **named)


def steps(iterator: Any, wanted: int) -> tuple[list[Any], BaseException | None]:
    """The next items of an iterator, and what it raised if it did."""
    items: list[Any] = []
    try:
        while len(items) < wanted:
            items.append(next(iterator))
    except BaseException as error:  # noqa: BLE001 - the other side raises it where it is due
        return items, error
    return items, None
