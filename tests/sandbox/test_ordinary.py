"""Ordinary programs notice nothing of the walls; without files, only what needs one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_diversity.sandbox import Program, Sandbox
from pytest_diversity.sandbox.tiers import prove

from .test_hostile import TIERS

PROGRAMS = {
    "typing": "from typing import List\ndef f(): return 1",
    "dataclasses": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
        "def f(): return A(1).x"
    ),
    "exact numbers": "from decimal import Decimal\nfrom fractions import Fraction\n"
    "def f(): return int(Decimal(1)) * int(Fraction(1))",
    "a thread": (
        "import threading, queue\ndef f():\n    q = queue.Queue()\n"
        "    threading.Thread(target=q.put, args=(1,)).start()\n    return q.get(timeout=5)"
    ),
    "an event loop": (
        "import asyncio\nasync def g():\n    await asyncio.sleep(0)\n    return 1\n"
        "def f(): return asyncio.run(g())"
    ),
    "recursion within reason": "def f(n=500): return f(n - 1) if n else 1",
    "its own main block": "def f(): return 1\nif __name__ == '__main__': f = None",
    "an alarm": (
        "import signal, time\ndef f():\n    seen = []\n"
        "    signal.signal(signal.SIGALRM, lambda *_: seen.append(1))\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.01)\n    signal.pause()\n    return seen[0]"
    ),
    "text of all kinds": "import re, unicodedata, textwrap\n"
    "def f(): return len(re.findall(r'\\w', unicodedata.normalize('NFD', 'é')))",
    "hashes": "import hashlib\ndef f(): return len(hashlib.sha256(b'').digest()) // 32",
    "a third-party module": "import numpy\ndef f(): return int(numpy.ones(1)[0])",
}
WITH_FILES = {
    "the null device": (
        "import os\ndef f():\n    with open(os.devnull, 'w') as file: return file.write('x')"
    ),
    "a module that is not preloaded": "import xml.dom.minidom\ndef f(): return 1",
    "a time zone": (
        "import datetime, zoneinfo\ndef f():\n    zone = zoneinfo.ZoneInfo('Europe/Paris')\n"
        "    return datetime.datetime(2024, 1, 1, tzinfo=zone).utcoffset().seconds // 3600"
    ),
}


@pytest.fixture(scope="module", params=TIERS)
def tier(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if reason := prove(TIERS[request.param]).missing:
        pytest.skip(f"{request.param} is not available here: {reason}")
    with Sandbox(tier=TIERS[request.param], workers=1) as sandbox:
        yield sandbox


def test_a_check_may_import_what_checks_import(tier: Sandbox) -> None:
    check = "import math, random, copy\ndef check(candidate): assert candidate(1) == math.cos(0)"
    (execution,) = tier.run([Program("def f(x): return x", "f", check=check)])
    assert execution.correct


@pytest.mark.parametrize("name", [*PROGRAMS, *WITH_FILES])
def test_an_ordinary_program_runs(tier: Sandbox, name: str) -> None:
    """Where nothing can be opened, what needs a file ends in an exception of its own."""
    source = (PROGRAMS | WITH_FILES)[name]
    (execution,) = tier.run([Program(source, "f", ([],))])
    (outcome,) = execution.outcomes
    if name in WITH_FILES and tier.tier.barrier == "no-open":
        assert outcome.kind == "exception"
    else:
        assert (outcome.kind, outcome.value) == ("ok", "1")
