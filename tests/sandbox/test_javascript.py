"""JavaScript runs behind the same walls, through the installed node."""

# ruff: noqa: E501 - a program a line reads better than one cut to fit

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_diversity.sandbox import (
    CheckError,
    Limits,
    Program,
    Sandbox,
    SandboxUnavailable,
    Tier,
)
from pytest_diversity.sandbox.executables import find_executable
from pytest_diversity.sandbox.tiers import prove

from .test_hostile import TIERS

pytestmark = pytest.mark.skipif(find_executable("node") is None, reason="node is not installed")

PROGRAMS = {
    "a function": ("function f(a, b) { return a + b }", "ok", '["float","3"]'),
    "an arrow function": ("const f = (a, b) => a - b", "ok", '["float","-1"]'),
    "an exported function": ("module.exports = (a, b) => a * b", "ok", '["float","2"]'),
    "an asynchronous function": ("async function f(a) { return a }", "ok", '["float","1"]'),
    "an object has no order": ("const f = () => ({b: 1n, a: 'x'})", "ok", '["dict",[["a","x"],["b",["int","0x1"]]]]'),
    "a set has no order": ("const f = () => new Set(['b', 'a'])", "ok", '["set",["a","b"]]'),
    "a map": ("const f = () => new Map([['a', undefined]])", "ok", '["dict",[["a",null]]]'),
    "zero and not a number": ("const f = () => [-0, NaN]", "ok", '["list",[["float","0"],["float","nan"]]]'),
    "a value that contains itself": ("const f = () => { const x = []; x.push(x); return x }", "ok", '["list",[["cycle"]]]'),
    "random numbers are the same": ("const f = () => Math.random()", "ok", None),
    "the time is the same": ("const f = () => [Date.now(), String(new Date())]", "ok", None),
    "an exception": ("const f = () => { throw new TypeError('x') }", "exception", "TypeError"),
    "a syntax error": ("function f(", "syntax", None),
    "no entry point": ("const g = 1", "exception", "ReferenceError"),
    "recursion": ("const f = () => f()", "exception", "RangeError"),
    "infinite loop": ("const f = () => { while (true); }", "timeout", None),
    "waiting forever": ("const f = () => new Promise(r => setTimeout(r, 1e6))", "timeout", None),
    "memory bomb": ("const f = () => { const a = []; while (a.length < 40) a.push(Buffer.alloc(64 << 20)); }", "exception crash", None),
    "memory bomb of the heap": ("const f = () => { let a = []; for (let i = 0; i < 2e8; i++) a.push({i}) }", "crash timeout", None),
    "endless output": ("const f = () => { for (let i = 0; i < 4096; i++) console.log('x'.repeat(1 << 14)) }", "output-limit", None),
    "huge value": ("const f = () => 'x'.repeat(5 << 20)", "output-limit", None),
    "leaving": ("const f = () => process.exit(3)", "exit", "3"),
    "leaving at once": ("const f = () => process.reallyExit(0)", "no-result", "0"),
    "aborting": ("const f = () => process.abort()", "crash", "6"),
    "a process": ("const f = () => require('child_process').execFileSync('/bin/true')", "exception", None),
    "a file": ("const f = () => require('fs').readFileSync('/etc/passwd')", "exception", None),
    "writing": ("const f = () => require('fs').writeFileSync('/tmp/diversity-js', 'x')", "exception", None),
    "killing its parent": ("const f = () => process.kill(process.ppid, 0)", "exception", None),
    "a worker cannot leave the walls": ("const f = () => require('fs').readFileSync('/proc/self/environ')", "exception", None),
    "a socket": ("const f = () => new Promise((r, no) => require('net').connect(9, '127.0.0.1').on('error', no))", "exception", None),
    "forged result": ("const f = () => { require('fs').writeSync(3, '[\"ok\",1]'); process.reallyExit(0) }", "no-result", None),
    "an export": ("export function f(a, b) { return a + b }", "ok", '["float","3"]'),
    "exported under another name": ("const g = (a) => a\nexport { g as f }", "ok", '["float","1"]'),
    "a default export without a name": ("export default (a) => a", "ok", '["float","1"]'),
    "a default export of that name": ("export default function f(a) { return a }", "ok", '["float","1"]'),
    "a default export of an object": ("export default { f: (a, b) => a * b }", "ok", '["float","2"]'),
    "where a module is": ("export const f = () => typeof import.meta.url", "ok", '"string"'),
    "a module with exports of a script": ("import 'fs'\nmodule.exports = (a) => a", "ok", '["float","1"]'),
    "a module that does not export it": ("import 'fs'\nfunction f(a) { return a }", "ok", '["float","1"]'),
    "a named import of node's": ("import { join } from 'node:path'\nconst f = () => join('a', 'b')", "ok", '"a/b"'),
    "all of an import of node's": ("import * as path from 'path'\nexport const f = () => path.join('a', 'b')", "ok", '"a/b"'),
    "an import in a function": ("async function f() { return (await import('path')).join('a', 'b') }", "ok", '"a/b"'),
    "awaiting outside of functions": ("const one = await Promise.resolve(1)\nfunction f(a) { return a + one }", "ok", '["float","2"]'),
    "awaiting for ever": ("await new Promise(() => {})\nexport const f = 1", "no-result", None),
    "a package that is not there": ("import _ from 'lodash'\nexport const f = (a) => a", "exception", "Error"),
    "a file as a module": ("import passwd from '/etc/passwd'\nexport const f = () => passwd", "exception", "Error"),
    "a module throws when it is loaded": ("import 'fs'\nthrow new TypeError()\nexport const f = 1", "exception", "TypeError"),
    "a SyntaxError that is thrown": ("export const f = () => { throw new SyntaxError() }", "exception", "SyntaxError"),
    "a module with a syntax error": ("export function f(", "syntax", None),
    "a module without the entry point": ("export const g = 1", "exception", "ReferenceError"),
    "a process of a module": ("import { execFileSync } from 'child_process'\nexport const f = () => String(execFileSync('/bin/true'))", "exception", None),
    "a file of a module": ("import { readFileSync } from 'fs'\nexport const f = () => readFileSync('/etc/passwd', 'utf8')", "exception", None),
}  # fmt: skip


