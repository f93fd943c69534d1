"""Pairs of a program and the body of its check, of all kinds; plain CPython says what is right."""

# ruff: noqa: E501 - a program a line reads better than one cut to fit

from __future__ import annotations

# name: program, body of check(candidate), entry point
PAIRS = {
    "json error as ValueError": (
        "import json\ndef f(s): return json.loads(s)",
        "try: candidate('{')\nexcept ValueError as e: assert 'Expecting' in str(e)\nelse: assert 0",
        "f",
    ),
    "json error by name": (
        "import json\ndef f(s): return json.loads(s)",
        "import json\ntry: candidate('{')\nexcept json.JSONDecodeError as e: assert e.pos == 1\nelse: assert 0",
        "f",
    ),
    "base64 error": (
        "import base64\ndef f(s): return base64.b64decode(s)",
        "import binascii\ntry: candidate('a')\nexcept binascii.Error: pass\nelse: assert 0",
        "f",
    ),
    "user's hierarchy": (
        "class A(Exception): pass\nclass B(A, KeyError): pass\ndef f(x): raise B('k', x)",
        "try: candidate(1)\nexcept LookupError as e: assert e.args == ('k', 1)",
        "f",
    ),
    "user's class by name": (
        "class A(Exception): pass\nclass B(A): pass\ndef f(x): raise B('k')",
        "try: candidate(1)\nexcept A as e: assert type(e).__name__ == 'B'\nelse: assert 0",
        "f",
    ),
    "user's str": (
        "class A(Exception):\n    def __str__(self): return 'odd'\ndef f(x): raise A",
        "try: candidate(1)\nexcept Exception as e: assert str(e) == 'odd'",
        "f",
    ),
    "user's attributes": (
        "class A(Exception):\n    def __init__(self, code): super().__init__('m'); self.code = code\ndef f(x): raise A(x)",
        "try: candidate(7)\nexcept Exception as e: assert e.code == 7 and str(e) == 'm'",
        "f",
    ),
    "exception group": (
        "def f(): raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
        "try: candidate()\nexcept* ValueError as e: assert len(e.exceptions) == 1\nexcept* TypeError: pass",
        "f",
    ),
    "cause": (
        "def f():\n    try: 1/0\n    except ZeroDivisionError as e: raise ValueError('x') from e",
        "try: candidate()\nexcept ValueError as e: assert isinstance(e.__cause__, ZeroDivisionError)",
        "f",
    ),
    "key error message": (
        "def f(d): return d['k']",
        "try: candidate({})\nexcept KeyError as e: assert e.args[0] == 'k'",
        "f",
    ),
    "os error": (
        "def f(): raise FileNotFoundError(2, 'no', 'name')",
        "import errno\ntry: candidate()\nexcept OSError as e: assert e.errno == errno.ENOENT and e.filename == 'name'",
        "f",
    ),
    "stop iteration": (
        "def f(): return next(iter([]))",
        "try: candidate()\nexcept StopIteration: pass\nelse: assert 0",
        "f",
    ),
    "exit code": (
        "import sys\ndef f(): sys.exit(3)",
        "try: candidate()\nexcept SystemExit as e: assert e.code == 3",
        "f",
    ),
    "exception returned": (
        "def f(): return ValueError('x')",
        "assert isinstance(candidate(), ValueError) and candidate().args == ('x',)",
        "f",
    ),
    "wrong exception": (
        "def f(): raise TypeError",
        "try: candidate()\nexcept ValueError: pass",
        "f",
    ),
    "assertion of its own": ("def f(x): assert x > 0", "candidate(-1)", "f"),
    "assertion expected": (
        "def f(x): assert x > 0, 'pos'",
        "try: candidate(-1)\nexcept AssertionError as e: assert str(e) == 'pos'\nelse: raise ValueError",
        "f",
    ),
    "iterator reversed": (
        "import itertools\ndef f(xs): return reversed(xs)",
        "assert list(candidate([1,2,3])) == [3,2,1]",
        "f",
    ),
    "iterator islice": (
        "import itertools\ndef f(xs): return itertools.islice(xs,2)",
        "assert list(candidate([1,2,3])) == [1,2]",
        "f",
    ),
    "iterator combos": (
        "import itertools\ndef f(xs): return itertools.combinations(xs,2)",
        "assert list(candidate([1,2,3])) == [(1,2),(1,3),(2,3)]",
        "f",
    ),
    "iterator map": (
        "import itertools\ndef f(xs): return map(str,xs)",
        "assert list(candidate([1,2,3])) == ['1','2','3']",
        "f",
    ),
    "iterator zip": (
        "import itertools\ndef f(xs): return zip(xs,xs)",
        "assert list(candidate([1,2,3])) == [(1,1),(2,2),(3,3)]",
        "f",
    ),
    "iterator enumerate": (
        "import itertools\ndef f(xs): return enumerate(xs)",
        "assert list(candidate([1,2,3])) == [(0,1),(1,2),(2,3)]",
        "f",
    ),
    "iterator chain": (
        "import itertools\ndef f(xs): return itertools.chain(xs,xs)",
        "assert list(candidate([1,2,3])) == [1,2,3,1,2,3]",
        "f",
    ),
    "iterator generator": (
        "import itertools\ndef f(xs): return (x for x in xs)",
        "assert list(candidate([1,2,3])) == [1,2,3]",
        "f",
    ),
    "iterator range": (
        "import itertools\ndef f(xs): return range(len(xs))",
        "assert list(candidate([1,2,3])) == [0,1,2]",
        "f",
    ),
    "iterator accumulate": (
        "import itertools\ndef f(xs): return itertools.accumulate(xs)",
        "assert list(candidate([1,2,3])) == [1,3,6]",
        "f",
    ),
    "iterator wrong reversed": (
        "import itertools\ndef f(xs): return reversed(sorted(xs)[1:])",
        "assert list(candidate([1,2,3])) == [3,2,1]",
        "f",
    ),
    "groupby": (
        "import itertools\ndef f(s): return itertools.groupby(s)",
        "assert [(k, len(list(g))) for k, g in candidate('aab')] == [('a',2),('b',1)]",
        "f",
    ),
    "generator twice is empty": (
        "def f(): yield 1",
        "g = candidate()\nassert list(g) == [1] and list(g) == []",
        "f",
    ),
    "generator isinstance": (
        "def f(): yield 1",
        "import types, collections.abc\ng = candidate()\nassert isinstance(g, types.GeneratorType) and isinstance(g, collections.abc.Iterator)",
        "f",
    ),
    "endless count": (
        "import itertools\ndef f(): return itertools.count(5)",
        "g = candidate()\nassert next(g) == 5 and next(g) == 6",
        "f",
    ),
    "long generator": (
        "def f(n): yield from range(n)",
        "assert sum(candidate(100000)) == 4999950000",
        "f",
    ),
    "generator that raises": (
        "def f():\n    yield 1\n    raise ValueError('late')",
        "g = candidate()\nassert next(g) == 1\ntry: next(g)\nexcept ValueError as e: assert str(e) == 'late'\nelse: assert 0",
        "f",
    ),
    "generator send": (
        "def f():\n    x = yield 1\n    yield x * 2",
        "g = candidate()\nnext(g)\nassert g.send(5) == 10",
        "f",
    ),
    "views": (
        "def f(d): return d.keys()",
        "assert candidate({'a':1}) == {'a'} and 'a' in candidate({'a':1})",
        "f",
    ),
    "iterator argument": (
        "def f(it): return [next(it), next(it)]",
        "assert candidate(iter([1,2,3])) == [1,2]",
        "f",
    ),
    "generator argument": (
        "def f(it): return sum(it)",
        "assert candidate(x*x for x in range(4)) == 14",
        "f",
    ),
    "namedtuple": (
        "from collections import namedtuple\nP = namedtuple('P','x y')\ndef f(): return P(1,2)",
        "p = candidate()\nassert p.x == 1 and p == (1,2) and repr(p) == 'P(x=1, y=2)' and p._fields == ('x','y') and isinstance(p, tuple)",
        "f",
    ),
    "counter": (
        "from collections import Counter\ndef f(s): return Counter(s)",
        "assert candidate('aab').most_common(1) == [('a',2)] and candidate('a')['zz'] == 0",
        "f",
    ),
    "defaultdict": (
        "from collections import defaultdict\ndef f(): return defaultdict(list)",
        "d = candidate()\nd['x'].append(1)\nassert d == {'x':[1]}",
        "f",
    ),
    "ordered dict": (
        "from collections import OrderedDict\ndef f(): return OrderedDict(b=1,a=2)",
        "from collections import OrderedDict\nassert candidate() == OrderedDict(b=1,a=2) and candidate() != OrderedDict(a=2,b=1)",
        "f",
    ),
    "date": (
        "import datetime\ndef f(s): return datetime.date.fromisoformat(s)",
        "import datetime\nassert candidate('2024-02-01') == datetime.date(2024,2,1) and candidate('2024-02-01').year == 2024",
        "f",
    ),
    "datetime zone": (
        "import datetime as d\ndef f(): return d.datetime(2024,1,1,tzinfo=d.timezone.utc)",
        "assert candidate().isoformat() == '2024-01-01T00:00:00+00:00'",
        "f",
    ),
    "date argument": (
        "def f(d): return d.weekday()",
        "import datetime\nassert candidate(datetime.date(2024,1,1)) == 0",
        "f",
    ),
    "enum returned": (
        "import enum\nclass Color(enum.Enum):\n    RED = 1\ndef f(): return Color.RED",
        "assert candidate().name == 'RED' and candidate().value == 1",
        "f",
    ),
    "enum by name": (
        "import enum\nclass Color(enum.Enum):\n    RED = 1\ndef f(): return Color.RED",
        "assert candidate() is Color.RED",
        "f",
    ),
    "int enum": (
        "import enum\nclass C(enum.IntEnum):\n    A = 3\ndef f(): return C.A",
        "assert candidate() == 3 and candidate() + 1 == 4",
        "f",
    ),
    "array": (
        "from array import array\ndef f(): return array('d',[1,2])",
        "a = candidate()\nassert a[1] == 2.0 and a.typecode == 'd'",
        "f",
    ),
    "bytes": (
        "def f(): return bytearray(b'ab')",
        "b = candidate()\nb.append(99)\nassert b == b'abc'",
        "f",
    ),
    "complex": ("def f(): return 1+2j", "assert candidate() == 1+2j", "f"),
    "fraction": (
        "from fractions import Fraction\ndef f(): return Fraction(1,3)",
        "from fractions import Fraction\nassert candidate() * 3 == 1 and candidate() == Fraction(1,3)",
        "f",
    ),
    "functions in a list": (
        "def f(fs, x): return [g(x) for g in fs]",
        "assert candidate([len, str.upper, lambda s: s[0]], 'abc') == [3, 'ABC', 'a']",
        "f",
    ),
    "key function": (
        "def f(xs, key): return sorted(xs, key=key)",
        "assert candidate(['bb','a'], lambda s: len(s)) == ['a','bb']",
        "f",
    ),
    "callback that raises": (
        "def f(g):\n    try: g()\n    except ValueError as e: return str(e)",
        "def g(): raise ValueError('mine')\nassert candidate(g) == 'mine'",
        "f",
    ),
    "callback count": (
        "def f(g): return g(1) + g(2)",
        "calls = []\ndef g(x):\n    calls.append(x)\n    return x\nassert candidate(g) == 3 and calls == [1,2]",
        "f",
    ),
    "memoize decorator": (
        "def f(g):\n    memo = {}\n    def h(x):\n        if x not in memo: memo[x] = g(x)\n        return memo[x]\n    return h",
        "calls = []\ndef g(x):\n    calls.append(x)\n    return x * 2\nh = candidate(g)\nassert h(2) == 4 and h(2) == 4 and calls == [2]",
        "f",
    ),
    "same object twice": (
        "def f(a, b): a.append(1); return b",
        "x = []\nassert candidate(x, x) == [1]",
        "f",
    ),
    "identity of an answer": ("def f(x): return x", "x = [1]\nassert candidate(x) is x", "f"),
    "copy is not identity": (
        "def f(x): return list(x)",
        "x = [1]\nassert candidate(x) is not x and candidate(x) == x",
        "f",
    ),
    "wrong: same list": (
        "def f(x): x.append(1); return x",
        "x = [1]\nassert candidate(x) is not x",
        "f",
    ),
    "mutable default": (
        "def f(x, acc=[]):\n    acc.append(x)\n    return acc",
        "assert candidate(1) == [1]\nassert candidate(2) == [2]",
        "f",
    ),
    "kept argument": (
        "kept = []\ndef f(x):\n    kept.append(x)\n    return sum(map(sum, kept))",
        "a = [1]\nassert candidate(a) == 1\na.append(5)\nassert candidate([]) == 6",
        "f",
    ),
    "answer changed later": (
        "log = []\ndef f(x):\n    log.append(x)\n    return log",
        "a = candidate(1)\ncandidate(2)\nassert a == [1,2]",
        "f",
    ),
    "inner alias": (
        "def f(n): return [[0]*n for _ in range(n)]",
        "g = candidate(2)\ng[0][0] = 1\nassert g[1][0] == 0",
        "f",
    ),
    "cycle": (
        "def f():\n    a = [1]\n    a.append(a)\n    return a",
        "a = candidate()\nassert a[1] is a",
        "f",
    ),
    "deep tuple": (
        "def f(t):\n    d = 0\n    while t: t = t[0]; d += 1\n    return d",
        "t = ()\nfor _ in range(80): t = (t,)\nassert candidate(t) == 80",
        "f",
    ),
    "deep answer": (
        "def f(n):\n    x = 0\n    for _ in range(n): x = [x]\n    return x",
        "x = candidate(90)\nd = 0\nwhile x: x = x[0]; d += 1\nassert d == 90",
        "f",
    ),
    "20000 items": (
        "def f(xs): return [x + 1 for x in xs]",
        "assert candidate(list(range(20000)))[-1] == 20000",
        "f",
    ),
    "100000 pairs": (
        "def f(xs): return len(xs)",
        "assert candidate([(i, str(i)) for i in range(100000)]) == 100000",
        "f",
    ),
    "big dict": (
        "def f(n): return {i: str(i) for i in range(n)}",
        "assert len(candidate(50000)) == 50000",
        "f",
    ),
    "3 MB bytes": (
        "def f(b): return b[::-1]",
        "assert candidate(b'ab' * 1500000)[:2] == b'ba'",
        "f",
    ),
    "redirected output": (
        "def f(x): print('hi', x)",
        "import io, contextlib\nbuf = io.StringIO()\nwith contextlib.redirect_stdout(buf): candidate(3)\nassert buf.getvalue() == 'hi 3\\n'",
        "f",
    ),
    "redirected wrong": (
        "def f(x): print('ho', x)",
        "import io, contextlib\nbuf = io.StringIO()\nwith contextlib.redirect_stdout(buf): candidate(3)\nassert buf.getvalue() == 'hi 3\\n'",
        "f",
    ),
    "sys.stdout replaced": (
        "def f(x): print(x)",
        "import io, sys\nold, sys.stdout = sys.stdout, io.StringIO()\ntry:\n    candidate(3)\n    got = sys.stdout.getvalue()\nfinally: sys.stdout = old\nassert got == '3\\n'",
        "f",
    ),
    "stdin replaced": (
        "def f(): return int(input()) + 1",
        "import io, sys\nsys.stdin = io.StringIO('4\\n')\nassert candidate() == 5",
        "f",
    ),
    "patched": (
        "import random\ndef f(): return random.random()",
        "from unittest.mock import patch\nwith patch('random.random', return_value=0.5): assert candidate() == 0.5",
        "f",
    ),
    "seeded": (
        "import random\ndef f(): return random.randint(1, 10**9)",
        "import random\nrandom.seed(4)\na = candidate()\nrandom.seed(4)\nassert candidate() == a == random.Random(4).randint(1, 10**9)",
        "f",
    ),
    "recursion deep": (
        "def f(n): return 0 if n == 0 else 1 + f(n - 1)",
        "assert candidate(980) == 980",
        "f",
    ),
    "recursion list": (
        "def f(xs): return xs[0] + f(xs[1:]) if xs else 0",
        "assert candidate(list(range(900))) == sum(range(900))",
        "f",
    ),
    "recursion error expected": (
        "def f(n): return f(n + 1)",
        "try: candidate(0)\nexcept RecursionError: pass\nelse: assert 0",
        "f",
    ),
    "raised limit": (
        "import sys\nsys.setrecursionlimit(5000)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)",
        "assert candidate(3000) == 3000",
        "f",
    ),
    "coroutine with sleep": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x * 2",
        "import asyncio\nassert asyncio.run(candidate(4)) == 8",
        "f",
    ),
    "coroutine in a check's coroutine": (
        "async def f(x): return x + 1",
        "import asyncio\nasync def main(): return await candidate(1) + await candidate(2)\nassert asyncio.run(main()) == 5",
        "f",
    ),
    "gather": (
        "async def f(x): return x + 1",
        "import asyncio\nasync def main(): return await asyncio.gather(candidate(1), candidate(2))\nassert asyncio.run(main()) == [2, 3]",
        "f",
    ),
    "coroutine that raises": (
        "async def f(x): raise KeyError(x)",
        "import asyncio\ntry: asyncio.run(candidate(1))\nexcept KeyError: pass\nelse: assert 0",
        "f",
    ),
    "async generator": (
        "async def f(n):\n    for i in range(n): yield i",
        "import asyncio\nasync def main(): return [x async for x in candidate(3)]\nassert asyncio.run(main()) == [0,1,2]",
        "f",
    ),
    "wrong coroutine": (
        "async def f(x): return x - 1",
        "import asyncio\nassert asyncio.run(candidate(1)) == 2",
        "f",
    ),
    "closure counter": (
        "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n        return n\n    return g",
        "g = candidate()\nassert (g(), g(), candidate()()) == (1, 2, 1)",
        "f",
    ),
    "closure wrong": ("def f(n): return lambda x: x - n", "assert candidate(2)(3) == 5", "f"),
    "curry": (
        "def f(a): return lambda b: lambda c: a + b + c",
        "assert candidate(1)(2)(3) == 6",
        "f",
    ),
    "compose": (
        "def f(g, h): return lambda x: g(h(x))",
        "assert candidate(lambda x: x + 1, lambda x: x * 2)(5) == 11",
        "f",
    ),
    "class entry": (
        "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n    def pop(self): return self.items.pop()\n    def __len__(self): return len(self.items)",
        "s = candidate()\ns.push(1)\ns.push(2)\nassert len(s) == 2 and s.pop() == 2 and s.items == [1] and isinstance(s, candidate)",
        "Stack",
    ),
    "class wrong": (
        "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.insert(0, x)\n    def pop(self): return self.items.pop()",
        "s = candidate()\ns.push(1)\ns.push(2)\nassert s.pop() == 2",
        "Stack",
    ),
    "instance attributes": (
        "class P:\n    def __init__(self, x): self.x = x\ndef f(x): return P(x)",
        "p = candidate(3)\np.x += 1\nassert p.x == 4 and type(p).__name__ == 'P'",
        "f",
    ),
    "dataclass eq": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(x): return P(x)",
        "assert candidate(3) == candidate(3) and candidate(3) != candidate(4) and repr(candidate(3)) == 'P(x=3)' and candidate(3).x == 3",
        "f",
    ),
    "linked list in and out": (
        "class Node:\n    def __init__(self, val, next=None): self.val = val; self.next = next\ndef f(head):\n    prev = None\n    while head: head.next, prev, head = prev, head, head.next\n    return prev",
        "n = candidate(Node(1, Node(2, Node(3))))\nout = []\nwhile n: out.append(n.val); n = n.next\nassert out == [3,2,1]",
        "f",
    ),
    "check's own class": (
        "def f(node):\n    out = []\n    while node: out.append(node.val); node = node.next\n    return out",
        "class N:\n    def __init__(self, val, next=None): self.val = val; self.next = next\nassert candidate(N(1, N(2))) == [1,2]",
        "f",
    ),
    "vector with operators": (
        "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return V(self.x + o.x)\n    def __eq__(self, o): return isinstance(o, V) and self.x == o.x\ndef f(x): return V(x)",
        "assert candidate(1) + candidate(2) == candidate(3)",
        "f",
    ),
    "equals a tuple": (
        "class V:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return o == (self.x,)\ndef f(x): return V(x)",
        "assert candidate(1) == (1,)",
        "f",
    ),
    "context manager": (
        "import contextlib\n@contextlib.contextmanager\ndef f(log):\n    log.append('in')\n    yield 5\n    log.append('out')",
        "log = []\nwith candidate(log) as x: assert x == 5 and log == ['in']\nassert log == ['in', 'out']",
        "f",
    ),
    "decorated": (
        "import functools\n@functools.lru_cache\ndef f(x): return x * 2",
        "candidate(1); candidate(1)\nassert candidate.cache_info().hits == 1",
        "f",
    ),
    "lambda entry": (
        "f = lambda x: x + 1",
        "assert candidate(1) == 2 and candidate.__name__ == '<lambda>'",
        "f",
    ),
    "builtin entry": ("f = len", "assert candidate('abc') == 3", "f"),
    "partial entry": (
        "import functools\nf = functools.partial(pow, 2)",
        "assert candidate(5) == 32",
        "f",
    ),
    "signature": (
        "def f(a, b=2): pass",
        "import inspect\nassert list(inspect.signature(candidate).parameters) == ['a', 'b']",
        "f",
    ),
    "annotations": (
        "def f(a: int) -> str: pass",
        "assert candidate.__annotations__ == {'a': int, 'return': str}",
        "f",
    ),
    "unittest": (
        "def f(x): return x",
        "import unittest\nt = unittest.TestCase()\nt.assertEqual(candidate([1]), [1])\nt.assertAlmostEqual(candidate(.1 + .2), .3)\nwith t.assertRaises(TypeError): candidate()",
        "f",
    ),
    "unittest wrong": (
        "def f(x): return x",
        "import unittest\nunittest.TestCase().assertEqual(candidate(1), 2)",
        "f",
    ),
    "numpy int": (
        "import numpy as np\ndef f(): return np.int64(3)",
        "import numpy as np\nassert candidate() == 3 and isinstance(candidate(), np.integer)",
        "f",
    ),
    "numpy in place": (
        "def f(a): a += 1",
        "import numpy as np\na = np.zeros(3)\ncandidate(a)\nassert a.sum() == 3",
        "f",
    ),
    "numpy shape": (
        "import numpy as np\ndef f(): return np.arange(6).reshape(2, 3)",
        "a = candidate()\nassert a.shape == (2, 3) and a.dtype.kind == 'i' and (a == [[0,1,2],[3,4,5]]).all()",
        "f",
    ),
    "pathlib": (
        "from pathlib import PurePosixPath\ndef f(s): return PurePosixPath(s)",
        "assert candidate('a/b').name == 'b'",
        "f",
    ),
    "regex object": (
        "import re\ndef f(): return re.compile('a+')",
        "assert candidate().match('aaa').group() == 'aaa'",
        "f",
    ),
    "type returned": ("def f(x): return type(x)", "assert candidate(1) is int", "f"),
    "set identity": (
        "def f(s): s.add(1); return s",
        "s = set()\nassert candidate(s) is s and s == {1}",
        "f",
    ),
    "nested in place": (
        "def f(d): d['a']['b'].append(1)",
        "d = {'a': {'b': []}}\ncandidate(d)\nassert d == {'a': {'b': [1]}}",
        "f",
    ),
    "dict while iterating": (
        "def f(d, k): return d[k]",
        "d = {'a': 1, 'b': 2}\nassert [candidate(d, k) for k in d] == [1, 2]",
        "f",
    ),
    "str subclass": (
        "class S(str): pass\ndef f(): return S('ab')",
        "assert candidate() == 'ab' and candidate().upper() == 'AB'",
        "f",
    ),
    "list subclass": (
        "class L(list):\n    def first(self): return self[0]\ndef f(): return L([1,2])",
        "l = candidate()\nassert l == [1,2] and l.first() == 1",
        "f",
    ),
    "nan": ("def f(): return float('nan')", "import math\nassert math.isnan(candidate())", "f"),
    "negative zero": (
        "def f(): return -0.0",
        "import math\nassert math.copysign(1, candidate()) == -1",
        "f",
    ),
    "bool is not int": ("def f(): return 1", "assert candidate() is True", "f"),
    "none": ("def f(): pass", "assert candidate() is None", "f"),
    "calls the name": ("def f(x): return x", "assert f(3) == 3", "f"),
    "helper of the program": (
        "def g(x): return x * 2\ndef f(x): return g(x)",
        "assert candidate(2) == g(2)",
        "f",
    ),
    "wrong arity": ("def f(): pass", "assert candidate(1) is None", "f"),
    "missing name in check": ("def f(): pass", "assert candidate() is helper", "f"),
    "str of user's object": (
        "class P:\n    def __str__(self): return 'P!'\ndef f(): return P()",
        "assert str(candidate()) == 'P!' and f'{candidate()}' == 'P!'",
        "f",
    ),
    "sorting user's objects": (
        "import functools\n@functools.total_ordering\nclass P:\n    def __init__(s, x): s.x = x\n    def __lt__(s, o): return s.x < o.x\n    def __eq__(s, o): return s.x == o.x\ndef f(x): return P(x)",
        "assert [p.x for p in sorted([candidate(2), candidate(1)])] == [1, 2]",
        "f",
    ),
    "iterable class": (
        "class It:\n    def __iter__(self): return iter([1,2])\ndef f(): return It()",
        "assert list(candidate()) == [1,2] and 2 in candidate()",
        "f",
    ),
    "iterator class": (
        "class It:\n    def __init__(self): self.n = 0\n    def __iter__(self): return self\n    def __next__(self):\n        self.n += 1\n        if self.n > 3: raise StopIteration\n        return self.n\ndef f(): return It()",
        "it = candidate()\nassert next(it) == 1 and it.n == 1 and list(it) == [2,3]",
        "f",
    ),
    "getitem class": (
        "class G:\n    def __getitem__(self, i): return i * 2\ndef f(): return G()",
        "assert candidate()[4] == 8 and candidate()[1:2] if False else candidate()[4] == 8",
        "f",
    ),
    "callable class": (
        "class A:\n    def __init__(self, n): self.n = n\n    def __call__(self, x): return x + self.n\ndef f(n): return A(n)",
        "assert candidate(1)(2) == 3 and callable(candidate(1))",
        "f",
    ),
    "hash in set": (
        "class P:\n    def __init__(s, x): s.x = x\n    def __eq__(s, o): return s.x == o.x\n    def __hash__(s): return hash(s.x)\ndef f(x): return P(x)",
        "assert len({candidate(1), candidate(1), candidate(2)}) == 2",
        "f",
    ),
    "deepcopy of an answer": (
        "def f(): return [[1]]",
        "import copy\na = candidate()\nb = copy.deepcopy(a)\nb[0][0] = 2\nassert a == [[1]]",
        "f",
    ),
    "tree out": (
        "class T:\n    def __init__(s, v, l=None, r=None): s.v = v; s.left = l; s.right = r\ndef f(xs):\n    if not xs: return None\n    m = len(xs)//2\n    return T(xs[m], f(xs[:m]), f(xs[m+1:]))",
        "def walk(t): return walk(t.left) + [t.v] + walk(t.right) if t else []\nassert walk(candidate([1,2,3,4])) == [1,2,3,4]",
        "f",
    ),
    "mutating while called back": (
        "def f(xs, g):\n    xs.append(1)\n    g()\n    return xs",
        "xs = []\ndef g(): xs.append(2)\nassert candidate(xs, g) == [1, 2] and xs == [1,2]",
        "f",
    ),
}
