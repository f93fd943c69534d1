"""Programs, what one execution of them came to, and what that means."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from .failures import CheckError

__all__ = ["Execution", "Limits", "Outcome", "Program", "second_opinion"]

NOT_CROSS_CHECKED = "not cross-checked"


@dataclass(frozen=True)
class Program:
    """A generated program and what it is to be run on.

    Attributes:
        source: The whole program.
        entry_point: The function that inputs are passed to, or that the check calls.
        inputs: Argument lists of JSON values for the entry point, or strings of standard input.
        check: Source of `check(candidate)`, which raises unless the program is correct.
        prefix: Trusted source whose names the check may use, such as the prompt that the
            program completes. It is never run together with the program.
    """

    source: str
    entry_point: str | None = None
    inputs: tuple[Any, ...] = ()
    check: str | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        """Refuse what no runner could make sense of."""
        if not all(isinstance(given, (str, list, tuple)) for given in self.inputs):
            raise CheckError(
                f"the inputs of {self.entry_point or 'a program'} have the wrong form",
                fix="each must be a list of arguments, or a string of standard input",
            )
        if self.entry_point is None and (
            self.check or any(not isinstance(i, str) for i in self.inputs)
        ):
            raise CheckError(
                "a program is to be called, but no entry point is named", fix='add "entry_point"'
            )

    @cached_property
    def key(self) -> str:
        """A digest of all that decides what the program does: the key to store outcomes under."""
        try:
            return sha256(json.dumps(asdict(self)).encode("ascii")).hexdigest()
        except TypeError as error:
            raise CheckError(
                f"the inputs of {self.entry_point} are not plain: {error}", fix="use JSON values"
            ) from None


@dataclass(frozen=True)
class Limits:
    """What one execution may use; `docs/sandbox.md` gives each number's source.

    Attributes:
        cpu: Seconds of processor time. The clock on the wall is not a limit but a backstop.
        wall: Seconds until a program that sleeps or stops itself is ended.
        memory: Bytes of address space.
        output: Bytes of standard output; more ends the program.
        result: Bytes of a returned value, written out; more is `output-limit`.
        preload: Further modules that the fork server imports, so that programs have them at
            once, and have them at all where no file can be opened.
    """

    cpu: float = 2.0
    wall: float = 10.0
    memory: int = 512 << 20
    output: int = 1 << 20
    result: int = 1 << 20
    preload: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What one execution came to.

    Attributes:
        kind: `ok`, `exception`, `exit`, `timeout`, `memory`, `output-limit`, `crash`,
            `no-result` (it ended without a report, as by os._exit) or `syntax`.
        value: For `ok` the canonical form of what was returned; for `exception` its type; for
            `exit` and `no-result` the status; for `crash` the signal.
        stdout: What it printed, less trailing blanks. Of what is long, here and
            in `value`, the beginning and a digest are kept.
    """

    kind: str
    value: str | None = None
    stdout: str = ""

    @property
    def output(self) -> str | None:
        """What it gave: the value it returned, or else what it printed; None for nothing."""
        if self.kind != "ok":
            return None
        return self.value if self.value not in (None, "null") else self.stdout or None

    @property
    def meaning(self) -> tuple[str, str | None]:
        """What tells it from other outcomes: its output, or how it failed; never a message."""
        return self.kind, self.output if self.kind == "ok" else self.value

    @property
    def opaque(self) -> bool:
        """Whether it gave something that nothing can be compared by."""
        return self.kind == "ok" and (self.value or "").startswith('["opaque",')

    def to_json(self) -> list[str | None]:
        """As plain data."""
        return [self.kind, self.value, self.stdout]


def second_opinion(verdict: Outcome, opinion: str, why: str | None, end: Outcome) -> Outcome:
    """The verdict on a program of which its own process says that the check passes, or is at fault.

    Args:
        verdict: What that process says.
        opinion: What the check came to out of the program's reach: `passes`, `fails`, `unclear`
            (it cannot say), `gone` (the program ended) or `bad-check`.
        why: Of an `unclear` or `bad-check`.
        end: How the program's process ended there.
    """
    if opinion == "bad-check":
        return Outcome(opinion, why)
    if verdict.kind == "bad-check":  # so says the program alone
        return Outcome("forged")
    if opinion == "gone" and end.kind in ("timeout", "memory", "output-limit"):
        opinion, why = "unclear", end.kind
    if opinion == "unclear":
        return Outcome("ok", f"{NOT_CROSS_CHECKED}: {why}")
    return Outcome("ok" if opinion == "passes" else "forged")


@dataclass(frozen=True)
class Execution:
    """What a program did on all its inputs, and before its check.

    Attributes:
        outcomes: One for each input.
        nondeterministic: It answered the first input otherwise when asked again, in another
            process with other hashes; its meaning says nothing.
        verdict: What the check came to, `ok` if it passed; None if there is none.
    """

    outcomes: tuple[Outcome, ...] = ()
    nondeterministic: bool = False
    verdict: Outcome | None = None

    @property
    def correct(self) -> bool | None:
        """Whether the check passed; None without a check, or where the check itself is at fault."""
        if self.verdict is None or self.verdict.kind == "bad-check":
            return None
        return self.verdict.kind == "ok"

    @property
    def cross_checked(self) -> bool:
        """Whether a passing verdict holds in a process, too, that the program cannot reach."""
        return self.verdict == Outcome("ok")

    @property
    def meaning(self) -> tuple[tuple[str, str | None], ...]:
        """Equal for programs that did the same on every input."""
        return tuple(outcome.meaning for outcome in self.outcomes)

    @property
    def opaque(self) -> bool:
        """Whether its meaning cannot be compared: it is that of no other program."""
        return any(outcome.opaque for outcome in self.outcomes)

    @property
    def valid(self) -> bool:
        """Whether it ran to its end and gave something on every input (Shypula et al., 2504.12522).

        Without inputs only the check was run: it must have passed, or failed by an assertion;
        where the check is at fault, nothing is held against the program.
        """
        return self.is_valid()

    def is_valid(self, *, allow_nothing: bool = False, allow_exceptions: bool = False) -> bool:
        """Like `valid`, where returning nothing, or raising, may count as behaviour too."""
        kinds = {"ok", "exception"} if allow_exceptions else {"ok"}
        if not self.outcomes and self.verdict:
            return self.verdict.kind in ("ok", "wrong", "bad-check")
        return (
            bool(self.outcomes)
            and not self.nondeterministic
            and all(
                o.kind in kinds and (allow_nothing or o.kind != "ok" or o.output is not None)
                for o in self.outcomes
            )
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data, for stores."""
        return {
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "nondeterministic": self.nondeterministic,
            "verdict": self.verdict and self.verdict.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Execution:
        """The counterpart of `to_json`."""
        verdict = data["verdict"]
        return cls(
            tuple(Outcome(*outcome) for outcome in data["outcomes"]),
            data["nondeterministic"],
            Outcome(*verdict) if verdict else None,
        )
