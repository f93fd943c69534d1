"""What a configuration says of servers: URLs, keys and settings, before any is contacted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_diversity.config.file import load_config
from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.config.values import Config
from pytest_diversity.errors import CheckpointError, ConfigError
from pytest_diversity.sampling.engines.openai import Address, ServerModel
from pytest_diversity.sampling.engines.openai.credentials import Credentials
from pytest_diversity.validation import validate
from tests.workspaces import workspace_of

PASSWORD = "sekret-9876"  # noqa: S105 - looked for in messages, opens nothing

ADDRESSES: Mapping[str, tuple[str, str, str | None, str]] = {
    "a model": ("http://host:8000/v1#m", "http://host:8000/v1", "m", "host-8000"),
    "an organisation's model": ("https://host/v1#org/m", "https://host/v1", "org/m", "host"),
    "no model": ("https://host/v1", "https://host/v1", None, "host"),
    "an empty model": ("https://host/v1#", "https://host/v1", None, "host"),
    "a slash at the end": ("https://host/v1/#m", "https://host/v1", "m", "host"),
    "a model's path": ("http://h/v1#/models/a", "http://h/v1", "/models/a", "h"),
    "a model with an @": ("http://h/v1#org/m@main", "http://h/v1", "org/m@main", "h"),
    "an IPv6 address": ("http://[::1]:80/v1#m", "http://[::1]:80/v1", "m", "---1--80"),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_addresses(case: str) -> None:
    """The model is what follows the #, and the lock is named for host and port."""
    source, url, model, place = ADDRESSES[case]
    address = Address.parse(source)
    assert (address.url, address.model, address.place) == (url, model, place)


