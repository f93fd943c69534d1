"""What a doctor asks of a server: its models, and a single token; nothing is drawn or kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.errors import CheckpointError, ConfigError, DiversityError, SamplingError
from pytest_diversity.sampling.engines.openai import find
from pytest_diversity.sampling.protocol import Chat, Setup

from .scripted import Call, Reply, Scripted


def _ready(
    server: Scripted,
    model: str = "m",
    endpoint: Endpoint | None = None,
    options: Options | None = None,
) -> str:
    checkpoint = Checkpoint("m", f"{server.url}#{model}", server=endpoint or Endpoint())
    return find(checkpoint, Setup(options or Options(), Path(), Path(), {})).ready(Chat())


def test_a_server_that_answers(server: Scripted) -> None:
    """Its model is named, and one token was asked of it."""
    assert _ready(server) == "the server has m"
    assert [call.body["max_tokens"] for call in server.calls] == [1]


def test_a_server_that_must_be_deterministic(server: Scripted) -> None:
    """It is asked what it says of itself; what it does is seen when it is drawn from."""
    options = Options(deterministic=True)
    assert _ready(server, options=options) == (
        "the server has m; it does not say whether it is deterministic, and is tried when it is "
        "drawn from"
    )
    server.pages = {"/server_info": Reply(200, {"enable_deterministic_inference": False})}
    with pytest.raises(CheckpointError, match="says that it is not deterministic; start SGLang"):
        _ready(server, options=options)
    assert _ready(server) == "the server has m"


Behave = Callable[[Call], Reply | None]
# name -> (what it does, the model that is asked for, the error, what it says)
REFUSING: Mapping[str, tuple[Behave, str, type[DiversityError], str]] = {
    "a wrong key": (lambda _: Reply(401), "m", SamplingError, "answers 401.*put a key"),
    "no such model": (lambda _: Reply(404), "other", CheckpointError, "has no model 'other'.*m"),
    "a server that is ill": (lambda _: Reply(503), "m", SamplingError, "answers 503.*its log"),
    "another program": (lambda _: Reply(200, "<html>"), "m", SamplingError, "OpenAI API"),
}


@pytest.mark.parametrize("case", REFUSING)
def test_a_server_that_does_not(server: Scripted, case: str) -> None:
    """It is asked once, so that a doctor never waits for its repeated tries."""
    server.behave, model, error, message = REFUSING[case]
    with pytest.raises(error, match=message):
        _ready(server, model)
    assert len(server.calls) <= 2


def test_a_server_that_is_not_there(server: Scripted) -> None:
    """It is not waited for."""
    server.stop()
    with pytest.raises(SamplingError, match="cannot be reached"):
        _ready(server)


def test_a_key_that_is_not_set(server: Scripted) -> None:
    """Nothing is sent without the key that the configuration names."""
    with pytest.raises(ConfigError, match="the environment variable of api_key_env is not set"):
        _ready(server, endpoint=Endpoint(api_key_env="NO_SUCH_KEY"))
    assert server.calls == []
