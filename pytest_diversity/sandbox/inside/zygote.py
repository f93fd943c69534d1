"""The fork server: it has a confined child forked for every execution, and supervises it.

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
import signal
import socket
import sys
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Any, NoReturn

from . import channel, program
from .clock import Clock, install
from .confine import Wall, adopt_orphans, close_files, hide, leave, orphans
from .packages import import_ahead
from .run import STATUS, End, Run, Stream
from .server import CONTROL_IN, CONTROL_OUT, HANDOVER, preload, rlimits, settle
from .template import BrokenError, Template, patiently
from .threads import SHORT, THREADS, Threads, leave_if_short
from .wire import canonical

__all__ = ["main"]

# what a program may report
KINDS = ("ok", "wrong", "exception", "exit", "syntax", "memory", "output-limit", "bad-check")
KEPT = 4096  # characters of an output or a value; of what is longer, a digest of all of it too
JOB = STATUS + 1  # of a child's descriptors: its job, which is read before the walls stand


class _Program:
    """What a child of the template becomes; one for all of them."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.spawned = config["language"] != "python"
        self.command: list[str] = config["command"]
        memory = resource.RLIMIT_DATA if self.spawned else resource.RLIMIT_AS
        self.wall = Wall.build(
            config["barrier"],
            "spawned" if self.spawned else "program",
            config["readable"],
            rlimits(config["limits"], memory),
            config["abi"],
        )
        self.clock = Clock()

    def become(self, descriptors: Mapping[int, int]) -> NoReturn:
        """In the child: put up the walls, and be the program."""
        if not descriptors:  # it only shows that there is room for a process
            signal.pause()
        try:
            os.setsid()
            self._arrange(descriptors)
            job = {} if self.spawned else _read(JOB)
            self.wall.close(keep=STATUS + 1)
            self._launch(job)
        except BaseException as error:  # noqa: BLE001 - before the program, or after a forged end
            with contextlib.suppress(OSError):
                os.write(STATUS, f"{type(error).__name__}: {error}".encode())
        finally:
            leave(1)

    def _arrange(self, descriptors: Mapping[int, int]) -> None:
        """Have 0 to 4 be files that no other program has, or lead nowhere."""
        for number in {*range(STATUS)} - {*descriptors}:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            os.close(nowhere)
        for number, descriptor in descriptors.items():
            os.dup2(descriptor, number)

    def _launch(self, job: dict[str, Any]) -> NoReturn:
        """Behind the walls: become the program."""
        if self.spawned:
            os.set_inheritable(STATUS, False)  # noqa: FBT003 - a started interpreter closes it
            os.execve(self.command[0], self.command, dict(os.environ))  # noqa: S606 - that is the aim
        os.close(STATUS)
        leave_if_short(patient=job.pop("patient"))
        self.clock.restart()
        program.run(job, job.pop("nonce").encode("ascii"))

    def prepare(self) -> None:
        """In the template: let go of what is the supervisor's."""
        for descriptor in (CONTROL_IN, CONTROL_OUT, HANDOVER):
            os.close(descriptor)
        if self.wall.filter is None:
            adopt_orphans()

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


def _read(descriptor: int) -> Any:
    with open(descriptor, encoding="ascii", closefd=False) as file:
        return json.load(file)


