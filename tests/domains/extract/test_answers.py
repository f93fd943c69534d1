"""Answers as models of all kinds write them, each with a call and its value, executed."""

# ruff: noqa: E501, S102 - an answer a line; the programs are these ones alone

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_diversity.domains.extract import extract, extract_program
from pytest_diversity.judges.defines import defines

ADD = "def add(a, b):\n    return a + b\n"
SUB = "def add(a, b):\n    return a - b\n"
STUB = "def add(a, b):\n    ...\n"
T = "```"


def fenced(code: str, tag: str = "python") -> str:
    return f"{T}{tag}\n{code}{T}\n"


# All of them hold `add`, and add(2, 3) is 5.
ANSWERS: Mapping[str, str] = {
    # fences
    "a fence": fenced(ADD),
    "sentences around": f"Sure!\n\n{fenced(ADD)}\nThis adds `a` and `b`.",
    "no tag": fenced(ADD, ""),
    "capitals": fenced(ADD, "PYTHON"),
    "py3": fenced(ADD, "py3"),
    "Python 3": fenced(ADD, "Python 3"),
    "curly tag": fenced(ADD, "{.python .numberLines}"),
    "a file's name": fenced(ADD, "python:src/add.py"),
    "a title": fenced(ADD, 'python title="add.py" linenos'),
    "tildes": f"~~~python\n{ADD}~~~",
    "four ticks": f"````python\n{ADD}````",
    "five ticks in a wrapper": f"`````markdown\n# Title\n{fenced(ADD)}`````",
    "a wrapper of the same length": f"{T}markdown\nText.\n{fenced(ADD)}{T}\n",
    "closed by more": f"{T}python\n{ADD}`````\nDone.",
    "never closed": f"{T}python\n{ADD}",
    "closed by another opening": f"{T}python\n{ADD}{T}python\n",
    "closed on the line of code": f"{T}python\ndef add(a, b):\n    return a + b{T}\nDone.",
    "opened on a line of prose": f"Here: {T}python\n{ADD}{T}",
    "code on the line of the fence": f"{T}python def add(a, b):\n    return a + b\n{T}",
    "one line": f"{T}def add(a, b): return a + b{T}",
    "one line with a tag": f"{T}python def add(a, b): return a + b{T}",
    "one line amid a sentence": f"Use {T}add = lambda a, b: a + b{T} for it.",
    "a span": "You can write `add = lambda a, b: a + b`.",
    "in a list": "1. Code:\n\n   ```python\n   def add(a, b):\n       return a + b\n   ```\n2. Done.",
    "in a list, less indented": "- Code:\n    ```python\n  def add(a, b):\n      return a + b\n    ```",
    "in a quote": "> ```python\n> def add(a, b):\n>     return a + b\n> ```\n",
    "emphasis around": f"**Solution:**\n\n**{T}python**\n{ADD}**{T}**",
    "Windows lines": fenced(ADD).replace("\n", "\r\n"),
    "old Mac lines": ADD.replace("\n", "\r"),
    "a byte order mark": f"\ufeff{fenced(ADD)}",
    "an unseen space": f"{T}python\n\u200b{ADD}{T}",
    "tabs": fenced(ADD.replace("    ", "\t")),
    "indented as a whole": fenced("    def add(a, b):\n        return a + b\n"),
    "first line indented": fenced(" def add(a, b):\n    return a + b\n"),
    "escaped for HTML": fenced("def add(a, b):\n    if a &lt; b and True:\n        return a + b\n"),
    # which of several
    "corrected": f"{fenced(SUB)}Wait, corrected:\n{fenced(ADD)}",
    "corrected, without fences": f"{SUB}\nWait, that is wrong. Corrected:\n\n{ADD}",
    "corrected, the first without a fence": f"{SUB}\nNo:\n{fenced(ADD)}",
    "corrected twice": fenced(SUB) + fenced(SUB) + fenced(ADD),
    "signature first": fenced(STUB) + fenced(ADD),
    "signature last": fenced(ADD) + "As asked:\n" + fenced(STUB),
    "pass last": fenced(ADD) + "Template:\n" + fenced("def add(a, b):\n    pass\n"),
    "a docstring alone last": fenced(ADD) + fenced('def add(a, b):\n    """Adds."""\n'),
    "not implemented last": fenced(ADD) + fenced('def add(a, b):\n    raise NotImplementedError("x")\n'),
    "truncated last": fenced(ADD) + "Better:\n```python\ndef add(a, b):\n    return (a +",
    "an import of it last": fenced(ADD) + "Use:\n" + fenced("from solution import add\nprint(add(1, 2))\n"),
    "usage last": fenced(ADD) + "Use:\n" + fenced("print(add(1, 2))\n"),
    "usage first": "As in\n" + fenced("print(add(1, 2))\n") + "where\n" + fenced(ADD),
    "a result that hides it": fenced(ADD) + fenced("add = add(1, 2)\nprint(add)\n"),
    "output last": fenced(ADD) + "Output:\n" + fenced("3\n" * 60, ""),
    "tests last": fenced(ADD) + fenced("def test_add():\n    assert add(1, 2) == 4\n\ntest_add()\n"),
    "another language first": fenced("function add(a, b) { return a - b }\n", "js") + fenced(ADD),
    "another language last": fenced(ADD) + fenced("add = (a, b) => a - b\n", "javascript"),
    "a shell first": fenced("pip install numpy\n", "bash") + fenced(ADD),
    "an annotation first": fenced("add: takes two\n", "") + fenced(ADD),
    # joined
    "imports apart": fenced("from operator import add as plus\n") + fenced("def add(a, b):\n    return plus(a, b)\n"),
    "an alias apart": fenced("import functools as ft\n") + fenced("def add(a, b):\n    return ft.reduce(lambda x, y: x + y, [a, b])\n"),
    "a star apart": fenced("from math import *\n") + fenced("def add(a, b):\n    return int(fsum([a, b]))\n"),
    "a helper apart": fenced("def plus(a, b):\n    return a + b\n") + fenced("def add(a, b):\n    return plus(a, b)\n"),
    "a helper after": fenced("def add(a, b):\n    return plus(a, b)\n") + fenced("def plus(a, b):\n    return a + b\n"),
    "a helper of a helper": fenced("import operator\n") + fenced("def plus(a, b):\n    return operator.add(a, b)\n") + fenced("def add(a, b):\n    return plus(a, b)\n"),
    "a helper whose example fails": fenced("def plus(a, b):\n    return a + b\n\nplus()\n") + fenced("def add(a, b):\n    return plus(a, b)\n"),
    "a constant apart": fenced("ZERO = 0\n") + fenced("def add(a, b):\n    return a + b + ZERO\n"),
    "a class apart": fenced("class Sum:\n    def of(self, a, b):\n        return a + b\n") + fenced("def add(a, b):\n    return Sum().of(a, b)\n"),
    "a corrected helper": fenced("def plus(a, b):\n    return a - b\n") + fenced("def plus(a, b):\n    return a + b\n") + fenced("def add(a, b):\n    return plus(a, b)\n"),
    "a future import below": fenced("import math\n") + fenced("from __future__ import annotations\ndef add(a: Missing, b):\n    return int(math.fsum([a, b]))\n"),
    "imports without a fence": "import operator\n\nNow the function.\n\ndef add(a, b):\n    return operator.add(a, b)\n\nThat is it.",
    # examples after it
    "a failing example": fenced(f"{ADD}\n# Example usage\nadd()\n"),
    "an example that reads": fenced(f"{ADD}\nx = int(input('x: '))\nprint(add(x, x))\n"),
    "a failing assertion": fenced(f"{ADD}\nassert add(1, 2) == 4\n"),
    "a main that fails": fenced(f"{ADD}\ndef main():\n    add()\n\nmain()\n"),
    "a failing import": fenced(f"{ADD}\nimport nothing_of_that_name\nnothing_of_that_name.test(add)\n"),
    "a failing import from a module": fenced(f"{ADD}\nfrom nothing_of_that_name import check\ncheck(add)\n"),
    "tests that fail to load": fenced(f"{ADD}\nimport nothing_of_that_name as n\nclass Test(n.TestCase):\n    def test(self):\n        self.assertEqual(add(1, 2), 3)\nn.main()\n"),
    "an import below that it needs": fenced("def add(a, b):\n    return operator.add(a, b)\n\nimport operator\n"),
    "a guard": fenced(f"{ADD}\nif __name__ == '__main__':\n    add()\n"),
    "a loop of examples": fenced(f"{ADD}\nfor a in [1, 'x']:\n    print(add(a, 1))\n"),
    "a broken example": fenced(f"{ADD}\nprint(add(2, 3)\n"),
    "a session after it": fenced(f"{ADD}\n>>> add(2, 3)\n5\n"),
    "a table that it needs, filled after it": fenced("table = {}\ndef add(a, b):\n    return table[0] + a + b\ntable[0] = 0\nadd()\n"),
    "a list that it needs, filled by a loop": fenced("seen = []\ndef add(a, b):\n    return a + b + seen[2] - 2\nfor n in range(3):\n    seen.append(n)\nadd()\n"),
    "an attribute of its own": fenced("def add(a, b):\n    return a + b + add.zero\nadd.zero = 0\nadd()\n"),
    "a decorator applied by hand": fenced(f"import functools\n{ADD}add = functools.lru_cache(add)\nadd()\n"),
    # without fences
    "bare code": ADD,
    "an answer on one line": "Answer: def add(a, b): return a + b",
    "an answer on one line, a lambda": "The answer is: add = lambda a, b: a + b",
    "an answer that begins on a line": f"Answer: {ADD}\nThis works.",
    "an answer on one line, emphasized": "**Final answer:** `def add(a, b): return a + b`",
    "prose after": f"{ADD}\nThis function adds two numbers (a, b).",
    "prose after, without a blank line": f"{ADD}Explanation: add(1, 2) returns 3.",
    "prose with apostrophes after": f"{ADD}\nIt's simple.\nYou'll see that it doesn't fail.",
    "prose before": f"Sure! Here's the function:\n\n{ADD}",
    "prose before that begins as code": f"from my notes, in short:\nimport this: no.\nfor two numbers\n\n{ADD}",
    "a list before": f"- It takes (a, b).\n- It returns.\n\n{ADD}",
    "a word that parses after": f"{ADD}\nThanks\n",
    "a pair that parses after": f"{ADD}\na, b\n",
    "a note that parses after": f"{ADD}\nNote: simple\nComplexity: O(1)\n",
    "a sentence that parses after": f"{ADD}\naddition is commutative\n",
    "a word that parses before": f"Certainly\n{ADD}",
    "a heading": f"# Addition\n\nThe code:\n\n{ADD}",
    "indented as in Markdown": "The code:\n\n    def add(a, b):\n        return a + b\n\nDone.",
    "a prompt that left a fence open": f"{ADD}{T}\n\nThis function adds two numbers, and has nothing else to do at all.",
    "a prompt that left a fence open, with an example": f"{ADD}{T}\n\nExample:\n\n{fenced('print(add(1, 2))' + chr(10))}",
    "a helper, prose, the function": "def plus(a, b):\n    return a + b\n\nand then\n\ndef add(a, b):\n    return plus(a, b)\n\nThat's all.",
    "a truncated function after": f"{ADD}\ndef other(x):\n    return (x +",
    "a truncated string after": f'{ADD}\ndef other(x):\n    """Begins and',
    "a truncated decorator after": f"{ADD}\n@cache",
    "a truncated try after": f"{ADD}\ntry:\n    x = (",
    "a tuple assigned": "add, sub = (lambda a, b: a + b), (lambda a, b: a - b)\n",
    # docstrings with fences
    "a fence in a docstring": fenced('def add(a, b):\n    """Adds.\n\n    ```python\n    add(1, 2)\n    ```\n    """\n    return a + b\n'),
    "a bare fence in a docstring": fenced('def add(a, b):\n    """Adds.\n\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b\n'),
    "a fence at the margin of a docstring": fenced('"""Adds.\n\n```\nadd(1, 2)\n```\n"""\ndef add(a, b):\n    return a + b\n'),
    "a docstring with a fence, bare": 'def add(a, b):\n    """\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b\n',
    "a docstring with a fence, in prose": 'Here it is:\n\ndef add(a, b):\n    """\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b\n\nDone.',
    # sessions
    "a session": fenced(">>> def add(a, b):\n...     return a + b\n...\n>>> add(1, 2)\n3\n"),
    "a session, then code": fenced(">>> add(1, 2)\n3\n", "pycon") + fenced(ADD),
    "a session without a fence": "For example:\n>>> def add(a, b):\n...     return a + b\n...\n>>> add(1, 2)\n3\n",
    "IPython": fenced("In [1]: def add(a, b):\n   ...:     return a + b\n   ...: \n\nIn [2]: add(1, 2)\nOut[2]: 3\n"),
    "numbered lines": fenced("1 def add(a, b):\n2     return a + b\n"),
    "a diff": fenced("@@ -1 +1 @@\n-old\n+def add(a, b):\n+    return a + b\n", "diff"),
    # tokens
    "an end token": f"{ADD}<|im_end|>",
    "an end token after the fence": fenced(ADD).rstrip() + "<|im_end|>",
    "a sentence's end after the fence": fenced(ADD).rstrip() + "</s>",
    "an end of text, and more": f"{fenced(ADD).rstrip()}<|endoftext|>{fenced(SUB)}",
    "another turn after it": f"{fenced(ADD)}<|im_end|>\n<|im_start|>user\nNow wrong.<|im_end|>\n<|im_start|>assistant\n{fenced(SUB)}",
    "a turn's beginning": f"<|im_start|>assistant\n{fenced(ADD)}<|im_end|>",
    "Llama's end": f"{fenced(ADD)}<|eot_id|>",
    "Gemma's end": f"{fenced(ADD)}<end_of_turn>\n<eos>",
    "DeepSeek's end": f"{ADD}<\uff5cend\u2581of\u2581sentence\uff5c>",
    "a token in a string": "def add(a, b):\n    return a + b + len('</s>') - 4\n\nIt adds.",
    # thoughts
    "a draft": f"<think>\nMaybe\n{fenced(SUB)}no.\n</think>\n{fenced(ADD)}",
    "a draft whose beginning the template wrote": f"Maybe\n{fenced(SUB)}no.\n</think>\n{fenced(ADD)}",
    "a draft of another marker": f"[THINK]\n{SUB}\n[/THINK]\n{ADD}",
    "a draft after the end": f"<thinking>{SUB}</thinking>\n{fenced(ADD)}",
    "a channel": f"<|channel|>analysis<|message|>{SUB}<|end|><|start|>assistant<|channel|>final<|message|>{fenced(ADD)}<|return|>",
    # other markup
    "quotes": f"'''python\n{ADD}'''",
    "double quotes": f'"""\n{ADD}"""\nDone.',
    "code": f"<code>{ADD}</code>",
    "code on lines of its own": f"<code>\n{ADD}</code>\n",
    "pre": f'<pre><code class="language-python">{ADD}</code></pre>',
    "pre with entities": "<pre>def add(a, b):\n    return a + b if a &lt; b else b + a</pre>",
    "pre with colours": '<pre><span class="k">def</span> <span class="nf">add</span>(a, b):\n    <span class="k">return</span> a + b\n</pre>',
    "code that escapes": "<code>\nimport html\ndef add(a, b):\n    return a + b + len('&'.replace('&', '&amp;')) - 5\n</code>",
    "[PYTHON]": f"[PYTHON]\n{ADD}[/PYTHON]",
    "[PYTHON] with tests": f"[PYTHON]\n{ADD}[/PYTHON]\n[TESTS]\nassert add(1, 2) == 4\n[/TESTS]",
    "[CODE] on the line": f"[CODE]{ADD}[/CODE]",
    "begin code": f"\\begin{{code}}\n{ADD}\\end{{code}}",
    "lstlisting": f"\\begin{{lstlisting}}[language=Python]\n{ADD}\\end{{lstlisting}}",
    "minted": f"\\begin{{minted}}[linenos]{{python}}\n{ADD}\\end{{minted}}",
    "verbatim": f"\\begin{{verbatim}}\n{ADD}\\end{{verbatim}}",
    "an answer's tag": f"<answer>\n{fenced(ADD)}</answer>",
    "an answer's tag without a fence": f"So:\n<answer>\n{ADD}</answer>",
    "Jira": f"{{code:python}}\n{ADD}{{code}}",
    "Org": f"#+BEGIN_SRC python\n{ADD}#+END_SRC",
    "reStructuredText": ".. code-block:: python\n\n    def add(a, b):\n        return a + b\n\nDone.",
    "a cell": f"%%python\n{ADD}",
    # kinds of definitions
    "within try": fenced("try:\n    import nothing_of_that_name\nexcept ImportError:\n    def add(a, b):\n        return a + b\n"),
    "within if": fenced("if True:\n    def add(a, b):\n        return a + b\nelse:\n    add = None\n"),
    "decorated": fenced("from functools import cache\n\n@cache\ndef add(a, b):\n    return a + b\n"),
    "asynchronous": fenced("async def add(a, b):\n    return a + b\n"),
    "a lambda": fenced("add = lambda a, b: a + b\n"),
    "an annotated lambda": fenced("from typing import Callable\nadd: Callable = lambda a, b: a + b\n"),
    "an alias": fenced("def plus(a, b):\n    return a + b\n\nadd = plus\n"),
    "a partial": fenced("from functools import partial\nadd = partial(lambda z, a, b: a + b + z, 0)\n"),
    "an instance": fenced("class Adder:\n    def __call__(self, a, b):\n        return a + b\n\nadd = Adder()\n"),
    "an import alone": fenced("from operator import add\n"),
    "defined twice": fenced(SUB + "\n" + ADD),
    "Solution": fenced("class Solution:\n    def add(self, a: int, b: int) -> int:\n        return a + b\n"),
    "Solution with names of LeetCode": fenced("class Solution:\n    def add(self, a: Optional[int], b: int) -> List[int]:\n        return sum(Counter({1: a, 2: b}).values()) + int(math.sqrt(0))\n"),
    "Solution, used": fenced("class Solution:\n    def add(self, a, b):\n        return a + b\n\ns = Solution()\nprint(s.add(1))\n"),
    "Solution, a signature first": fenced("class Solution:\n    def add(self, a, b):\n        pass\n") + fenced("class Solution:\n    def add(self, a, b):\n        return a + b\n"),
    "Solution, imports apart": fenced("import operator\n") + fenced("class Solution:\n    @staticmethod\n    def add(a, b):\n        return operator.add(a, b)\n"),
    "a method beside a function": fenced(f"class Box:\n    def add(self, a):\n        pass\n\n{ADD}"),
}  # fmt: skip


