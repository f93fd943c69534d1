"""A key is planted, everything is broken that can be, and all that is left is searched for it."""

from __future__ import annotations

import base64
import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import anyio
import h11
import httpcore2
import httpx2
import pytest

from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import ConfigError
from pytest_diversity.sampling.engines.openai import Address
from pytest_diversity.sampling.engines.openai.credentials import Credentials

from .scripted import Call, Reply, Scripted, complete

KEY = "sk-zq9v+XkT4mPq/Lw7RbNyD2s"
PASSWORD = "pr0xy-Pa55w0rd-Hj3k"  # noqa: S105 - looked for in what is printed, opens nothing
ENCODED = base64.b64encode(KEY.encode()).decode()
PARTS = (
    *(KEY, KEY[:8], KEY[-8:], KEY[9:17], quote(KEY, safe="")),
    *(ENCODED[:12], ENCODED[8:20], base64.b64encode(f"Bearer {KEY}".encode()).decode()[12:28]),
    *(PASSWORD, PASSWORD[:8], PASSWORD[-8:]),
)
# A test that raises another error over ours shows every frame that ours has passed.
TEST = """
from pathlib import Path
import pytest
from pytest_diversity.config.options import Options
from pytest_diversity.config.server import Endpoint
from pytest_diversity.sampling.engines.openai import find
from pytest_diversity.config.values import Checkpoint, Generation
from pytest_diversity.sampling.protocol import Request, Setup

class Said:
    def say(self, message):
        print(message)
    def advance(self, samples, tokens):
        pass

def test_it():
    checkpoint = Checkpoint("m", {source!r}, server=Endpoint(retries=0, timeout=1))
    try:
        engine = find(checkpoint, Setup(Options(), Path(), Path(), {{}})).load(Said())
        request = Request("p", "say it", (0, 1), Generation(max_tokens=4))
        for sample in engine.sample([request], Said()):
            print(sample)
    except Exception as error:
        raise RuntimeError("over it") from error
    raise RuntimeError("it works")
"""
LOUD = ("--tb=long", "--showlocals", "-vv", "-rA", "--full-trace", "-o", "log_level=DEBUG")
LOGGED = ("-o", "log_cli=true", "--log-file=log.txt", "--junitxml=junit.xml", "-p", "no:randomly")


def _search(folder: Path, output: str) -> None:
    """Neither in what was printed nor in any file that a run has left."""
    files = {
        path: path.read_bytes().decode(errors="replace")
        for path in folder.rglob("*.*")
        if path.is_file()
    }
    for part in PARTS:
        assert part not in output
        assert [path for path, text in files.items() if part in text] == []


def _fails(pytester: pytest.Pytester, source: str) -> str:
    pytester.makepyfile(TEST.format(source=source))
    pytester.makeini("[pytest]\n")
    result = pytester.runpytest_inprocess(*LOUD, *LOGGED)
    output = result.stdout.str() + result.stderr.str()
    result.assert_outcomes(failed=1)
    _search(pytester.path, output)
    return output


def _configured(pytester: pytest.Pytester, source: str) -> str:
    """The same through a configuration, with its store."""
    escaped = source.encode("unicode_escape").decode().replace("\\x", "\\u00")
    pytester.path.joinpath("prompts.jsonl").write_text('{"prompt": "say it"}\n')
    pytester.path.joinpath("diversity.toml").write_text(
        f'[checkpoints]\nm = {{ model = "{escaped}", retries = 0, timeout = 1 }}\n'
        '[domains.d]\nprompts = "prompts.jsonl"\nsamples_per_prompt = 2\n'
        "[domains.d.budget]\nlexical = { min = 0.1 }\n"
    )
    result = pytester.runpytest_inprocess(*LOUD, *LOGGED, "diversity.toml")
    output = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in output
    _search(pytester.path, output)
    return output


