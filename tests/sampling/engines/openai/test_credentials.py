"""A key is sent to its server, and shown to nobody."""

from __future__ import annotations

import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import ConfigError
from pytest_diversity.report.progress import Console, showing

from .scripted import Scripted
from .sessions import Open

KEY = "sk-secret-1234567890"


def test_the_key_is_sent_and_nothing_else_knows_it(
    server: Scripted,
    open_session: Open,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is in the requests' header, and neither in the store nor in any output or log."""
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    with caplog.at_level("DEBUG"):
        session = open_session(f"{server.url}#m", server=Endpoint(api_key_env="MY_KEY"))
        session.resources._show = showing(Console)
        session.samples("m", "d")
        session.close()
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    files = [path for path in session.resources.store.path.parent.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)
    captured = capfd.readouterr()
    assert KEY not in captured.out + captured.err + caplog.text


@pytest.mark.parametrize("key", [f"{KEY}\nX: y", "schlüssel-123"], ids=["two lines", "no ASCII"])
def test_a_key_that_cannot_be_sent_is_not_shown(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """The client's own error would hold it."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="key in the environment cannot be sent") as caught:
        open_session(f"{server.url}#m").samples("m", "d")
    assert key[:9] not in str(caught.value)


def test_a_key_may_end_in_a_line_break(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As keys that are read from files do."""
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    open_session(f"{server.url}#m").samples("m", "d")
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}


def test_a_key_that_is_not_there_is_one_sentence(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable's name is not shown either: the key itself may stand in its place."""
    monkeypatch.delenv("MY_KEY", raising=False)
    session = open_session(f"{server.url}#m", server=Endpoint(api_key_env="MY_KEY"))
    with pytest.raises(ConfigError, match="variable of api_key_env is not set; set it") as caught:
        session.samples("m", "d")
    assert "MY_KEY" not in str(caught.value)
    assert server.calls == []


@pytest.mark.parametrize("name", ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
def test_variables_of_another_client_are_not_used(
    server: Scripted, open_session: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Who pays is said where the checkpoint is, or not at all."""
    monkeypatch.setenv(name, "planted")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Planted: planted")
    open_session(f"{server.url}#m", 1, prompts=1).samples("m", "d")
    assert not any("planted" in str(call) for call in server.calls)
    how = Endpoint(headers_env={"OpenAI-Organization": name})
    open_session(f"{server.url}#m", 2, prompts=1, server=how).samples("m", "d")
    assert server.calls[-1].headers["openai-organization"] == "planted"