def value(program: str, name: str, *args: Any) -> Any:
    names: dict[str, Any] = {"__name__": "program"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, names)
        result = names[name](*args)
        return asyncio.run(result) if inspect.iscoroutine(result) else result


@pytest.mark.parametrize("case", ANSWERS)
def test_the_program_of_an_answer(case: str) -> None:
    """It is what the answer means it to be: it adds."""
    found = extract(ANSWERS[case], "add")
    assert found.missing is None
    assert defines(found.program, "add")
    assert value(found.program, "add", 2, 3) == 5


def test_a_class_may_be_asked_for() -> None:
    """An entry point need not be a function; a class of signatures alone is not it."""
    answer = fenced("class Stack:\n    def push(self, x): ...\n") + fenced(
        "class Stack:\n    def __init__(self):\n        self.items = [1]\n"
    )
    assert value(extract_program(answer, "Stack"), "Stack").items == [1]


# answer -> why it holds no program
NONE: Mapping[str, tuple[str, str]] = {
    "nothing": ("", "no answer"),
    "white space": (" \n ", "no answer"),
    "a thought that never ends": (f"<think>\n{fenced(ADD)}", "no answer"),
    "a refusal": ("I cannot help with that.", "no code"),
    "a word that parses": ("Thanks", "no code"),
    "a pair that parses": ("a, b", "no code"),
    "a note that parses": ("add: takes a and b", "no code"),
    "an expression in a sentence": ("Use `a + b` for it.", "no code"),
    "a sentence with the name": ("The function add(a, b) adds.", "no code"),
    "another function": (fenced("def plus(a, b):\n    return a + b\n"), "another program"),
    "a method of another class": (
        fenced("class Box:\n    def add(self, a, b):\n        return a + b\n"),
        "another program",
    ),
    "a function within another": (
        fenced("def plus():\n    def add(a, b):\n        return a + b\n"),
        "another program",
    ),
    "code that does not parse": (fenced("def add(a, b:\n    return a + b\n"), "broken code"),
    "code that is cut": ("```python\ndef add(a, b):\n    return (a +", "broken code"),
    "code that is cut, without a fence": ("def add(a, b):\n    return (a +", "broken code"),
    "the method of a broken class": (
        "class Box(:\n    x = 1\n\n    def add(self, a, b):\n        return a + b\n",
        "broken code",
    ),
    "another language": (fenced("function add(a, b) { return a + b }\n", "js"), "another language"),
}  # fmt: skip


