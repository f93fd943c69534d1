"""The system-call filter decides as its rules say, on both architectures, by running its BPF."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.sandbox.inside.filter import (
    CHECKED,
    FREE,
    MISSING,
    OPENING,
    Filter,
    rules_for,
)
from pytest_diversity.sandbox.inside.syscalls import ARCHITECTURES, NUMBERS

ME = 4242
ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def run(code: bytes, data: bytes) -> int:
    """Classic BPF, as far as the filter uses it (linux/bpf_common.h)."""
    at, word = 0, 0
    while True:
        operation, if_true, if_false, constant = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if operation == 0x20:
            (word,) = struct.unpack_from("=I", data, constant)
        elif operation == 0x54:
            word &= constant
        elif operation == 0x15:
            at += if_true if word == constant else if_false
        else:
            assert operation == 0x06
            return int(constant)


def decide(machine: str, name: str | int, *arguments: int, opens: bool = True) -> int:
    column, arch = ARCHITECTURES[machine]
    code = Filter.build(rules_for("program", opens=opens), machine).stamped(ME)
    number = NUMBERS[name][column] if isinstance(name, str) else name
    padded = [*arguments, *[0] * (6 - len(arguments))]
    return run(code, struct.pack("=IIQ6Q", number, arch, 0, *padded))


HIGH = 1 << 32
CASES = {
    "reading is free": ("read", (0,), ALLOW),
    "signals to oneself": ("kill", (ME, 9), ALLOW),
    "signals to another": ("kill", (ME + 1, 9), EPERM),
    "signals to everyone": ("kill", (2**64 - 1, 9), EPERM),
    "signals to oneself with a high half": ("kill", (ME | HIGH, 9), EPERM),
    "signals to one's group": ("kill", (0, 9), EPERM),
    "signals to a thread of another": ("tgkill", (1, ME, 9), EPERM),
    "a thread": ("clone", (0x3D0F00,), ALLOW),
    "a process": ("clone", (17,), EPERM),
    "a thread in a new namespace": ("clone", (0x3D0F00 | 0x10000000,), EPERM),
    "clone3 is missing, so that the library takes clone": ("clone3", (0,), ENOSYS),
    "reading one's own limits": ("prlimit64", (0, 7, 0), ALLOW),
    "changing one's own limits": ("prlimit64", (0, 7, 4096), EPERM),
    "reading another's limits": ("prlimit64", (1, 7, 0), EPERM),
    "owning a signal": ("fcntl", (0, 8), EPERM),
    "choosing a signal": ("fcntl", (0, 10), EPERM),
    "asynchronous signals": ("fcntl", (0, 4, 0o20000), EPERM),
    "not blocking": ("fcntl", (0, 4, 0o4000), ALLOW),
    "a lease": ("fcntl", (0, 1024), EPERM),
    "asynchronous signals by ioctl": ("ioctl", (0, 0x5452), EPERM),
    "typing into a terminal": ("ioctl", (0, 0x5412), EPERM),
    "naming a thread": ("prctl", (15,), ALLOW),
    "becoming traceable": ("prctl", (4, 1), EPERM),
    "a stream pair": ("socketpair", (1, 0o2000001, 0), ALLOW),
    "a datagram pair": ("socketpair", (1, 2, 0), EPERM),
    "sending to an address": ("sendto", (3, 0, 0, 0, 4096), EPERM),
    "sending to a peer": ("sendto", (3, 0, 0, 0, 0), ALLOW),
    "opening to read": ("openat", (0, 0, 0o2000000), ALLOW),
    "truncating without writing": ("openat", (0, 0, 0o1000), EPERM),
    "the third access mode": ("openat", (0, 0, 3), EPERM),
    "a path without a file": ("openat", (0, 0, 0o10000000), EPERM),
    "writable and executable memory": ("mmap", (0, 4096, 7), EPERM),
    "memory": ("mmap", (0, 4096, 3), ALLOW),
    "making memory writable and executable": ("mprotect", (0, 4096, 6), EPERM),
    "executing": ("execve", (0,), EPERM),
    "receiving descriptors": ("recvmsg", (3,), EPERM),
}


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize("case", CASES)
def test_arguments_are_checked(machine: str, case: str) -> None:
    name, arguments, verdict = CASES[case]
    assert decide(machine, name, *arguments) == verdict


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_without_a_barrier_for_files_nothing_can_be_opened(machine: str) -> None:
    calls = ("openat", "statx", "readlinkat", "getdents64")
    assert {decide(machine, name, opens=False) for name in calls} == {EPERM}
    assert decide(machine, "newfstatat", 3, 0, 0, 0x1000, opens=False) == ALLOW


@given(number=st.integers(0, 2**32 - 1), arguments=st.lists(st.integers(0, 2**64 - 1), max_size=6))
@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_a_call_that_is_not_named_is_refused(
    machine: str, number: int, arguments: list[int]
) -> None:
    column, _ = ARCHITECTURES[machine]
    named = {*FREE, *CHECKED, *OPENING, *MISSING}
    known = {NUMBERS[name][column] for name in named}
    verdict = decide(machine, number, *arguments)
    assert number in known or verdict == EPERM


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_another_architecture_ends_the_process(machine: str) -> None:
    code = Filter.build(CHECKED, machine).stamped(ME)
    i386 = 0x40000003
    assert run(code, struct.pack("=IIQ6Q", 0, i386, 0, *[0] * 6)) == KILL


HEADERS = {
    "x86_64": "x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "asm-generic/unistd.h",
}


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_numbers_are_those_of_the_kernel_headers(machine: str) -> None:
    header = Path("/usr/include") / HEADERS[machine]
    if not header.exists():
        pytest.skip("the kernel headers are not installed")
    defined = dict(
        re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(), re.MULTILINE)
    )
    # asm-generic gives these under the name of their 64-bit form
    same = {"fstat": "80", "newfstatat": "79", "lseek": "62", "mmap": "222", "fcntl": "25"}
    column, _ = ARCHITECTURES[machine]
    for name, numbers in NUMBERS.items():
        if (number := numbers[column]) is not None:
            assert defined.get(name, same.get(name)) == str(number), name
