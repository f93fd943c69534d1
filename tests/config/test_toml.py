"""Errors of the file point at the line of what is wrong, however the file is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_diversity.config.file import load_config
from pytest_diversity.config.toml import located
from pytest_diversity.errors import ConfigError

HEAD = '[checkpoints]\nbase = "x/y"\n'

# name -> (text, beginning of what is said behind the path)
CASES: Mapping[str, tuple[str, str]] = {
    "after a string that looks like a file": (
        HEAD + "[domains.d]\nsystem = '''\n[domains.d]\ntop_p = 7\n'''\ntop_p = 7",
        "8: 'top_p'",
    ),
    "after a string with a quote in it": (
        HEAD + '[domains.d]\nsystem = """\n\\""" = 1\n[domains.e] \\"""\n"""\ntop_p = 7',
        "8: 'top_p'",
    ),
    "after a list of many lines": (
        HEAD + "[domains.d]\nstop = [ # top_p = 7\n'top_p = 7',\n'[domains.d]',\n]\ntop_p = 7",
        "8: 'top_p'",
    ),
    "a key in quotes": (HEAD + '[domains.d]\n"top_p" = 7', "4: 'top_p'"),
    "a key with an escape": (HEAD + '[domains.d]\n"top\\u005Fp" = 7', "4: 'top_p'"),
    "a table with an escape": (HEAD + '[domains."\\u0064"]\nseed = 1\ntop_p = 7', "5: 'top_p'"),
    "a table with a closing bracket in its name": (
        HEAD + '[domains."a]b"]\nseed = 1\ntop_p = 7',
        "5: 'top_p'",
    ),
    "a name with a quote": (HEAD + "[domains.'a\"b']\nseed = 1\ntop_p = 7", "5: 'top_p'"),
    "spaces around dots": (HEAD + "[ domains . d ]\nseed = 1\ntop_p = 7", "5: 'top_p'"),
    "dotted keys at the top": ("checkpoints.base = 'x'\ndomains.d.top_p = 7", "2: 'top_p'"),
    "inline tables in inline tables": (
        "checkpoints = { base = 'x' }\ndomains = { d = { top_p = 7 } }",
        "2: 'top_p'",
    ),
    "a comment that looks like an entry": (
        HEAD + "[domains.d]\n# top_p = 7\nseed = 1 # top_p = 7\ntop_p = 7",
        "6: 'top_p'",
    ),
    "lines that end as on Windows": (
        HEAD.replace("\n", "\r\n") + "[domains.d]\r\nseed = 1\r\ntop_p = 7\r\n",
        "5: 'top_p'",
    ),
    "a string with a separator of lines that is none in TOML": (
        HEAD + "[domains.d]\nsystem = 'a\u2028b\u0085'\ntop_p = 7",
        "5: 'top_p'",
    ),
    "a table that was first opened by another": (
        HEAD + "[domains.d.budget]\nlexical = { min = 0.1 }\n[domains.d]\ntop_p = 7",
        "6: 'top_p'",
    ),
    "a table without the key that it needs": (
        "[checkpoints.a.body]\nx = 1\n[checkpoints.a]\nseed = 1",
        "3: checkpoint 'a' has no model",
    ),
    "an array of tables": (HEAD + "[[domains]]\nx = 1\n[[domains]]\nx = 2", "3: 'domains' must be"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_line_is_right(tmp_path: Path, case: str) -> None:
    """What TOML takes for the key is found, and nothing else."""
    text, message = CASES[case]
    path = tmp_path / "diversity.toml"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:{message}")


def test_what_the_file_does_not_hold_is_not_located(tmp_path: Path) -> None:
    """A checkpoint of the command line has no line, even where its name is in some text."""
    path = tmp_path / "diversity.toml"
    path.write_text("[checkpoints]\na = 'x'\n[domains.d]\nsystem = '''\n[checkpoints]\nb = 1\n'''")
    with (
        pytest.raises(ConfigError, match=r"^wrong; right it"),
        located(path, "checkpoints", "b"),
    ):
        raise ConfigError("wrong", fix="right it")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
FAKES = ("[domains.d]", "wrong = 1", '"wrong" = 1', "[domains]", "# '''", "]", "}", "x = [", '\\"')


def basic(text: str) -> str:
    """A basic string, or a quoted key: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def _key(draw: st.DrawFn, name: str) -> str:
    """A key as it is, in quotes, or with every character escaped."""
    ways = [basic(name), '"' + "".join(f"\\U{ord(character):08X}" for character in name) + '"']
    if name.isascii() and name.replace("_", "").replace("-", "").isalnum():
        ways.append(name)
    if name.isprintable() and "'" not in name:
        ways.append(f"'{name}'")
    return draw(st.sampled_from(ways))


@st.composite
def _filler(draw: st.DrawFn, number: int) -> str:
    """An entry that is right, of one line or of several that look like something else."""
    fakes = draw(st.lists(st.sampled_from(FAKES), max_size=4))
    lines = "\n".join(fakes)
    listed = [f"{basic(fake)}, # wrong = 1\n" for fake in fakes]
    return draw(
        st.sampled_from(
            [
                f"k{number} = 1 # wrong = 1",
                f'k{number} = """\n{lines}\n"""',
                f"k{number} = '''\n{lines.replace(chr(39), '')}'''",
                f"k{number} = [\n{''.join(listed)}]",
                f"k{number} = {{ a = {{ wrong = 1 }}, b = [1] }}",
                f"k{number}.wrong = 1",
                "# wrong = 1",
                "",
            ]
        )
    )


@st.composite
def _document(draw: st.DrawFn) -> tuple[str, list[str], int]:
    """A document, the keys that lead to what is wrong in it, and the line of that."""
    table = draw(st.lists(BARE | NAMES, min_size=1, max_size=3))
    inner = draw(st.lists(BARE | NAMES, max_size=2))
    path = [*table, *inner, "wrong"]
    header = ".".join([draw(_key(name)) for name in table])
    blocks = [
        f"[other{number}]\n{draw(_filler(number))}" for number in range(draw(st.integers(0, 3)))
    ]
    blocks.append(f"[{header}]")
    blocks += [draw(_filler(number)) for number in range(draw(st.integers(0, 3)))]
    written = [draw(_key(name)) for name in [*inner, "wrong"]]
    if draw(st.booleans()):
        entry = f"{'.'.join(written)} = 1"
    else:
        entry = f"{written[-1]} = 1"
        for name in reversed(written[:-1]):
            entry = f"{name} = {{ {entry} }}"
    line = "\n".join([*blocks, ""]).count("\n") + 1
    rest = [draw(_filler(number)) for number in range(5, 5 + draw(st.integers(0, 3)))]
    return "\n".join([*blocks, entry, *rest]), path, line


@given(_document())
def test_a_key_is_found_in_any_document(
    tmp_path_factory: pytest.TempPathFactory, document: tuple[str, list[str], int]
) -> None:
    """Quoted, escaped, dotted or inline, and beside strings and lists that look like headers."""
    text, keys, line = document
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError, match=r": wrong$") as caught, located(path, *keys):
        raise ConfigError("wrong")
    assert str(caught.value) == f"{path}:{line}: wrong"