@pytest.fixture
def planted(
    pytester: pytest.Pytester, server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project whose environment holds a key."""
    del server
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return pytester


HOSTS: Mapping[str, str] = {
    "a zero-width space": "https://models\u200b.example/v1#m",
    "NUL": "https://models\0.example/v1#m",
    "a line break": "https://models\n.example/v1#m",
    "a tab": "https://models\t.example/v1#m",
    "a blank": "https://models .example/v1#m",
    "a bidi override": "https://models\u202e.example/v1#m",
    "another script": "https://mod\u0435ls.example/v1#m",
    "a sharp s": "https://stra\u00dfe.example/v1#m",
    "a full-width dot": "https://models\uff0eexample/v1#m",
    "a fraction slash": "https://models\u2044.example/v1#m",
    "half of a surrogate pair": "https://models\\ud800.example/v1#m",
    "a percent sign": "https://models%00.example/v1#m",
    "a backslash": "https://models\\\\.example/v1#m",
    "a label of seventy letters": f"https://{'a' * 70}.example/v1#m",
    "three hundred letters": f"https://{'a.' * 150}example/v1#m",
    "an empty label": "https://models..example/v1#m",
    "a hyphen at the start": "https://-models.example/v1#m",
    "port 0": "https://models.example:0/v1#m",
    "port 99999": "https://models.example:99999/v1#m",
    "port abc": "https://models.example:abc/v1#m",
    "port -1": "https://models.example:-1/v1#m",
    "a port of Arabic digits": "https://models.example:\u0668\u0660/v1#m",
    "a broken IPv6 address": "https://[::g]/v1#m",
    "an IPv6 address and more": "https://[::1]x/v1#m",
    "a future address": "https://[v1.x]/v1#m",
    "an IPv6 address with a zone": "https://[fe80::1%25eth0]/v1#m",
    "a path with NUL": "https://models.example/v1\0#m",
    "a path with a blank": "https://models.example/v 1#m",
    "a model with an escape": "https://models.example/v1#m\x1b[31m",
}


@pytest.mark.parametrize("case", HOSTS)
def test_an_address_is_checked_before_a_key_is_near(planted: pytest.Pytester, case: str) -> None:
    """What is no address is one sentence, which can be read, and nothing is contacted."""
    output = _fails(planted, HOSTS[case])
    assert re.search(r"CheckpointError: .* is not the URL of a server; write http://host:p", output)


@pytest.mark.parametrize("case", ["a zero-width space", "NUL", "port abc"])
def test_a_configured_address_is_checked_before_a_key_is_near(
    planted: pytest.Pytester, case: str
) -> None:
    """The run ends with the file and the line."""
    output = _configured(planted, HOSTS[case])
    assert re.search(r"diversity.toml:2: .* is not the URL of a server", output)


SOCKS = "socks5://user:{0}@proxy.example:1080"
PROXIES: Mapping[str, tuple[str, str, str]] = {
    "an unknown scheme": ("HTTPS_PROXY", "ftp://user:{0}@proxy.example:1", "unknown scheme"),
    "a scheme in place of a host": ("ALL_PROXY", "socks4a://u:{0}@h:1", "has an unknown scheme"),
    "socks without support": ("ALL_PROXY", SOCKS, "ALL_PROXY in the environment needs the pac"),
    "socks for another scheme": ("HTTP_PROXY", SOCKS, "HTTP_PROXY in the environment needs"),
    "port 99999": ("HTTPS_PROXY", "http://u:{0}@proxy.example:99999", "has no host or port"),
    "port 0": ("HTTPS_PROXY", "http://u:{0}@proxy.example:0", "has no host or port"),
    "port abc": ("https_proxy", "http://u:{0}@proxy.example:abc", "has no host or port"),
    "a zero-width space": ("HTTPS_PROXY", "http://u:{0}@proxy\u200b.example:1", "has no host or"),
    "no host": ("HTTPS_PROXY", "http://u:{0}@", "has no host or port"),
    "no scheme and no port": ("ALL_PROXY", "u:{0}@:x", "has no host or port"),
    "a bracket": ("HTTPS_PROXY", "http://u:{0}@[::1", "has no host or port"),
    "nobody there": ("HTTPS_PROXY", "http://u:{0}@127.0.0.1:9", "cannot be reached"),
    "no certificates": ("SSL_CERT_FILE", "/no/such/file", "can be prepared: FileNotFoundError"),
    "certificates that are none": ("SSL_CERT_FILE", __file__, "can be prepared: SSLError"),
}


@pytest.mark.parametrize("case", PROXIES)
def test_what_the_environment_says_of_the_way_is_one_sentence(
    planted: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """A proxy's password is a secret, too."""
    name, value, message = PROXIES[case]
    monkeypatch.setenv(name, value.format(PASSWORD))
    assert message in _fails(planted, "https://models.example/v1#m")


@pytest.mark.parametrize("case", ["socks without support", "no certificates"])
def test_what_a_configured_run_says_of_the_way(
    planted: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """As it fails the gate."""
    name, value, message = PROXIES[case]
    monkeypatch.setenv(name, value.format(PASSWORD))
    assert message in _configured(planted, "https://models.example/v1#m")


LIES: Mapping[str, Callable[[Call], Reply]] = {
    "an error": lambda _: Reply(401, f"Incorrect key: {KEY}"),
    "an error with parts of it": lambda _: Reply(401, f"Incorrect key: {KEY[:9]}***{KEY[-9:]}"),
    "an error with it encoded": lambda _: Reply(500, f"Basic {ENCODED}, {quote(KEY, safe='')}"),
    "an error with it in JSON": lambda _: Reply(
        403, '{"error": {"message": "' + "".join(f"\\u{ord(letter):04x}" for letter in KEY) + '"}}'
    ),
    "the reason": lambda _: Reply(503, "", phrase=f"no {KEY}"),
    "a header": lambda _: Reply(429, "", {"Retry-After": KEY, "X-Key": f"Bearer {KEY}"}),
    "a redirect": lambda _: Reply(307, "", {"Location": f"http://127.0.0.1:9/{KEY}"}),
    "an answer": lambda call: complete(call, f"your key is {KEY}"),
    "an answer, encoded": lambda call: complete(call, f"your key is {ENCODED}"),
    "no answer": lambda _: Reply(200, f"<html>{KEY}</html>"),
    "a header that is none": lambda _: Reply(200, "", {"Content-Length": KEY}),
    "an encoding that is none": lambda _: Reply(200, KEY, {"Content-Encoding": "gzip"}),
    "no end in time": lambda _: Reply(200, KEY, {"X-Key": KEY}, drip=0.3),
    "hanging up": lambda _: Reply(None),
}


@pytest.mark.parametrize("when", ["probed", "drawn from"])
@pytest.mark.parametrize("case", LIES)
def test_a_server_that_repeats_the_key_is_not_repeated(
    planted: pytest.Pytester, server: Scripted, case: str, when: str
) -> None:
    """Neither in errors, nor in logs of any library, nor in the store."""
    server.behave = lambda call: LIES[case](call) if when == "probed" or not call.probes else None
    assert "SamplingError" in (output := _fails(planted, f"{server.url}#m")) or "Refused" in output
    assert "FAILED" in _configured(planted, f"{server.url}#m")


def test_a_list_of_models_that_holds_the_key(planted: pytest.Pytester, server: Scripted) -> None:
    """A name is shown where it is chosen."""
    server.models = [f"m-{KEY}"]
    assert "repeats the key that it was sent" in _fails(planted, server.url)


def _raising(*_: object, **given: Any) -> NoReturn:
    secret = f"Bearer {KEY}"
    raise RuntimeError(f"broken over {secret} and {given}")


INTERNALS: Mapping[str, tuple[object, str]] = {
    "making the client": (httpx2.AsyncClient, "__init__"),
    "sending": (httpx2.AsyncClient, "send"),
    "building the request": (httpx2.AsyncClient, "build_request"),
    "the connection": (httpcore2.AsyncConnectionPool, "handle_async_request"),
    "the wire": (h11.Connection, "send"),
    "reading": (h11.Connection, "next_event"),
    "reading the body": (httpx2.Response, "aiter_bytes"),
    "the clock": (anyio, "fail_after"),
    "closing": (httpx2.AsyncClient, "aclose"),
}


@pytest.mark.parametrize("case", INTERNALS)
def test_a_library_that_breaks_shows_no_frame(
    planted: pytest.Pytester, server: Scripted, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Whatever it raises and says, its frames hold what is sent."""
    monkeypatch.setattr(*INTERNALS[case], _raising)
    output = _fails(planted, f"{server.url}#m")
    assert "it works" in output if case == "closing" else "over it" in output


def test_a_run_that_works_leaves_no_key(planted: pytest.Pytester, server: Scripted) -> None:
    """With every library's log at its loudest."""
    assert "it works" in _fails(planted, f"{server.url}#m")
    _configured(planted, f"{server.url}#m")
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}


KEYS: Mapping[str, str] = {"two lines": f"{KEY}\nX: y", "no ASCII": f"{KEY}ü", "NUL": f"{KEY}\x01"}


@pytest.mark.parametrize("case", KEYS)
def test_a_key_that_cannot_be_sent_is_in_no_frame(
    planted: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: Scripted, case: str
) -> None:
    """It is looked at where nothing is raised."""
    monkeypatch.setenv("OPENAI_API_KEY", KEYS[case])
    assert "the key in the environment cannot be sent" in _fails(planted, f"{server.url}#m")


@pytest.mark.parametrize("field", ["api_key_env", "headers_env"])
def test_a_key_in_place_of_its_variable_is_in_no_frame(field: str) -> None:
    """Where it could be a variable's name, it is not shown because there is no such variable."""
    key = "a1b2c3d4e5f6a7b8c9d0"
    given: dict[str, Any] = {field: key if field == "api_key_env" else {"X-Key": key}}
    with pytest.raises(ConfigError, match=f"variable of {field} is not set") as caught:
        Credentials.of(Address.parse("https://h/v1"), Endpoint(**given))
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in frames.stack if "pytest_diversity" in frame.filename]
    assert ours
    assert not any(key in value for frame in ours for value in (frame.locals or {}).values())


MASKED: Mapping[str, tuple[str, str]] = {
    "all of it": (f"no {KEY}!", "no ***!"),
    "twice": (f"{KEY} {KEY}", "*** ***"),
    "its ends": (f"{KEY[:8]}...{KEY[-6:]}", "***...***"),
    "five letters": (KEY[:5], KEY[:5]),
    "encoded": (f"Basic {ENCODED}"[:-4], f"Basic {ENCODED[:4]}***"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("case", MASKED)
def test_parts_of_a_key_are_masked(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """As long as they are parts that tell something."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    credentials = Credentials.of(Address.parse("https://h/v1"), Endpoint())
    said, shown = MASKED[case]
    assert credentials.masked(said) == shown
    assert KEY[:5] not in repr(credentials)
