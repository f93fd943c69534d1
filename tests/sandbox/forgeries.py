"""Programs that are wrong, and try to have their check say otherwise.

Their check is `CHECK`: no honest program here passes it, since none knows the number.
"""

# ruff: noqa: E501 - a program a line reads better than one cut to fit

from __future__ import annotations

__all__ = ["CHECK", "FORGERIES", "REPORTING"]

CHECK = "def check(candidate):\n    assert candidate(1) == 4711\n    assert candidate(2) == 4712\n"

# Digs out of the harness's frames the number that a report begins with.
_REPORT = """
import os, sys
def report(text):
    frame = sys._getframe()
    while frame and 'nonce' not in frame.f_locals: frame = frame.f_back
    if frame:
        os.write(3, frame.f_locals['nonce'] + text)
        os._exit(0)
"""
REPORTING = _REPORT + "def say(): report(b'[\"ok\",null]')\n"

FORGERIES = {
    # reading what is expected
    "constants of the frame that calls": (
        "import sys\ndef f(x):\n    return max((c for c in sys._getframe(1).f_code.co_consts if type(c) is int), default=0) - 2 + x"
    ),
    "constants found by the collector": (
        "import gc\ndef f(x):\n    for d in gc.get_objects():\n"
        "        if type(d) is dict and 'check' in d and hasattr(d['check'], '__code__'):\n"
        "            return max(c for c in d['check'].__code__.co_consts if type(c) is int) - 2 + x"
    ),
    "the check read before it is loaded": (
        "import os, re\ntry: text = os.pread(4, 9999, 0).decode()\nexcept OSError: text = ''\n"
        "found = [int(n) for n in re.findall(r'\\d{4}', text)] or [0, 0]\ndef f(x): return found[x - 1]"
    ),
    "a trace function in the caller": (
        "import sys\nseen = []\n"
        "def f(x):\n    frame = sys._getframe(1)\n    seen.extend(c for c in frame.f_code.co_consts if type(c) is int)\n"
        "    return seen[x * 2 - 1] if len(seen) > x * 2 - 1 else 0"
    ),
    "asking the other operand": (
        "class N:\n    def __eq__(self, other): self.seen = other; return other == self.seen\ndef f(x): return N()"
    ),
    "the traceback of an error of its own": (
        "def f(x):\n    try: raise KeyError\n    except KeyError as e: frame = e.__traceback__.tb_frame.f_back\n"
        "    return next((c for c in frame.f_code.co_consts if type(c) is int and c > 9), 0)"
    ),
    # judging itself
    "a report of its own": REPORTING + "def f(x): say()",
    "a report when it is loaded": REPORTING + "say()\ndef f(x): return 0",
    "a report, then answers that raise": REPORTING
    + "class E:\n    def __eq__(self, other): raise ValueError\ndef f(x):\n    say()\n    return E()",
    "a report, then answers of no type": REPORTING
    + "class E:\n    def __eq__(self, other): return E()\n    def __bool__(self): raise TypeError\ndef f(x):\n    say()\n    return E()",
    "a report, then recursion": REPORTING + "def f(x):\n    say()\n    return f(x)",
    "a report, then no memory": REPORTING + "def f(x):\n    say()\n    raise MemoryError",
    "a report, then a missing import": REPORTING + "def f(x):\n    say()\n    raise ImportError('x')",
    "blame on the check": _REPORT + "def f(x): report(b'[\"bad-check\",\"x\"]')",
    "an error that blames the check": (
        "def f(x):\n    import sys\n    for name, module in list(sys.modules.items()):\n"
        "        if name == 'inside.judgement': raise module.BadCheckError('x')"
    ),
    "a report at exit": REPORTING + "import atexit\natexit.register(say)\ndef f(x): return 0",
    "a report from a thread": (
        "import os, sys, threading, time\ndef later(frames):\n    time.sleep(.01)\n"
        "    for frame in frames:\n        if 'nonce' in frame.f_locals: os.write(3, frame.f_locals['nonce'] + b'[\"ok\",null]'); os._exit(0)\n"
        "def f(x):\n    frames = []\n    frame = sys._getframe()\n    while frame: frames.append(frame); frame = frame.f_back\n"
        "    threading.Thread(target=later, args=(frames,), daemon=True).start()\n    time.sleep(.05)\n    return 0"
    ),
    # changing what judges
    "another judge": (
        "import sys\ndef f(x):\n    for name, module in list(sys.modules.items()):\n"
        "        if name == 'inside.program': module.judge = lambda *_: ['ok', None]\n"
        "    sys._getframe(1).f_globals['check'] = lambda c: None\n    return 0"
    ),
    "another judge when it is loaded": (
        "import sys\nfor name, module in list(sys.modules.items()):\n"
        "    if name == 'inside.program': module.judge = lambda *_: ['ok', None]\ndef f(x): return 0"
    ),
    "another code for the check": (
        "import sys\ndef f(x):\n    g = sys._getframe(1).f_globals\n    g['check'].__code__ = (lambda candidate: None).__code__\n"
        "    raise AssertionError"
    ),
    "another json": (
        "import json, sys\nsys.modules['inside.program'].dumps = lambda *_, **__: '[\"ok\",null]'\ndef f(x): return 0"
    ),
    "another loader of checks": (
        "import sys\nsys.modules['inside.program'].loads = lambda _: {'prefix': '', 'check': 'def check(c): pass'}\ndef f(x): return 0"
    ),
    "builtins that agree": (
        "import builtins\nclass Never(Exception): pass\nbuiltins.AssertionError = Never\nbuiltins.exec = lambda *_: None\n"
        "builtins.compile = lambda *_, **__: None\ndef f(x): return 0"
    ),
    "its own exec in the judge": (
        "import sys\nm = sys.modules['inside.judgement']\nm.exec = lambda code, names: names.update(check=lambda c: None)\ndef f(x): return 0"
    ),
    "a check by another name": "def check(candidate): pass\ndef f(x): return 0",
    "an excepthook": "import sys\nsys.excepthook = lambda *_: None\ndef f(x): raise AssertionError",
    "a trace that jumps past the assertion": (
        "import sys\ndef jump(frame, event, arg):\n    if event == 'line':\n        try: frame.f_lineno = 99\n        except ValueError: pass\n    return jump\n"
        "def f(x):\n    frame = sys._getframe(1)\n    frame.f_trace = jump\n    sys.settrace(jump)\n    return 0"
    ),
    "a profiler that leaves": REPORTING
    + "def f(x):\n    sys.setprofile(lambda frame, event, arg: say() if event == 'return' else None)\n    return 0",
    "a number changed through ctypes": (
        "import ctypes, sys\ndef f(x):\n    for c in sys._getframe(1).f_code.co_consts:\n"
        "        if type(c) is int and c > 9: ctypes.c_uint32.from_address(id(c) + 24).value = 300\n    return 300"
    ),
    "the two bools exchanged through ctypes": (
        "import ctypes\ndef f(x):\n    ctypes.c_uint32.from_address(id(False) + 24).value = 1\n    return False"
    ),
    "a slot of int that always agrees": (
        "import ctypes\ndef f(x):\n    offset = 8 * 25\n    ctypes.c_void_p.from_address(id(int) + offset).value = ctypes.c_void_p.from_address(id(object) + offset).value\n    return 0"
    ),
    # answers that agree with everything
    "an object": "class E:\n    def __eq__(self, other): return True\ndef f(x): return E()",
    "a list": "class E(list):\n    def __eq__(self, other): return True\ndef f(x): return E()",
    "a number": "class E(int):\n    def __eq__(self, other): return True\ndef f(x): return E(1)",
    "a text": "class E(str):\n    def __eq__(self, other): return True\n    __hash__ = str.__hash__\ndef f(x): return E('')",
    "an object that agrees with small numbers": (
        "class E:\n    def __eq__(self, other): return type(other) is int and other < 10**9\ndef f(x): return E()"
    ),
    "an object that agrees once": (
        "class E:\n    n = 0\n    def __eq__(self, other): self.n += 1; return self.n == 1\ndef f(x): return E()"
    ),
    "a metaclass": (
        "class M(type):\n    def __eq__(cls, other): return True\n    __hash__ = type.__hash__\nclass E(metaclass=M): pass\ndef f(x): return E"
    ),
    "a mock": "from unittest import mock\ndef f(x): return mock.ANY",
    "an object whose comparison is true": (
        "class T(list): pass\nclass E:\n    def __eq__(self, other): return T([1])\ndef f(x): return E()"
    ),
    "a candidate that is no function": (
        "class F:\n    def __call__(self, x): return self\n    def __eq__(self, other): return True\nf = F()"
    ),
    # leaving early
    "an end in the call": "import os\ndef f(x): os._exit(0)",
    "an end at exit": "import sys\ndef f(x): sys.exit(0)",
    "an end of its generator": "def f(x): raise StopIteration",
    "an end by GeneratorExit": "def f(x): raise GeneratorExit",
    "a signal": "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGTERM)",
    "nonsense instead of answers": "import os\ndef f(x): os.write(3, b'nonsense\\n'); os._exit(0)",
    "answers of the protocol's own": (
        "import json, os\ndef f(x):\n    os.write(3, json.dumps(['gave', [True, [], []], '']).encode() + b'\\n')\n    os._exit(0)"
    ),
    "the check's globals by a callback": "def f(x, g=None): return max(g.__globals__.values()) if g else 1",
}  # fmt: skip