class _Server:
    """Has programs forked, one at a time."""

    def __init__(self, config: dict[str, Any], template: Template, threads: Threads | None) -> None:
        self.limits: dict[str, Any] = config["limits"]
        self.spawned: bool = config["language"] != "python"
        self.template = template
        self.threads = threads

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """The outcomes of one job."""
        try:
            if job["style"] == "room":
                refused = self.threads is not None and self.threads.refused
                return {"waited": self._wait_for_room(), "refused": refused}
            return {"outcomes": self._serve(job) if job["style"] == "serve" else self._all(job)}
        except BrokenError as error:
            return {"error": str(error)}

    def _wait_for_room(self) -> bool:
        """Wait until there is room for all the threads of a program; whether there was none."""
        waited = False
        pids: list[int] = []

        def fork() -> int:
            nonlocal waited
            try:
                return self.template.fork({})
            except OSError:
                waited = True
                self._end(pids)
                raise

        while len(pids) < THREADS:
            pids.append(patiently(fork))
        self._end(pids)
        return waited

    def _end(self, pids: list[int]) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            self.template.end(pid)
        pids.clear()

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

    def _run(self) -> Run:
        return Run(self.template, self.threads, self.limits)

    def _one(self, job: dict[str, Any], given: Any) -> list[Any]:
        nonce = os.urandom(16).hex()
        run = self._run()
        reply = run.read(program.REPLY, self.limits["result"] + 2 * len(nonce))
        judged = job["style"] == "judge"  # by a check, which it reads when the program is loaded
        if judged:
            run.give(program.REQUESTS, json.dumps(given).encode("ascii"))
        if job["style"] == "script":
            run.give(0, given.encode("utf-8", "backslashreplace"))
        self._start(run, job | {"args": None if judged else given, "nonce": nonce})
        end = run.finish()
        report = _report(reply, nonce.encode())
        return _short_of(job, end) or _outcome(end, self.limits, report, run.stdout)

    def _start(self, run: Run, job: dict[str, Any]) -> None:
        text = json.dumps(job | {"result": self.limits["result"]}).encode("ascii")
        run.give(program.REQUESTS if self.spawned else JOB, text)
        run.start()

    def _serve(self, job: dict[str, Any]) -> list[Any]:
        """Let the checker, in its own process, call the program."""
        run = self._run()
        replies, run.moves[program.REPLY] = os.pipe()
        run.moves[program.REQUESTS], requests = os.pipe()
        self._start(run, job | {"nonce": ""})
        with socket.socket(fileno=os.dup(HANDOVER)) as handover:
            socket.send_fds(handover, [b"."], [replies, requests])
        os.close(replies)
        os.close(requests)
        end = run.finish()
        return [_short_of(job, end) or _outcome(end, self.limits, None, run.stdout)]


def _short_of(job: dict[str, Any], end: End) -> list[Any] | None:
    """That a program could not start a thread, as its end says, where it is run again.

    Whatever is not Python, node and the libraries of C++ among it, aborts then.
    """
    aborted = os.WIFSIGNALED(end.status) and os.WTERMSIG(end.status) == signal.SIGABRT
    short = end.status == SHORT << 8 or aborted
    return ["short", None, ""] if short and job["patient"] and not end.killed else None


def _report(stream: Stream, nonce: bytes) -> list[Any] | None:
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


def _outcome(end: End, limits: dict[str, Any], report: list[Any] | None, out: Stream) -> list[Any]:
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


def _prepare(config: dict[str, Any]) -> tuple[_Server, Wall]:
    _volunteer()
    close = partial(close_files, config["barrier"], config["readable"], config["abi"])
    config["limits"]["memory"] += import_ahead(config["imports"], close)
    one = _Program(config)
    if one.wall.filter:
        hide()
    preload(config["preload"])
    install(one.clock)
    sys.argv[:] = ["program"]
    threads = Threads.watch() if one.wall.filter else None
    gc.collect()
    gc.freeze()  # children then leave these pages shared
    template = Template.start(one.become, one.sweep, one.prepare)
    return _Server(config, template, threads), one.wall


def main(config: dict[str, Any]) -> None:
    """Serve until the other side hangs up."""
    settle(config["handover"])
    try:
        server, wall = _prepare(config)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side has to know
        channel.send(CONTROL_OUT, {"error": f"{type(error).__name__}: {error}"})
        return
    abi = wall.ruleset.abi if wall.ruleset else None
    channel.send(CONTROL_OUT, {"abi": abi, "threads": server.threads is not None})
    with contextlib.suppress(EOFError):
        while True:
            channel.send(CONTROL_OUT, server.answer(channel.receive(CONTROL_IN)))
    server.template.close()
    leave(0)
