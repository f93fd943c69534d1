"""One program at a time: its outcomes, the same with other hashes, and what its check says."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .failures import CheckError, HarnessError
from .model import Execution, Outcome, second_opinion
from .room import ATTEMPTS, QUIET, alone
from .server import ROOM_SECONDS, START_SECONDS, ForkServer, LateError, ServerFailedError

if TYPE_CHECKING:
    from .languages import Language
    from .model import Limits, Program
    from .walls import Tier

__all__ = ["Worker"]

SHORT = "short"  # what a fork server says of such a program; never an outcome
IMPORTS = 2  # sets of packages that a worker keeps a fork server for, which has imported them


class Worker:
    """One program at a time: a fork server, a second one with other hashes, and a checker."""

    def __init__(self, language: Language, limits: Limits, tier: Tier) -> None:
        """Start nothing yet.

        Args:
            language: What the programs are written in.
            limits: What each execution may use.
            tier: The walls around them.
        """
        self.language = language
        self.limits = limits
        self.tier = tier
        self.servers: dict[str, ForkServer] = {}
        self.ends: list[socket.socket] = []
        self.started = ExitStack()
        self.busy = False
        self.ended = False
        self.imports: tuple[str, ...] = ()  # of the program, which its fork server has done
        self.alone: set[tuple[str, ...]] = set()  # sets of packages that it has to import itself
        self.patient = False  # with a program that cannot start its threads

    def end(self) -> None:
        """Nobody wants what it still does; its thread must hear so before anything is closed."""
        self.ended = True
        if self.busy:
            for server in [*self.servers.values()]:
                server.kill()

    def close(self) -> None:
        """End every process."""
        self.started.close()

    def restart(self) -> None:
        """End the processes; the next program starts new ones."""
        self.close()
        self.servers, self.ends = {}, []

    def run_surely(self, program: Program) -> Execution:
        """Run a program; where a server fails, which is never an outcome, once more in new ones."""
        self.busy = True
        try:
            return self._run_surely(program)
        finally:
            self.busy = False

    def _run_surely(self, program: Program) -> Execution:
        try:
            return self.run(program)
        except ServerFailedError:
            if self.ended:
                raise
            self.restart()
        try:
            return self.run(program)
        except ServerFailedError as error:
            self.restart()
            name = program.entry_point or "a program"
            raise HarnessError(
                f"the sandbox failed twice on {name}: {error}; this is not an outcome of the "
                "program, so no score is given"
            ) from error

    def run(self, program: Program) -> Execution:
        """Run a program; where the machine had no room for its threads, again when it has.

        That it had none is the program's word, so it is believed only where there is none now.
        """
        execution = self._attempt(program, patient=True)
        if not _short(execution):
            return execution
        with alone():
            quiet = 0
            for _ in range(ATTEMPTS):
                room = self._wait_for_room()
                quiet = 0 if room["waited"] else quiet + 1
                if room["refused"] or quiet > QUIET:
                    break
                execution = self._attempt(program, patient=True)
                if not _short(execution):
                    return execution
            return self._attempt(program, patient=False)

    def _wait_for_room(self) -> dict[str, bool]:
        """Whether it had to wait, and whether the last program was refused for its own bound."""
        server = self._server("first")
        server.send({"style": "room"})
        answer: dict[str, bool] = server.receive(START_SECONDS + ROOM_SECONDS)
        if "error" in answer:
            raise ServerFailedError(answer["error"])
        return answer

    def _attempt(self, program: Program, *, patient: bool) -> Execution:
        self.patient = patient
        # the check runs with the program, so that what it imports must be there for both
        sources = "\n".join([program.prefix, program.source, program.check or ""])
        imports = self.language.packages.imported_by(sources)
        self.imports = () if imports in self.alone else imports
        outcomes = self._outcomes("first", program, program.inputs)
        again = self._again(program, outcomes)
        if again is not None and again.kind == SHORT:
            return Execution((again,))
        nondeterministic = again is not None and again.meaning != outcomes[0].meaning
        return Execution(outcomes, nondeterministic, self._verdict(program, outcomes))

    def _again(self, program: Program, outcomes: tuple[Outcome, ...]) -> Outcome | None:
        """The first outcome with other hashes; None where nothing can be learnt from it."""
        if not outcomes or outcomes[0].kind in ("timeout", "syntax", SHORT):
            return None  # dear, certain, or to be repeated
        return self._outcomes("second", program, program.inputs[:1])[0]

    def _outcomes(
        self, name: str, program: Program, inputs: tuple[Any, ...]
    ) -> tuple[Outcome, ...]:
        if not inputs:
            return ()
        style = "script" if isinstance(inputs[0], str) else "call"
        return self._run(style, program, inputs, name)

    def _run(
        self, style: str, program: Program, inputs: tuple[Any, ...], name: str = "first"
    ) -> tuple[Outcome, ...]:
        seconds = (self.limits.wall + 5) * len(inputs) + 30
        return self._ask(name, self._job(style, program) | {"inputs": inputs}, seconds)

    def _job(self, style: str, program: Program) -> dict[str, Any]:
        return {
            "style": style,
            "source": program.source,
            "entry": program.entry_point,
            "patient": self.patient,
        }

    def _ask(self, name: str, job: dict[str, Any], seconds: float) -> tuple[Outcome, ...]:
        server = self._server(name)
        server.send(job)
        return _read(server.receive(seconds))

    def _server(self, name: str) -> ForkServer:
        imports = () if name == "checker" else self.imports
        key = " ".join([name, *imports])
        if key not in self.servers:
            try:
                self.servers[key] = self._start(name, imports)
            except ServerFailedError:
                if not imports or self.ended:
                    raise
                self.alone.add(imports)
                self.imports = ()
                return self._server(name)
        if self.ended:  # also while it was being started, when `end` could not know it
            raise ServerFailedError("is wanted no more")
        return self.servers[key]

    def _make_room(self, name: str) -> None:
        """End the fork server that was first started for a set of packages, if there are many."""
        held = [key for key in self.servers if key.startswith(f"{name} ")]
        if len(held) >= IMPORTS:
            self.servers.pop(held[0]).close()

    def _start(self, name: str, imports: tuple[str, ...]) -> ForkServer:
        if imports:
            self._make_room(name)
        if not self.ends:
            self.ends = [self.started.enter_context(end) for end in socket.socketpair()]
        ends = dict(zip(("first", "checker"), self.ends, strict=True))
        server = ForkServer(
            "checker" if name == "checker" else "zygote",
            self.language,
            self.limits,
            self.tier,
            seed=int(name == "second"),
            handover=ends[name].fileno() if name in ends else None,
            imports=imports,
        )
        self.started.callback(server.close)
        try:
            server.ready()
        except ServerFailedError:
            server.close(at_once=True)
            raise
        return server

    def _verdict(self, program: Program, outcomes: tuple[Outcome, ...]) -> Outcome | None:
        """Let the check run with the program and, if it passes, once more out of its reach."""
        if program.check is None:
            return None
        if any(outcome.kind == "timeout" for outcome in outcomes):
            return Outcome("timeout")
        if not self.language.judges:
            raise CheckError(f"checks of programs in {self.language.name!r} are not supported")
        check = {"prefix": program.prefix, "check": program.check, "entry": program.entry_point}
        (verdict,) = self._run("judge", program, (check,))
        if verdict.kind not in ("ok", "bad-check"):
            return verdict
        opinion, why, end = self._opinion(program, check)
        return end if end.kind == SHORT else second_opinion(verdict, opinion, why, end)

    def _opinion(self, program: Program, check: dict[str, Any]) -> tuple[str, str | None, Outcome]:
        """What the check comes to in a process that the program cannot reach, and its end."""
        checker = self._server("checker")
        checker.send(check)
        (end,) = self._ask("first", self._job("serve", program), self.limits.wall + 30)
        try:
            opinion, why = checker.receive(self.limits.wall)
        except LateError:  # its answers kept the check busy for ever
            self.servers.pop("checker").close(at_once=True)
            return "gone", None, Outcome("timeout")
        return opinion, why, end


def _short(execution: Execution) -> bool:
    ends = [*execution.outcomes, execution.verdict]
    return any(end is not None and end.kind == SHORT for end in ends)


def _read(answer: dict[str, Any]) -> tuple[Outcome, ...]:
    if "error" in answer:
        raise ServerFailedError(answer["error"])
    return tuple(Outcome(*outcome) for outcome in answer["outcomes"])