@pytest.fixture(scope="module", params=["landlock", "bubblewrap"])
def node(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if reason := prove(TIERS[request.param]).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    limits = Limits(cpu=1.0, wall=3.0)
    with Sandbox(limits=limits, tier=TIERS[request.param], language="javascript") as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_as_it_must(node: Sandbox, name: str) -> None:
    source, kinds, value = PROGRAMS[name]
    (execution,) = node.run([Program(source, "f", ([1, 2],))])
    (outcome,) = execution.outcomes
    assert outcome.kind in kinds.split()
    assert value in (None, outcome.value)
    assert not execution.nondeterministic


def test_a_program_that_reads_and_prints(node: Sandbox) -> None:
    source = "const r = require('readline').createInterface({input: process.stdin});\n"
    source += "r.on('line', line => console.log(line + '!'));"
    (execution,) = node.run([Program(source, None, ("a\nb\n",))])
    assert execution.outcomes[0].output == "a!\nb!"


def test_a_module_that_reads_and_prints(node: Sandbox) -> None:
    source = "import { createInterface } from 'node:readline';\n"
    source += "for await (const line of createInterface({ input: process.stdin }))"
    (execution,) = node.run([Program(f"{source} console.log(line + '!')", None, ("a\nb\n",))])
    assert execution.outcomes[0].output == "a!\nb!"


def test_checks_are_refused_in_one_sentence(node: Sandbox) -> None:
    with pytest.raises(CheckError, match="'javascript' are not supported"):
        list(node.run([Program("const f = 1", "f", check="def check(c): pass")]))


def test_where_nothing_can_be_opened_node_cannot_run() -> None:
    with pytest.raises(SandboxUnavailable, match="opens none"):
        Sandbox(language="javascript", tier=Tier("no-open"))


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match="known: python, javascript"):
        Sandbox(language="cobol")
