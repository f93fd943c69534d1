"""The fork server: one clean process that forks a confined child for every execution.

It is started by `subprocess`, never forked from pytest: no thread, secret or open file of its
parent is in it. It reads jobs from standard input and writes outcomes to standard output, keeps
one program running at a time, counts that program's processor time, bounds its output while
reading it, and kills it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from time import CLOCK_MONOTONIC, clock_gettime
from typing import Any, NoReturn, Self

from . import channel, program
from .clock import Clock, install
from .confine import Wall, adopt_orphans, die_with, hide, leave, orphans
from .server import CONTROL_IN, CONTROL_OUT, HANDOVER, preload, rlimits, settle
from .wire import canonical

__all__ = ["main"]

# what a program may report
KINDS = ("ok", "wrong", "exception", "exit", "syntax", "memory", "output-limit", "bad-check")
KEPT = 4096  # characters of an output or a value; of what is longer, a digest of all of it too
STATUS = 5  # a program's descriptors: 0-2, replies 3, requests 4, and this until its walls stand


class _BrokenError(Exception):
    """The harness failed, and the program is not to blame."""


@dataclass
class _Stream:
    """One pipe out of a program, read no further than its limit."""

    descriptor: int
    limit: int
    data: bytearray = field(default_factory=bytearray)

    def take(self) -> bool:
        """Read what is there; false when there is nothing more for now, or ever."""
        try:
            chunk = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return False
        self.data += chunk
        return bool(chunk) and not self.full

    @property
    def full(self) -> bool:
        return len(self.data) > self.limit


@dataclass
class _End:
    """How a process of a program ended."""

    killed: str | None  # the outcome for which its supervisor killed it
    status: int
    cpu: float


class _Run:
    """One process of a program, from its fork to its end."""

    def __init__(self, server: _Server) -> None:
        self.server = server
        self.nonce = os.urandom(16).hex().encode("ascii")
        self.moves: list[tuple[int, int]] = []  # (a descriptor here, its number in the child)
        self.streams: list[_Stream] = []
        self.stdout = self._stream(1, server.limits["output"])
        self.status = self._stream(STATUS, 4096)
        self.pid = 0

    def _stream(self, number: int, limit: int) -> _Stream:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        self.moves.append((writing, number))
        self.streams.append(_Stream(reading, limit))
        return self.streams[-1]

    def expect_reply(self) -> _Stream:
        """Open the descriptor that the program's report comes from."""
        return self._stream(program.REPLY, self.server.limits["result"] + 2 * len(self.nonce))

    def give(self, number: int, data: bytes) -> None:
        """Let the program read `data` from the descriptor `number`."""
        memory = os.memfd_create("input")
        with open(memory, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(memory, 0, os.SEEK_SET)
        self.moves.append((memory, number))

    def start(self, job: dict[str, Any]) -> None:
        """Fork; the child never returns."""
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            self._become(job, parent)
        for descriptor, _ in self.moves:
            os.close(descriptor)

    def _become(self, job: dict[str, Any], parent: int) -> NoReturn:
        try:
            os.setsid()
            die_with(parent)
            for descriptor, number in self.moves:
                os.dup2(descriptor, number)
            self.server.wall.close(keep=STATUS + 1)
            self.server.launch(job, self.nonce)
        except BaseException as error:  # noqa: BLE001 - before the program, or after a forged end
            with contextlib.suppress(OSError):
                os.write(STATUS, f"{type(error).__name__}: {error}".encode())
        finally:
            leave(1)

    def finish(self) -> _End:
        """Watch over the process until its end, which comes here if not by itself."""
        killed = self._watch()
        if killed:
            os.kill(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self.server.sweep(self.pid)
        for stream in self.streams:
            while stream.take():
                pass
            os.close(stream.descriptor)
        if self.status.data:
            raise _BrokenError(bytes(self.status.data).decode(errors="replace"))
        full = any(stream.full for stream in self.streams)
        cpu = usage.ru_utime + usage.ru_stime
        return _End(killed or ("output-limit" if full else None), status, cpu)

    def _watch(self) -> str | None:
        """Wait for the end; what the process has to be killed for, if anything."""
        limits = self.server.limits
        until = _now() + limits["wall"]
        with _Poll(self.pid, self.streams) as poll:
            while not poll.ended:
                seconds = min(until - _now(), limits["cpu"] - _cpu(self.pid))
                if seconds <= 0:
                    return "timeout"
                if not poll.wait(seconds):
                    return "output-limit"
        return None


class _Poll:
    """Waits for a process's output or its end."""

    def __init__(self, pid: int, streams: list[_Stream]) -> None:
        self.pid = pid
        self.ended = False
        self.streams = {stream.descriptor: stream for stream in streams}
        self.poll = select.poll()
        for descriptor in self.streams:
            self.poll.register(descriptor, select.POLLIN)
        self.poll.register(CONTROL_IN, 0)  # its hang-up: nobody wants the outcome any more
        self.handle = self._handle()

    def _handle(self) -> int | None:
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:  # gVisor has none
            return None
        self.poll.register(handle, select.POLLIN)
        return handle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            os.close(self.handle)

    def wait(self, seconds: float) -> bool:
        """Wait no longer than that; false if the process has written too much."""
        if self.handle is None:
            seconds = min(seconds, 0.005)
        for descriptor, event in self.poll.poll(ceil(seconds * 1000)):
            if descriptor == CONTROL_IN:
                os.kill(self.pid, signal.SIGKILL)
                leave(0)
            if descriptor == self.handle:
                self.ended = True
            elif not self._take(self.streams[descriptor], event):
                return False
        if self.handle is None:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            self.ended = ended is not None
        return True

    def _take(self, stream: _Stream, event: int) -> bool:
        if not stream.take() and (event & select.POLLHUP or stream.full):
            self.poll.unregister(stream.descriptor)
        return not stream.full


def _now() -> float:
    return clock_gettime(CLOCK_MONOTONIC)


def _cpu(pid: int) -> float:
    """Processor seconds of a process: the clock's number is that of linux/posix-timers.h."""
    try:
        return clock_gettime((~pid << 3) | 2)
    except OSError:  # it is just ending, or this is no Linux
        return 0.0


class _Server:
    """What all executions of this process share."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.limits: dict[str, Any] = config["limits"]
        self.language: str = config["language"]
        spawned = self.language != "python"
        memory = resource.RLIMIT_DATA if spawned else resource.RLIMIT_AS
        self.wall = Wall.build(
            config["barrier"],
            "spawned" if spawned else "program",
            config["readable"],
            rlimits(self.limits, memory),
            config["abi"],
        )
        self.command: list[str] = config["command"]
        self.clock = Clock()

    def launch(self, job: dict[str, Any], nonce: bytes) -> NoReturn:
        """In the child, behind its walls: become the program."""
        if self.language != "python":
            os.set_inheritable(STATUS, False)  # noqa: FBT003 - a started interpreter closes it
            os.execve(self.command[0], self.command, dict(os.environ))  # noqa: S606 - that is the aim
        os.close(STATUS)
        self.clock.restart()
        program.run(job, nonce)

    def sweep(self, pid: int) -> None:
        """Without walls a program may leave processes: end what is left of its group and ours."""
        if self.wall.filter is None:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            while left := orphans():  # the children of each are left to us in turn
                for orphan in left:
                    with contextlib.suppress(OSError):
                        os.kill(orphan, signal.SIGKILL)
                        os.waitpid(orphan, 0)

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """The outcomes of one job."""
        try:
            return {"outcomes": self._serve(job) if job["style"] == "serve" else self._all(job)}
        except _BrokenError as error:
            return {"error": str(error)}

    def _all(self, job: dict[str, Any]) -> list[Any]:
        """One process per input, up to the first timeout, which is assumed for the rest."""
        inputs = job.pop("inputs")
        if job["style"] == "call":  # a function as an answer is what it gives on them
            job["calls"] = inputs
        outcomes: list[Any] = []
        for given in inputs:
            outcomes.append(self._one(job, given))
            if outcomes[-1][0] == "timeout":
                return outcomes + [["timeout", None, ""]] * (len(inputs) - len(outcomes))
        return outcomes

    def _one(self, job: dict[str, Any], given: Any) -> list[Any]:
        run = _Run(self)
        reply = run.expect_reply()
        judged = job["style"] == "judge"  # by a check, which it reads when the program is loaded
        job = job | {"args": None if judged else given, "result": self.limits["result"]}
        if job["style"] == "script":
            run.give(0, given.encode("utf-8", "backslashreplace"))
        if judged:
            run.give(program.REQUESTS, json.dumps(given).encode())
        if self.language != "python":
            run.give(program.REQUESTS, json.dumps(job | {"nonce": run.nonce.decode()}).encode())
        run.start(job)
        return _outcome(run.finish(), self.limits, _report(reply, run.nonce), run.stdout)

    def _serve(self, job: dict[str, Any]) -> list[Any]:
        """Let the checker, in its own process, call the program."""
        run = _Run(self)
        replies, replying = os.pipe()
        requested, requests = os.pipe()
        run.moves += [(replying, program.REPLY), (requested, program.REQUESTS)]
        run.start(job | {"result": self.limits["result"]})
        with socket.socket(fileno=os.dup(HANDOVER)) as handover:
            socket.send_fds(handover, [b"."], [replies, requests])
        os.close(replies)
        os.close(requests)
        return [_outcome(run.finish(), self.limits, None, run.stdout)]


def _report(stream: _Stream, nonce: bytes) -> list[Any] | None:
    """The program's report: one message, after the number that only this execution has."""
    data = bytes(stream.data)
    if not data.startswith(nonce):
        return None
    try:
        kind, value = json.loads(data[len(nonce) :])
        if kind == "ok":
            return [kind, _short(canonical(value))]
        return [kind, None if value is None else str(value)[:200]] if kind in KINDS else None
    except Exception:  # noqa: BLE001 - no report of ours: the program wrote it itself
        return None


def _outcome(
    end: _End, limits: dict[str, Any], report: list[Any] | None, out: _Stream
) -> list[Any]:
    printed = _text(bytes(out.data))
    if end.killed:
        return [end.killed, None, ""]
    if report:
        kind, value = report
        return [kind, value, printed]
    if os.WIFSIGNALED(end.status):
        if end.cpu >= limits["cpu"]:
            return ["timeout", None, ""]
        return ["crash", str(os.WTERMSIG(end.status)), printed]
    return ["no-result", str(os.WEXITSTATUS(end.status)), printed]


def _text(data: bytes) -> str:
    """Output as it is compared: without trailing blanks."""
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    return _short("\n".join(line.rstrip() for line in lines).rstrip())


def _short(text: str) -> str:
    """A long text by its beginning and a digest of all of it: thousands are kept by the caller."""
    if len(text) <= KEPT:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:KEPT]}... sha256 {digest}"


def _volunteer() -> None:
    """Where memory runs out, let the kernel end a program rather than the tests (proc(5))."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib would cost the fork server its start
        file.write("500")


def _prepare(config: dict[str, Any]) -> _Server:
    _volunteer()
    server = _Server(config)
    (hide if server.wall.filter else adopt_orphans)()
    preload(config["preload"])
    install(server.clock)
    sys.argv[:] = ["program"]
    gc.collect()
    gc.freeze()  # children then leave these pages shared
    return server


def main(config: dict[str, Any]) -> None:
    """Serve until the other side hangs up."""
    settle(config["handover"])
    try:
        server = _prepare(config)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side has to know
        channel.send(CONTROL_OUT, {"error": f"{type(error).__name__}: {error}"})
        return
    ruleset = server.wall.ruleset
    channel.send(CONTROL_OUT, {"abi": ruleset.abi if ruleset else None})
    with contextlib.suppress(EOFError):
        while True:
            channel.send(CONTROL_OUT, server.answer(channel.receive(CONTROL_IN)))
    leave(0)
