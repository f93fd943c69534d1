"""Answers in JavaScript as models write them, each called once behind the walls."""

# ruff: noqa: E501 - an answer a line

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from pytest_diversity.domains.extract import extract
from pytest_diversity.sandbox import Program, Sandbox
from pytest_diversity.sandbox.executables import find_executable

MUL = "function mul(a, b) {\n  return a * b;\n}\n"
SUM = "function mul(a, b) {\n  return a + b;\n}\n"


def fenced(code: str, tag: str = "javascript") -> str:
    return f"```{tag}\n{code}```\n"


# All of them hold `mul`, and mul(3, 4) is 12.
ANSWERS: Mapping[str, str] = {
    "a fence": fenced(MUL),
    "exported": fenced("export "+MUL),
    "the default export": fenced("export default "+MUL),
    "an anonymous default": fenced("export default (a, b) => a * b;\n"),
    "exported by name": fenced(MUL+"export { mul };\n"),
    "exported under another name": fenced("const times = (a, b) => a * b;\nexport { times as mul };\n"),
    "an exported constant": fenced("export const mul = (a, b) => a * b;\n","mjs"),
    "imports": fenced("import assert from 'assert';\nimport { inspect } from 'node:util';\n"+"export "+MUL),
    "an import apart": fenced("import path from 'path';\n")+fenced("export function mul(a, b) { return path.posix.join('a').length * a * b; }\n"),
    "a require apart": fenced("const util = require('util');\n")+fenced("function mul(a, b) { return util.isArray ? a * b : a * b; }\nmodule.exports = mul;\n"),
    "module.exports": fenced(MUL+"module.exports = { mul };\n"),
    "exports": fenced("exports.mul = (a, b) => a * b;\n"),
    "an example that waits": fenced("async function mul(a, b) { return a * b; }\n\nconsole.log(await mul(1, 2));\n"),
    "an import that waits": fenced("const { performance } = await import('perf_hooks');\nconst mul = (a, b) => a * b;\n"),
    "a failing example": fenced(MUL+"\nconsole.log(mul(1).toFixed(2).nope.nope);\n"),
    "a failing require after it": fenced(MUL+"\nconst { expect } = require('chai');\nexpect(mul(1, 2)).to.equal(2);\n"),
    "tests after it": fenced(MUL+"\ntest('multiplies', () => { expect(mul(2, 3)).toBe(6); });\n"),
    "a draft": f"<think>\n{fenced(SUM)}</think>\n{fenced(MUL)}",
    "corrected": fenced(SUM)+"Wait, corrected:\n"+fenced(MUL),
    "a signature first": fenced("function mul(a, b) {\n  // your code\n}\n")+fenced(MUL),
    "prose around, no fence": "Here is the function:\n\n"+MUL+"\nIt multiplies its arguments.",
    "an answer on one line": "Answer: const mul = (a, b) => a * b;",
    "a function on one line": "Answer: function mul(a, b) { return a * b; }",
    "with a comment": fenced("/**\n * @param {number} a\n * @returns {number}\n */\nconst mul = (a, b) => a * b;\n","js"),
    "a static method": fenced("class Calc { static mul(a, b) { return a * b; } }\nconst mul = Calc.mul;\n"),
    "a helper apart": fenced("const times = (a, b) => a * b;\n")+"and\n"+fenced("const mul = (a, b) => times(a, b);\n"),
    "in HTML": "<script>\n"+MUL+"</script>",
    "a prompt that left a fence open": MUL+"```\n\nThis function multiplies.",
    "a session of node": fenced("> const mul = (a, b) => a * b\nundefined\n> mul(3, 4)\n12\n",""),
    "an executable file, strict": fenced("#!/usr/bin/env node\n'use strict';\n"+MUL),
    "a function expression": fenced("var mul = function (a, b) {\n  return a * b;\n};\n","node"),
    "a global set by a closure": fenced("(function () {\n  globalThis.mul = function (a, b) { return a * b; };\n})();\n"),
    "a program around it": fenced(MUL+"\nconst rl = require('readline').createInterface({ input: process.stdin });\nrl.on('line', l => console.log(mul(...l.split(' '))));\n"),
    "a failing import after it": fenced(MUL + "\nimport { expect } from 'chai';\nexpect(mul(1, 2)).to.equal(2);\n"),
    "import.meta": fenced(MUL + "\nif (import.meta.url === `file://${process.argv[1]}`) {\n  mul().nope.nope;\n}\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    if find_executable("node") is None:
        pytest.skip("node is not installed")
    with Sandbox(language="javascript") as sandbox:
        yield sandbox


@pytest.mark.parametrize("case", ANSWERS)
def test_the_program_of_an_answer(sandbox: Sandbox, case: str) -> None:
    """It is what the answer means it to be: it multiplies."""
    found = extract(ANSWERS[case], "mul", "javascript")
    (execution,) = sandbox.run([Program(found.program, "mul", ([3, 4],))])
    assert execution.outcomes[0].meaning == ("ok", '["float","12"]')
