"""A loopback server of the OpenAI API that behaves as a test tells it: real sockets, no model."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

PROMPTS = ("the cat", "a dog ran in the park", "hello", "what is it?")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends, `drip` seconds before each byte; without a status it hangs up."""

    status: int | None = 200
    body: str | bytes | Mapping[str, Any] = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    phrase: str | None = None

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True, slots=True)
class Call:
    """What the server was asked."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    number: int

    @property
    def probes(self) -> bool:
        """Whether the probe asks, not the drawing."""
        return "forty random letters" in json.dumps(self.body)


def text_of(call: Call, choice: int = 0) -> str:
    """A text that depends on what was asked, as that of a server that samples."""
    asked = json.dumps([call.body.get(name) for name in ("messages", "prompt", "seed")])
    return hashlib.sha256(f"{asked}{choice}".encode()).hexdigest()[:20]


def complete(call: Call, text: str | None = None) -> Reply:
    """The completion that a well-behaved server gives, or one with a `text` of its own."""
    texts = [text or text_of(call, choice) for choice in range(call.body.get("n", 1))]
    chat = "messages" in call.body
    choices = [
        {
            "index": index,
            "finish_reason": "stop",
            **({"message": {"role": "assistant", "content": one}} if chat else {"text": one}),
        }
        for index, one in enumerate(texts)
    ]
    return Reply(200, {"choices": choices, "usage": {"completion_tokens": 7}})


class _HTTPServer(ThreadingHTTPServer):
    request_queue_size = 128  # a connection that finds five waiting is tried again after a second


class Scripted:
    """A server on a free port of this machine.

    Attributes:
        models: What it says it serves; None where it has no such list.
        pages: What it answers at paths beside the API; it has no others.
        behave: What it does instead of completing; None where it completes.
        calls: The completions it was asked for.
        most: The most requests that were open at a time.
    """

    def __init__(self) -> None:
        self.models: list[str] | None = ["m"]
        self.pages: Mapping[str, Reply] = {}
        self.behave: Callable[[Call], Reply | None] = lambda _: None
        self.calls: list[Call] = []
        self.most = 0
        self._open = 0
        self._lock = threading.Lock()
        self._start(0)

    def _start(self, port: int) -> None:
        self._server = _HTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # who hung up
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """The source of a checkpoint on it, without its model."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def drawn(self) -> list[Call]:
        """The calls that were not the probe's."""
        return [call for call in self.calls if not call.probes]

    def stop(self) -> None:
        """End the server; its port refuses connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def restart(self) -> None:
        """Go on at the same port."""
        self._start(self._server.server_port)

    def _answer(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        if path == "/v1/models":
            found = [{"id": name} for name in self.models or ()]
            return Reply(404) if self.models is None else Reply(200, {"data": found})
        if not path.startswith("/v1/"):
            return self.pages.get(path, Reply(404))
        with self._lock:
            call = Call(path, body, headers, len(self.drawn))
            self.calls.append(call)
            self._open += 1
            self.most = max(self.most, self._open)
        try:
            return self.behave(call) or complete(call)
        finally:
            with self._lock:
                self._open -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(server._answer(self.path, {}, self._names()))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._send(server._answer(self.path, body, self._names()))

            def _names(self) -> dict[str, str]:
                return {name.lower(): value for name, value in self.headers.items()}

            def _send(self, reply: Reply) -> None:
                self.close_connection = True
                if reply.status is None:
                    return
                with suppress(OSError):
                    self.send_response(reply.status, reply.phrase)
                    usual = {"Content-Type": "application/json", "Connection": "close"}
                    size = {"Content-Length": str(len(reply.content))}
                    for name, value in {**usual, **size, **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    _write(self.wfile, reply)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _write(stream: BufferedIOBase, reply: Reply) -> None:
    if not reply.drip:
        stream.write(reply.content)
        return
    for byte in reply.content:
        time.sleep(reply.drip)
        stream.write(bytes([byte]))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; a test that waits in vain fails."""
    for _ in range(12000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within two minutes")


def refuses(*fields: tuple[str, float | None]) -> Callable[[Call], Reply | None]:
    """A server that answers 400 to these fields, with None to any value of them."""
    return lambda call: (
        Reply(400, "unknown field")
        if any(name in call.body and value in {call.body[name], None} for name, value in fields)
        else None
    )


# Fields that servers have beyond those of the API.
FIELDS = ("top_k", "min_p", "repetition_penalty", "repeat_penalty")
