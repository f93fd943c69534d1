"""Classic BPF, as far as seccomp filters need it: decisions about system calls, as bytecode."""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["Condition", "Rules", "any_of", "block", "condition", "instruction"]

# linux/bpf_common.h: load a word, jump if equal, and with a constant, return a constant
LOAD, JUMP_EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
# linux/seccomp.h: verdicts, and the offsets in struct seccomp_data
ALLOW, NOTIFY, ERRNO, KILL = 0x7FFF0000, 0x7FC00000, 0x00050000, 0x80000000
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16
EPERM, ENOSYS = 1, 38
WORD = 0xFFFF_FFFF

Condition = tuple[int, int, tuple[int, ...]]  # argument, mask, the allowed values of what is left
Rules = dict[str, list[list[Condition]]]  # a call is allowed if all conditions of one list hold


def instruction(code: int, constant: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; the jumps count instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, constant)


def any_of(values: Sequence[int], skip: int) -> list[bytes]:
    """Fall through if the word at hand is one of the values, else jump `skip` past the end."""
    last = len(values) - 1
    return [
        instruction(JUMP_EQUAL, value, last - i, 0 if i < last else skip)
        for i, value in enumerate(values)
    ]


def condition(wanted: Condition, skip: int) -> list[bytes]:
    """Fall through if the 64-bit argument meets the condition, else jump `skip` past the end."""
    argument, mask, values = wanted
    at = ARGUMENTS_AT + 8 * argument
    low = [instruction(LOAD, at), instruction(AND, mask), *any_of(values, skip)]
    high = [instruction(LOAD, at + 4), *any_of([0], len(low) + skip)]
    return high + low


def block(number: int, alternatives: list[list[Condition]]) -> list[bytes]:
    """Decide about one call; fall through if it is another one."""
    body: list[bytes] = []
    for conditions in alternatives:
        allowed = [instruction(RETURN, ALLOW)]
        for one in reversed(conditions):
            allowed = condition(one, len(allowed)) + allowed
        body += allowed
    body.append(instruction(RETURN, ERRNO | EPERM))
    return [instruction(JUMP_EQUAL, number, 0, len(body)), *body]
