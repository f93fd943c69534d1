"""Which walls hold on this machine: found by attacking them, not by version numbers."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .executables import find_executable
from .failures import SandboxUnavailable
from .languages import language
from .model import Limits
from .server import ForkServer, ServerFailedError
from .walls import BARRIERS, UNSAFE, Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "Trial",
    "attack",
    "find_tier",
    "prove",
    "require",
    "trials",
]

MODE = 0o666  # anyone may write to what the probe must not reach
PROBE = Path(__file__).parent / "inside" / "probe.py"


@dataclass(frozen=True)
class Trial:
    """How an attack on a tier went.

    Attributes:
        tier: The walls.
        missing: Why they could not be put up; empty if they were.
        broken: The attacks that they let through.
        threads: Whether they bound a program's threads.
    """

    tier: Tier
    missing: str = ""
    broken: tuple[str, ...] = ()
    threads: bool = False


@cache
def prove(tier: Tier) -> Trial:
    """Attack a tier, once in this process."""
    return attack(tier)


@cache
def find_tier() -> Tier:
    """The first tier whose walls stand up to the self-test.

    Raises:
        SandboxUnavailable: None does; nothing must be run.
    """
    return _first_that_holds(trials())


def require(tier: Tier) -> Tier:
    """That tier, if its walls stand up to the self-test here; else raise as `find_tier` does."""
    return _first_that_holds([prove(tier)])


def _first_that_holds(tried: Iterable[Trial]) -> Tier:
    failed = []
    for trial in tried:
        if not trial.missing and not trial.broken:
            return trial.tier
        failed.append(trial)
    raise _unavailable(failed)


def trials() -> Iterator[Trial]:
    """Attack every tier in turn."""
    for barrier in BARRIERS:
        yield prove(Tier(barrier))


def attack(tier: Tier) -> Trial:
    """Run the probe, a program that tries to break out, behind the walls of a tier."""
    if tier not in {UNSAFE, *(Tier(barrier, tier.abi) for barrier in BARRIERS)}:
        return Trial(tier, missing="no such tier")
    if sys.platform != "linux" and tier != UNSAFE:
        return Trial(tier, missing=f"{sys.platform} has no supported sandbox")
    if tier.barrier == "bubblewrap" and not find_executable("bwrap"):
        return Trial(tier, missing="not installed")
    try:
        server = ForkServer("zygote", language("python"), Limits(), tier)
    except OSError as error:
        return Trial(tier, missing=str(error))
    try:
        return _probe(tier, server)
    except ServerFailedError as error:
        return Trial(tier, missing=str(error))
    finally:
        server.close()


def _probe(tier: Tier, server: ForkServer) -> Trial:
    hello = server.ready()
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        victim = Path(folder) / "victim"
        victim.write_text("secret")
        victim.chmod(MODE)
        listener.setblocking(False)  # noqa: FBT003 - the name of the method says what
        arguments = [str(victim), listener.getsockname()[1], os.getpid()]
        job = {"style": "call", "source": PROBE.read_text(encoding="utf-8"), "entry": "probe"}
        server.send(job | {"inputs": [arguments], "patient": False})
        answer = server.receive(60)
        harm = _harm(victim, listener)
    missing, broken = _result(answer, harm)
    return Trial(Tier(tier.barrier, hello["abi"]), missing, broken, hello["threads"])


def _harm(victim: Path, listener: socket.socket) -> list[str]:
    """What the probe did, seen from outside, whatever it says itself."""
    harm = []
    if sorted(victim.parent.iterdir()) != [victim] or victim.read_text() != "secret":
        harm.append("change files")
    elif victim.stat().st_mode & 0o777 != MODE:
        harm.append("change permissions")
    try:
        listener.accept()[0].close()
        harm.append("reach a listener")
    except BlockingIOError:
        pass
    return harm


def _result(answer: dict[str, Any], harm: list[str]) -> tuple[str, tuple[str, ...]]:
    if "error" in answer:
        return str(answer["error"]), ()
    kind, value, _ = answer["outcomes"][0]
    if kind != "ok":
        return f"the probe ended with {kind} {value or ''}".strip(), tuple(harm)
    done = json.loads(value)[1]
    if done[:1] != ["ran"]:
        return "the probe did not run", tuple(harm)
    return "", tuple(dict.fromkeys([*done[1:], *harm]))


def _unavailable(tried: list[Trial]) -> SandboxUnavailable:
    broken = [f"{t.tier.barrier}: {', '.join(t.broken)}" for t in tried if t.broken]
    if broken:
        return SandboxUnavailable(
            f"the sandbox self-test failed: the probe was able to {'; '.join(broken)}. "
            "Nothing was run",
            fix="please report this with the output of "
            "'python -m pytest_diversity.sandbox --check'",
        )
    reasons = "; ".join(f"{t.tier.barrier}: {t.missing}" for t in tried)
    return SandboxUnavailable(
        "refusing to run model-generated code: no sandbox works here "
        f"({reasons}). Run the tests on Linux x86_64/aarch64 - an ordinary unprivileged "
        "Docker container is enough",
        fix="if this machine may be destroyed, pass --diversity-unsafe-code or set "
        "PYTEST_DIVERSITY_UNSAFE_CODE=1: the code then runs with your rights and can read your "
        "files and keys, use the network and delete data",
    )