@pytest.mark.parametrize("case", NONE)
def test_an_answer_without_a_program(case: str) -> None:
    """Nothing is guessed, and what is missing has a name."""
    answer, missing = NONE[case]
    found = extract(answer, "add")
    assert found.missing == missing
    assert not (defines(found.program, "add") and missing != "another program")


SCRIPTS: Mapping[str, str] = {
    "bare": "print('yes')\n",
    "a fence": fenced("print('yes')\n"),
    "an example of output": fenced("print('yes')\n") + "Output:\n" + fenced("yes\n", ""),
    "how to run it": fenced("print('yes')\n") + fenced("python main.py\n", "bash"),
    "corrected": fenced("print('no')\n") + "Wait:\n" + fenced("print('yes')\n"),
    "prose around it": "Here you go:\n\nprint('yes')\n\nThat's all.",
    "an open fence": f"word = 'yes'\nprint(word)\n{T}\nThis prints a word.",
    "a guard is run": fenced("def main():\n    print('yes')\n\nif __name__ == '__main__':\n    main()\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", SCRIPTS)
def test_the_script_of_an_answer(case: str) -> None:
    """Without an entry point all that a block does is the program."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(extract_program(SCRIPTS[case]), {"__name__": "__main__"})
    assert output.getvalue() == "yes\n"


@pytest.mark.parametrize("text", ["Thanks", "a, b", "Note: this", "It cannot be done."])
def test_prose_is_no_script(text: str) -> None:
    """What parses by accident and does nothing is no program."""
    assert extract(text).missing == "no code"


def test_what_the_prompt_defines_may_be_used() -> None:
    """A helper, or an import, that the model was shown need not be said again."""
    shown = f"Use this:\n{fenced('def plus(a, b):' + chr(10) + '    return a + b' + chr(10))}"
    answer = fenced("def add(a, b):\n    return plus(a, b)\n")
    assert value(extract(answer, "add", shown=shown).program, "add", 2, 3) == 5


def test_nothing_is_changed_without_need() -> None:
    """A block that is a program and no more comes out as it stands, comments included."""
    code = f"# Adds.\nimport math\n\n\n{ADD}\n# The end.\n"
    assert extract_program(fenced(code), "add").strip() == code.strip()