WRONG: Mapping[str, tuple[str, str]] = {
    "a password": (f"http://user:{PASSWORD}@host/v1#m", "must hold neither user:password@ nor"),
    "a name alone": (f"http://{PASSWORD}@host/v1#m", "must hold neither user:password@ nor"),
    "a password and no port": (f"http://u:{PASSWORD}@host:x/v1", "must hold neither"),
    "a query": (f"http://host/v1?key={PASSWORD}#m", "must hold neither user:password@ nor a query"),
    "no host": ("http:///v1#m", "'http:///v1#m' is not the URL of a server; write http://host:po"),
    "a port that is none": ("http://host:abc/v1#m", "is not the URL of a server"),
    "a port that is too high": ("http://host:99999/v1#m", "is not the URL of a server"),
    "a bracket": ("http://[::1/v1#m", "is not the URL of a server"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_addresses(tmp_path: Path, case: str) -> None:
    """One sentence before anything is drawn, which points at the line and shows no password."""
    source, message = WRONG[case]
    path = tmp_path / "diversity.toml"
    path.write_text(f'[checkpoints]\nserved = "{source}"\n')
    session = workspace_of(load_config(path), Options(store=tmp_path / "store"), tmp_path)
    with pytest.raises(CheckpointError) as caught:
        validate(session)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)


LOOPBACK: Mapping[str, bool] = {
    "localhost": True,
    "127.0.0.1": True,
    "127.8.0.1": True,
    "[::1]": True,
    "models.localhost": True,
    "192.168.0.7": False,
    "localhost.example": False,
    "0.0.0.0": False,  # noqa: S104 - a name that is checked, not bound
}


@pytest.mark.parametrize("host", LOOPBACK)
def test_what_is_this_machine(host: str) -> None:
    """Proxies are left out, and the common key is sent unencrypted, for this machine alone."""
    address = Address.parse(f"http://{host}:8000/v1")
    assert address.is_loopback is LOOPBACK[host]
    assert address.is_private is LOOPBACK[host]
    assert Address.parse(f"https://{host}:8000/v1").is_private


def _load(folder: Path, entry: str) -> Config:
    path = folder / "diversity.toml"
    path.write_text(f"[checkpoints]\nserved = {entry}\n")
    return load_config(path)


def test_all_settings_of_a_server(tmp_path: Path) -> None:
    """How a server is spoken to stands beside the checkpoint's URL and its generation settings."""
    config = _load(
        tmp_path,
        '{ model = "https://h/v1#m", api = "completions", api_key_env = "K", concurrency = 2, '
        "requests_per_minute = 30, retries = 0, timeout = 5, temperature = 0.5, "
        'omit = ["seed", "top_p"], rename = { max_tokens = "max_completion_tokens" }, '
        'headers_env = { OpenAI-Organization = "ORG" }, '
        "body = { chat_template_kwargs = { enable_thinking = false } } }",
    )
    checkpoint = config.checkpoints["served"]
    assert checkpoint.generation == {"temperature": 0.5}
    assert checkpoint.server == Endpoint(
        api="completions",
        body={"chat_template_kwargs": {"enable_thinking": False}},
        omit=("seed", "top_p"),
        rename={"max_tokens": "max_completion_tokens"},
        api_key_env="K",
        headers_env={"OpenAI-Organization": "ORG"},
        concurrency=2,
        requests_per_minute=30.0,
        retries=0,
        timeout=5.0,
    )


URL = 'model = "http://h/v1#m"'
REFUSED: Mapping[str, tuple[str, str]] = {
    "an unknown API": (f'{{ {URL}, api = "chats" }}', "unknown api 'chats'; did you mean 'chat'?"),
    "no requests at all": (f"{{ {URL}, concurrency = 0 }}", "'concurrency' must be at least 1"),
    "no time": (f"{{ {URL}, timeout = 0 }}", "'timeout' must be at least 0.001"),
    "a key in the file": (f'{{ {URL}, api_key = "{PASSWORD}" }}', "did you mean 'api_key_env'?"),
    "a key in place of its variable": (
        f'{{ {URL}, api_key_env = "{PASSWORD}" }}',
        "api_key_env is not the name of an environment variable; put the key into the environment",
    ),
    "an adapter": (f'{{ {URL}, adapter = "a" }}', "a server has no adapter; name what it serves"),
    "a body that is no table": (f'{{ {URL}, body = "x" }}', "'body' must be a table"),
    "a body with a date": (
        f"{{ {URL}, body = {{ x = 2026-01-01 }} }}",
        "body holds what JSON cann",
    ),
    "a body with nan": (f"{{ {URL}, body = {{ x = [nan] }} }}", "body holds what JSON cannot"),
    "a body with a seed": (f"{{ {URL}, body = {{ seed = 1 }} }}", "body must not set 'seed'"),
    "a body with n": (f"{{ {URL}, body = {{ n = 1 }} }}", "body must not set 'n', which the run"),
    "a field that is none": (
        f'{{ {URL}, omit = ["topp"] }}',
        "omit cannot hold 'topp'; did you mean 'top_p'?",
    ),
    "a field that makes it a request": (
        f'{{ {URL}, send = ["model"] }}',
        "send cannot hold 'model'; known: ",
    ),
    "a field that is a number": (f"{{ {URL}, omit = [5] }}", "omit cannot hold 5; known: "),
    "fields in both lists": (
        f'{{ {URL}, send = ["seed"], omit = ["seed"] }}',
        "send and omit say the same thing twice; remove one of them",
    ),
    "two fields under one name": (
        f'{{ {URL}, rename = {{ max_tokens = "seed" }} }}',
        "rename cannot call 'max_tokens' 'seed'; choose a name of its own",
    ),
    "two fields under one new name": (
        f'{{ {URL}, rename = {{ max_tokens = "x", seed = "x" }} }}',
        "rename cannot call 'seed' 'x'",
    ),
    "a name that the body has": (
        f'{{ {URL}, body = {{ x = 1 }}, rename = {{ seed = "x" }} }}',
        "rename cannot call 'seed' 'x'",
    ),
    "a name that is a number": (
        f"{{ {URL}, rename = {{ seed = 5 }} }}",
        "rename cannot call 'seed' 5",
    ),
    "a header of ours": (
        f'{{ {URL}, headers_env = {{ Authorization = "K" }} }}',
        "headers_env holds what is no header of its own",
    ),
    "a header with a line break": (
        f'{{ {URL}, headers_env = {{ "X\\r\\nY" = "K" }} }}',
        "headers_env holds what is no header of its own",
    ),
    "a key in place of a header's variable": (
        f'{{ {URL}, headers_env = {{ X-Key = "{PASSWORD}" }} }}',
        "headers_env is not the name of an environment variable; put the key into the env",
    ),
    "arguments for vLLM": (
        f"{{ {URL}, vllm = {{ seed = 1 }} }}",
        "a server has its own engine arguments; remove it",
    ),
    "a server's setting for a directory": (
        '{ model = "runs/a", timeout = 3 }',
        "'timeout' is for servers, http://host/v1#model; remove it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_are_refused(tmp_path: Path, case: str) -> None:
    """One sentence that points at the line; a key that stands there is not repeated."""
    entry, message = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, entry)
    assert f"{tmp_path / 'diversity.toml'}:2: " in str(caught.value)
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_an_ipv6_address_is_no_pattern(tmp_path: Path) -> None:
    """The brackets of a URL are not those of a pattern for directories."""
    config = _load(tmp_path, '"http://[::1]:8000/v1#m"')
    assert config.checkpoints["served"].source == "http://[::1]:8000/v1#m"


def test_a_server_is_no_adapter(tmp_path: Path, hollow_model: Callable[[Path], Path]) -> None:
    """Where weights are needed, a URL is one sentence."""
    (tmp_path / "diversity.toml").write_text(
        '[checkpoints]\na = { model = "runs/a", adapter = "http://h/v1#m" }\n'
    )
    hollow_model(tmp_path / "runs/a")
    session = workspace_of(load_config(tmp_path / "diversity.toml"), Options(), tmp_path)
    with pytest.raises(CheckpointError, match=r"adapter: a server is not something to load"):
        validate(session)


def test_the_key_of_samples_does_not_hold_the_variables_name() -> None:
    """Who asks, and how fast, is no part of what is drawn."""
    address = Address.parse("http://h/v1#m")
    plain = ServerModel(address, Endpoint())
    other = ServerModel(address, Endpoint(api_key_env="K", concurrency=1, retries=9, timeout=1))
    assert plain.identity == other.identity


SENT: Mapping[str, tuple[str, str | None, str]] = {
    "this machine": ("http://localhost:1/v1", None, "common"),
    "encrypted": ("https://host/v1", None, "common"),
    "in the clear": ("http://host/v1", None, ""),
    "in the clear, as the configuration says": ("http://host/v1", "MINE", "own"),
}


@pytest.mark.parametrize("case", SENT)
def test_where_a_key_goes(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """OPENAI_API_KEY is not sent over a network that can be read, unless it is named."""
    source, name, expected = SENT[case]
    monkeypatch.setenv("OPENAI_API_KEY", "common")
    monkeypatch.setenv("MINE", "own")
    credentials = Credentials.of(Address.parse(source), Endpoint(api_key_env=name))
    assert credentials.headers() == ({"Authorization": f"Bearer {expected}"} if expected else {})
