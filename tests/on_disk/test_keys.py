"""What samples, outcomes and baselines are kept under; a change throws users' samples away."""

from __future__ import annotations

from pathlib import Path

from pytest_diversity.baselines.file import digest
from pytest_diversity.baselines.record import settings
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Domain, Generation
from pytest_diversity.prompts import Prompt
from pytest_diversity.sampling.engines import openai
from pytest_diversity.sampling.engines.transformers.weights import ENGINE
from pytest_diversity.sampling.plan import Plan
from pytest_diversity.sampling.protocol import Identity, Setup
from pytest_diversity.sampling.seeds import sample_seed
from pytest_diversity.sandbox import Limits, Program, Tier, fingerprint

PROMPT = Prompt(
    prompt="Write f.",
    id="f",
    group="g",
    entry_point="f",
    inputs=([1],),
    check="def check(c): ...",
)
PLAN = Plan(
    Identity("w" * 8, "a" * 8, ENGINE, "cpu", "bfloat16", "torch 2.13.0, transformers 5.23.0"),
    Generation(temperature=0.7, top_p=0.9, stop=("x",), system="s", max_tokens=9),
    {"f": PROMPT},
    4,
    "builtin:x",
)
SETTINGS = {
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "max_tokens": 256,
    "seed": 0,
    "mode": "direct",
    "answers_per_call": 5,
}


def test_the_key_of_a_sample() -> None:
    """It holds all that a sample depends on, written in one way."""
    key, detail = PLAN.key(PROMPT)
    assert key == "15705fbc98c1e335b807b5e74615a7594921a0ea025dddb2dfd35d8728aeb175"
    assert detail == (
        '{"adapter": "aaaaaaaa", "answers_per_call": 5, "device": "cpu", "dtype": "bfloat16", '
        '"engine": "transformers/3", "max_tokens": 9, "min_p": 0.0, "mode": "direct", '
        '"prompt": "Write f.", "repetition_penalty": 1.0, "seed": 0, "stop": ["x"], '
        '"system": "s", "temperature": 0.7, "top_k": 0, "top_p": 0.9, '
        '"versions": "torch 2.13.0, transformers 5.23.0", "weights": "wwwwwwww"}'
    )


def test_the_seed_of_a_sample() -> None:
    """Sample i is sample i, in every release."""
    assert sample_seed(0, "f", 3, 64) == 4792165532560786914
    assert sample_seed(7, "f", 0, 32) == 1493430625


def test_the_identity_of_a_server(tmp_path: Path) -> None:
    """Its address and what each request says."""
    setup = Setup(Options(), tmp_path, tmp_path, {})
    found = openai.find(Checkpoint("s", "http://127.0.0.1:9/v1#m"), setup).identity
    weights = "http://127.0.0.1:9/v1#m chat {}"
    assert found == Identity(weights, None, "openai/2", "server", "server", "")


def test_the_key_of_an_outcome() -> None:
    """A program with its inputs and its check, in a sandbox with its limits."""
    program = Program("def f(): ...", "f", ([1],), "def check(c): ...", "import os")
    assert program.key == "99bd6c4618c6e020e739863730c71ff68d6ec0d209c0e5de549c94a658b67642"
    assert fingerprint(Limits(), Tier("landlock")).endswith(
        "; landlock; cpu=2.0 wall=10.0 memory=536870912 output=1048576 result=1048576 preload=()"
        "; form 2"
    )


def test_what_a_baseline_is_compared_by() -> None:
    """The digest of the prompts and the settings of domain and sampling."""
    assert digest({"f": PROMPT}) == "0c420dec5a27bfae"
    code, prose = Domain("code", kind="code"), Domain("p")
    assert settings(code, None, (4, 4)) == {
        **SETTINGS,
        "language": "python",
        "kind": "code",
        "samples": 4,
    }
    assert settings(prose, None, (4, 8)) == {
        **SETTINGS,
        "kind": "prose",
        "samples": [4, 8],
    }
